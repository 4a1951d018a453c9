import type { FailureRecord } from '../core/failure-record.ts';
import { type BurstsOver, type HeldBack, heldBack } from '../core/fence-burst.ts';
import type { PendingLaunch } from '../core/fence-demand.ts';
import { DETOUR_MS } from '../core/fence-detour.ts';
import { pendingLaunches, type QueuedLaunch } from '../core/fence-pending.ts';
import type { FenceRecord } from '../core/fence-record.ts';
import type { StagedTask } from '../core/fence-staging.ts';
import { fenceRooms } from '../core/fence-room.ts';
import type { AgentSeen, FenceSteps, StepRules } from '../core/fence-action.ts';
import { MINUTE_MS, stepFence, within } from '../core/fence-step.ts';
import { type FenceRules, type RoomSince, wantFence } from '../core/fence-want.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { Fences } from '../ledger/fences.ts';
import { burstsIn, owedPromises, pictureOf } from './picture.ts';

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
  readonly over: BurstsOver;
  /** When nodes were opened or closed lately, as this leader remembers it. */
  readonly flips: ReadonlyMap<string, readonly number[]>;
  readonly nowMs: number;
}

export interface Decided {
  readonly steps: FenceSteps;
  readonly since: RoomSince;
  readonly over: BurstsOver;
  /**
   * Launches are held back, or have failed within the last minute: a node that others reactivate or that comes
   * back now is open to those, and no event of Mesos tells of it.
   */
  readonly isPressing: boolean;
}

/** What is to be done now: at once, and without touching anything. */
export function decideFence(rules: DecideRules, looked: Looked): Decided {
  const { snapshot, fences, nowMs, isAble } = looked;
  const { nodes, rooms, held } = roomsIn(looked);
  const { homeRegion } = snapshot.room();
  const pending: PendingLaunch[] = pendingLaunches(looked.queue, owedPromises(snapshot), nowMs);
  const { wants, since } = wantFence({
    ...{ nodes, rooms, pending, failures: looked.failures, rules, since: looked.since, nowMs },
    closed: closedIn(fences),
    heldBack: held,
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
  return { steps, since, over: held.over, isPressing: isPressing(looked, held) };
}

const isPressing = ({ failures, nowMs }: Looked, held: HeldBack): boolean =>
  held.nodes.size > 0 || failures.some(({ atMs }) => Math.abs(nowMs - atMs) < DETOUR_MS);

function roomsIn({ snapshot, staged, over, nowMs }: Looked) {
  const picture = pictureOf(snapshot, staged);
  const { homeRegion } = snapshot.room();
  const held: HeldBack = heldBack({
    ...{ bursts: burstsIn(snapshot), picture, over, nowMs },
    ...(homeRegion !== undefined && { homeRegion }),
  });
  return { nodes: picture.nodes, rooms: fenceRooms(picture), held };
}

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
