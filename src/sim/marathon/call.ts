import type { JsonObject } from '../json.ts';
import { ApiRefusal, badRequest } from '../errors.ts';
import type { Deployment } from '../scheduler/deployments.ts';
import type { World } from '../world.ts';

/** One request, taken apart. */
export interface Call {
  readonly world: World;
  readonly method: string;
  /** What the route's pattern captured. */
  readonly params: readonly string[];
  /** Raw path and query, as the client wrote them. */
  readonly url: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  readonly clientIp: string;
}

export interface Reply {
  readonly status: number;
  /** JSON, or nothing. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Handler = (call: Call) => Reply;

/** The first value counts; absent or blank means `otherwise`; only "true" in any case is true. */
export const flagOf = ({ query }: Call, name: string, otherwise: boolean): boolean => {
  const value = query.get(name);
  return value === null || value === '' ? otherwise : value.toLowerCase() === 'true';
};

/**
 * The JSON of a body.
 *
 * @throws ApiRefusal 400 when there is none or it cannot be read
 */
export const jsonOf = ({ body }: Pick<Call, 'body'>): unknown => {
  const text = body.toString('utf8').replace(/^\uFEFF/, '');
  if (text.trim() === '')
    throw new ApiRefusal(400, {
      message: 'Please specify data in JSON format',
      details: 'No content to map due to end-of-input',
    });
  try {
    return JSON.parse(text) as unknown;
  } catch (fault) {
    throw new ApiRefusal(400, { message: 'Invalid JSON', details: String(fault) });
  }
};

/** The reply of every change that only starts a deployment. */
export const deploymentReply = ({ id, version }: Deployment): Reply => ({
  status: 200,
  body: { version, deploymentId: id },
  headers: { 'Marathon-Deployment-Id': id },
});

/** 201 with the place of what was made. */
export const created = (deployment: Deployment, id: string, body: JsonObject): Reply => ({
  status: 201,
  body,
  headers: { 'Marathon-Deployment-Id': deployment.id, Location: id },
});

/** @throws ApiRefusal 400 when both are asked for */
export const scaleAndWipe = (call: Call): { scale: boolean; wipe: boolean } => {
  const scale = flagOf(call, 'scale', false);
  const wipe = flagOf(call, 'wipe', false);
  if (scale && wipe) throw badRequest('You cannot use scale and wipe at the same time.');
  return { scale, wipe };
};
