import type { JsonObject } from './json.ts';

/** Instances that are killed and then launched again, possibly elsewhere. */
export interface Relaunch {
  /** At most this many at once. */
  readonly instances: number;
  /** The old process may still hold its address while the new one starts. */
  readonly wipe: boolean;
}

/** What a request does to one app or pod; the definitions are canonical. */
export interface Change {
  readonly id: string;
  readonly kind: 'app' | 'pod';
  /** Absent: it is created. */
  readonly before?: JsonObject;
  /** Absent: it is deleted. */
  readonly after?: JsonObject;
  /** Every running instance is replaced. */
  readonly restart: boolean;
  readonly relaunch?: Relaunch;
}

/**
 * What a request would leave behind. `marathonWillRefuse`: Marathon is certain to answer with this
 * status, so the request changes nothing and its own answer should reach the client.
 */
export type AfterImage =
  | { readonly marathonWillRefuse: false; readonly changes: readonly Change[] }
  | {
      readonly marathonWillRefuse: true;
      readonly status: 400 | 404 | 409 | 422;
      readonly message: string;
    };

export const changed = (changes: readonly Change[]): AfterImage => ({
  marathonWillRefuse: false,
  changes,
});

export const refused = (status: 400 | 404 | 409 | 422, message: string): AfterImage => ({
  marathonWillRefuse: true,
  status,
  message,
});
