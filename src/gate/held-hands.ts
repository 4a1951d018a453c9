import type { Scaled } from '../cluster/marathon/scale.ts';
import type { Deployment } from '../cluster/marathon/wire.ts';
import type { HeldRecord } from '../core/held-record.ts';
import { type SteadyMs, stillLeads } from '../ledger/election.ts';
import { changeHeld, sameHeld } from '../ledger/held.ts';
import type { Guard, Store, Write } from '../ledger/store.ts';
import type { View } from '../ledger/view.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { watchFlight } from './held-flight.ts';
import { mayOverride } from './held-locks.ts';
import { type FindSpec, type HeldSpec, runsOf } from './held-spec.ts';

/** What the brake and the queue of held apps do things with. */
export interface HeldHands {
  readonly store: Store;
  readonly view: View;
  readonly find: FindSpec;
  readonly scale: (
    spec: HeldSpec,
    to: { readonly instances: number; readonly force: boolean },
    signal: AbortSignal,
  ) => Promise<Scaled>;
  /** What Marathon is carrying out now. */
  readonly deployments: (signal: AbortSignal) => Promise<readonly Deployment[]>;
  readonly steadyMs: SteadyMs;
  readonly clock: Clock;
  readonly log: Log;
}

/** A turn of one leader: its writes win only while its term lasts. */
export interface Leading {
  readonly signal: AbortSignal;
  readonly fence: Guard;
}

/** One app and what is written of it. */
export interface HeldApp {
  readonly app: string;
  readonly record: HeldRecord;
}

/**
 * Writes what becomes of a held app (`undefined`: it is held no longer), unless somebody has written
 * since it was looked at. The view shows it when this resolves.
 *
 * @returns whether it was written
 */
export async function rewrite(
  { store, view }: Pick<HeldHands, 'store' | 'view'>,
  { app, seen, to, writes = [], guards = [] }: Rewrite,
  { signal, fence }: Leading,
): Promise<boolean> {
  const change = {
    to: (now: HeldRecord | undefined) => (sameHeld(now, seen) ? to : now),
    guards: [fence, ...guards],
    writes,
  };
  const { written, revision } = await changeHeld(store, app, change, signal);
  if (written) await view.whenShown(revision, signal);
  return written;
}

export interface Rewrite {
  readonly app: string;
  readonly seen: HeldRecord | undefined;
  readonly to: HeldRecord | undefined;
  readonly writes?: readonly Write[];
  readonly guards?: readonly Guard[];
}

/**
 * Lowers an app in Marathon to a count that is written already, over a deployment that may be
 * overridden. Marathon has no "only if": right before it is told, it is asked once more, so that neither a
 * client's word nor an instance that came up meanwhile is undone.
 *
 * @returns false when another deployment or a client's change stands in the way, when more runs by now, or
 *          when we lead no more
 */
export async function lower(
  hands: HeldHands,
  { spec, instances }: { readonly spec: HeldSpec; readonly instances: number },
  { signal, fence }: Leading,
): Promise<boolean> {
  const { view, find, deployments, scale } = hands;
  const { id } = spec;
  const isInFlight = watchFlight(view, id);
  if (!mayOverride(id, await deployments(signal))) return false;
  const now = await find(id, signal);
  if (now?.instances !== spec.instances || now.version !== spec.version) return false;
  if (runsOf(now, view.snapshot.heldOn(id)) > instances) return false;
  if (!(await stillLeads(hands, { fence }, signal)) || isInFlight()) return false;
  const { outcome } = await scale(now, { instances, force: true }, signal);
  return outcome === 'accepted';
}
