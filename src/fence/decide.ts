import type { FailureRecord } from '../core/failure-record.ts';
import type { PendingLaunch } from '../core/fence-demand.ts';
import { pendingLaunches, type QueuedLaunch } from '../core/fence-pending.ts';
import type { FenceRecord } from '../core/fence-record.ts';
import { returnsOf } from '../core/fence-rest.ts';
import type { FencePicture, StagedTask } from '../core/fence-staging.ts';
import { fenceRooms } from '../core/fence-room.ts';
import type { AgentSeen, FenceSteps, StepRules } from '../core/fence-action.ts';
import { MINUTE_MS, stepFence, within } from '../core/fence-step.ts';
import { type FenceRules, type RoomSince, wantFence } from '../core/fence-want.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { Fences } from '../ledger/fences.ts';
import { owedPromises, pictureOf } from './picture.ts';

export type DecideRules = FenceRules & Omit<StepRules, 'isAble'>;

/** Everything that one decision rests on. */
export interface Looked {
  readonly snapshot: Snapshot;
  readonly fences: Fences;
  /** By node, see `agentsByNode`. */
  readonly agents: ReadonlyMap<string, AgentSeen>;
  readonly staged: readonly StagedTask[];
  /** Undefined when Marathon did not answer. */
  readonly queue: readonly QueuedLaunch[] | undefined;
  /** Launches that failed for lack of room lately. */
  readonly failures: readonly FailureRecord[];
  readonly isAble: boolean;
  readonly since: RoomSince;
  /** When nodes were opened or closed lately, as this leader remembers it. */
  readonly flips: ReadonlyMap<string, readonly number[]>;
  readonly nowMs: number;
}

/** What is to be done now: at once, and without touching anything. */
export function decideFence(
  rules: DecideRules,
  looked: Looked,
): { readonly steps: FenceSteps; readonly since: RoomSince } {
  const { snapshot, fences, nowMs, isAble } = looked;
  const picture = pictureOf(snapshot, looked.staged);
  const { nodes } = picture;
  const rooms = fenceRooms(picture);
  const { homeRegion } = snapshot.room();
  const pending: PendingLaunch[] = pendingLaunches(looked.queue, owedPromises(snapshot), nowMs);
  const { wants, since } = wantFence({
    ...{ nodes, rooms, pending, failures: looked.failures, rules, since: looked.since, nowMs },
    closed: closedIn(fences),
    returns: returnsOf(snapshot.reservations(), {
      ...{ pending, nowMs, heldBy: (app: string) => snapshot.heldBy(app) },
    }),
    resting: restingIn(picture),
    heldOn: (app) => snapshot.heldOn(app),
    ...(homeRegion !== undefined && { homeRegion }),
  });
  const steps = stepFence({
    wants,
    records: recordsOf(looked),
    orders: fences.orders,
    agents: looked.agents,
    rules: { ...rules, isAble },
    nowMs,
  });
  return { steps, since };
}

const restingIn = ({ pools }: FencePicture): Set<string> =>
  new Set([...pools.values()].flatMap(({ network, resting }) => (resting > 0 ? [network] : [])));

/** Those that are left alone count as open. */
function closedIn({ plain }: Fences): Set<string> {
  const closed = new Set<string>();
  for (const [node, { state }] of plain) if (state !== 'yielded') closed.add(node);
  return closed;
}

/** A record knows its own flips; what came before it, only its leader. */
function recordsOf({ fences, flips, nowMs }: Looked): ReadonlyMap<string, FenceRecord> {
  if (flips.size === 0) return fences.plain;
  const records = new Map(fences.plain);
  for (const [node, times] of flips) {
    const record = records.get(node);
    const before = within(times, nowMs, MINUTE_MS);
    if (record && before.length > record.flips.length)
      records.set(node, { ...record, flips: before });
  }
  return records;
}
