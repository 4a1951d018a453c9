import { MarathonRefused } from '../errors.ts';
import { answered } from './client-reads.ts';
import { messageOf } from './errors-shape.ts';
import { type App, type JsonObject, member, objectAt, type Pod, textAt } from './json.ts';
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

/** Sets the instances of `of`, an app that was read before. */
export async function scaled(transport: Transport, of: App, change: ScaleTo): Promise<Scaled> {
  const path = `/v2/apps${textAt(of, 'id') ?? ''}?force=${String(change.force)}`;
  const body = { instances: change.instances, ...erasable(of) };
  const reply = await transport.send({ method: 'PUT', path, body }, change.signal);
  if (reply.status === 409) return { outcome: 'locked' };
  const answer = answered(reply, `PUT ${path}`);
  if (answer === undefined) throw new MarathonRefused(`PUT ${path}`, 404, messageOf(reply.body));
  const accepted = shapedBy<JsonObject>(shapes.scaled)(answer, `PUT ${path}`);
  return { outcome: 'accepted', deployment: textAt(accepted, 'deploymentId') ?? '' };
}

/**
 * Sets the instances of `of`, a pod that was read before. Marathon has no partial update of pods, so the
 * definition is sent back as it was read; Marathon compares the two and restarts nothing.
 */
export async function scaledPod(transport: Transport, of: Pod, change: ScaleTo): Promise<Scaled> {
  const path = `/v2/pods${textAt(of, 'id') ?? ''}?force=${String(change.force)}`;
  const body = podWithInstances(of, change.instances);
  const reply = await transport.send({ method: 'PUT', path, body }, change.signal);
  if (reply.status === 409) return { outcome: 'locked' };
  if (answered(reply, `PUT ${path}`) === undefined)
    throw new MarathonRefused(`PUT ${path}`, 404, messageOf(reply.body));
  return { outcome: 'accepted', deployment: reply.deployment ?? '' };
}

/** The definition of a pod with another count, all else as it was read. */
export const podWithInstances = (of: Pod, instances: number): Pod => ({
  ...of,
  scaling: { ...(objectAt(of, 'scaling') ?? { kind: 'fixed' }), instances },
});

export interface ScaleTo {
  readonly instances: number;
  /** Over a deployment that is at work on it, which is cancelled where it stands. */
  readonly force: boolean;
  readonly signal: AbortSignal;
}
