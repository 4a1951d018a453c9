import type { LimitStanding } from '../core/limit-edit.ts';
import type { CountedLimit } from '../core/lease-record.ts';
import type { LimitRecord } from '../core/limit-record.ts';
import type { NodeRecord } from '../core/topology-record.ts';
import { capacityOf } from '../core/snapshot-nodes.ts';
import { keys, prefixes } from './keys.ts';
import { UnknownNode } from './lease-errors.ts';
import type { SeenLimit, SeenTally } from './limit-change.ts';
import { inForce, moved, seeTally } from './limit-change.ts';
import { listAll } from './listing.ts';
import { records } from './records.ts';
import { advancing, readAdmission } from './reservations.ts';
import type { Change, Guard, Read } from './store.ts';
import { emptyPicture, feed } from './view-feed.ts';

/** What a raised limit must leave alone, and what vouches for it. */
export interface RaiseRoom {
  /** Promised to admitted apps on the node and not held yet, kbit/s. */
  readonly promised: { readonly inKbit: number; readonly outKbit: number };
  /** Makes every verdict lose that was computed on the sums of before. */
  readonly change: Change;
}

export interface SeenLink {
  readonly link: NodeRecord;
  readonly guard: Guard;
}

/** @throws UnknownNode, BadRecord */
export async function seeLink(read: Read, node: string, signal: AbortSignal): Promise<SeenLink> {
  const entry = await read.get(keys.node(node), signal);
  if (!entry) throw new UnknownNode(node);
  return {
    link: records.node.decode(entry),
    guard: { key: entry.key, revision: entry.revision },
  };
}

/**
 * What the node has promised. The room is read whole, but only while anything is promised at all; a raise
 * advances the admission sequence, as a change of the topology does.
 */
export async function roomToRaise(
  read: Read,
  node: string,
  signal: AbortSignal,
): Promise<RaiseRoom> {
  const { guard, write } = advancing(await readAdmission(read, signal));
  const change = { guards: [guard], writes: [write] };
  const any = await read.range({ prefix: prefixes.reservations, limit: 1 }, signal);
  if (any.entries.length === 0) return { promised: { inKbit: 0, outKbit: 0 }, change };
  return { promised: await promisedOn(read, node, signal), change };
}

async function promisedOn(
  read: Read,
  node: string,
  signal: AbortSignal,
): Promise<RaiseRoom['promised']> {
  const picture = emptyPicture();
  const { entries } = await listAll(read, prefixes.room, { signal });
  for (const entry of entries) feed(picture, entry.key, entry);
  const seen = picture.snapshot.node(node);
  if (!seen?.record) return { inKbit: 0, outKbit: 0 };
  const capacity = capacityOf(seen.record);
  return {
    inKbit: capacity.inKbit - (seen.tally?.netInKbit ?? 0) - seen.room.netInKbit,
    outKbit: capacity.outKbit - (seen.tally?.netOutKbit ?? 0) - seen.room.netOutKbit,
  };
}

/** A node as one change of one limit sees it. */
export interface SeenNode extends SeenLink, RaiseRoom {
  readonly sums: SeenTally;
}

/** @throws UnknownNode, BadRecord */
export async function seeNode(
  read: Read,
  { node, raises }: { readonly node: string; readonly raises: boolean },
  signal: AbortSignal,
): Promise<SeenNode> {
  const sums = await seeTally(read, node, signal);
  const link = await seeLink(read, node, signal);
  const room = raises ? await roomToRaise(read, node, signal) : UNRAISED;
  return { sums, ...link, ...room };
}

export const UNRAISED: RaiseRoom = {
  promised: { inKbit: 0, outKbit: 0 },
  change: { guards: [], writes: [] },
};

export const standingOf = (
  { node, address, counted }: SeenLimit,
  { link, sums: { tally }, promised }: SeenNode,
): LimitStanding => ({ node, address, counted, link, tally, promised });

/** One limit in force, with the node's sums. */
export function inForceOn(
  seen: SeenLimit,
  { sums, guard, change: room }: SeenNode,
  { next, edited = {} }: { next: CountedLimit; edited?: Pick<LimitRecord, 'edit' | 'editedMs'> },
): Change {
  const change = inForce(seen, next, edited);
  const key = keys.tally(seen.node);
  const value = records.tally.encode(moved(sums.tally, seen, next));
  return {
    guards: [...change.guards, guard, { key, revision: sums.revision }, ...room.guards],
    writes: [...change.writes, { put: key, value }, ...room.writes],
  };
}
