import type Joi from 'joi';

/** What a route gets of its request. */
export interface Asked {
  readonly params: Readonly<Record<string, string>>;
  /** Checked by the route's own schema. */
  readonly query: Readonly<Record<string, unknown>>;
  /** The bytes of the body, bounded. */
  readonly body: () => Promise<Buffer>;
  /** Address of the client. */
  readonly from: string;
  /** Aborted at the deadline, and when the client leaves. */
  readonly signal: AbortSignal;
}

/** JSON unless the type says otherwise. */
export interface Reply {
  readonly status?: number;
  readonly type?: string;
  readonly body: unknown;
}

/** One line of the API: enough to serve it and to write its OpenAPI entry. */
export interface Route {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** With `:name` for parameters. */
  readonly path: string;
  readonly summary: string;
  readonly query?: Joi.ObjectSchema;
  /** What the body holds, when there is one. */
  readonly takes?: string;
  readonly answer: (asked: Asked) => Promise<Reply> | Reply;
}
