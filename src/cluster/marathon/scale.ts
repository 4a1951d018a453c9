import { MarathonRefused } from '../errors.ts';
import { answered } from './client-reads.ts';
import { messageOf } from './errors-shape.ts';
import { type App, type JsonObject, member, textAt } from './json.ts';
import type { Transport } from './transport.ts';
import { shapedBy, shapes } from './wire.ts';

/** What became of a scaling. */
export type Scaled =
  | { readonly outcome: 'accepted'; readonly deployment: string }
  /** Another deployment is at work on the app; nothing was done. */
  | { readonly outcome: 'locked' };

/** Left out of an update, these would be erased, and that restarts every task. */
function erasable(of: App): JsonObject {
  const limits = member(of, 'resourceLimits');
  const executor = member(of, 'executorResources');
  return {
    ...(limits !== undefined && { resourceLimits: limits }),
    ...(executor !== undefined && { executorResources: executor }),
  };
}

/** Sets the instances of `of`, an app that was read before, without force. */
export async function scaled(transport: Transport, of: App, change: ScaleTo): Promise<Scaled> {
  const path = `/v2/apps${textAt(of, 'id') ?? ''}?force=false`;
  const body = { instances: change.instances, ...erasable(of) };
  const reply = await transport.send({ method: 'PUT', path, body }, change.signal);
  if (reply.status === 409) return { outcome: 'locked' };
  const answer = answered(reply, `PUT ${path}`);
  if (answer === undefined) throw new MarathonRefused(`PUT ${path}`, 404, messageOf(reply.body));
  const accepted = shapedBy<JsonObject>(shapes.scaled)(answer, `PUT ${path}`);
  return { outcome: 'accepted', deployment: textAt(accepted, 'deploymentId') ?? '' };
}

export interface ScaleTo {
  readonly instances: number;
  readonly signal: AbortSignal;
}
