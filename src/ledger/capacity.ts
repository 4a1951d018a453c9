import type { CapacityFacts } from '../core/capacity-facts.ts';
import { periodOf, type SaidVerdict, type SeenFailure } from '../core/capacity-period.ts';
import { LeaseSums, stockByNode } from '../core/capacity-sums.ts';
import type { NodeFacts } from '../core/facts.ts';
import type { WholeBlock } from '../core/block.ts';
import { reserveIn, wholeBlock } from '../core/reserve.ts';
import type { NodeSeen, PoolSeen } from '../core/snapshot-seen.ts';
import { FAILURES_KEPT, failuresSince } from './failures.ts';
import { fencesIn } from './fences.ts';
import { blockIn, holdingOf, keys, prefixes } from './keys.ts';
import { listAll } from './listing.ts';
import { records } from './records.ts';
import type { Entry, Read, Revision } from './store.ts';
import { listVerdicts, VERDICTS_KEPT } from './verdicts.ts';
import { emptyPicture, feed, type Picture } from './view-feed.ts';

export interface CapacityAsk {
  /** What Mesos says of the nodes; without it racks and reaches rest on the ledger's attributes alone. */
  readonly nodeFacts?: ReadonlyMap<string, NodeFacts>;
  readonly nowMs: number;
  /** Where the period begins; absent: with all that is remembered. */
  readonly sinceMs?: number;
}

export interface CapacityReading {
  readonly revision: Revision;
  readonly facts: CapacityFacts;
  /** What the ledger says in two ways that do not agree, or cannot say. */
  readonly doubts: readonly string[];
  /** The logs do not reach back to `sinceMs`. */
  readonly atLeast: boolean;
}

/**
 * All that a capacity report is made of. Room and leases are read at one revision, the leases a page at a
 * time, so that a large cluster stops nothing else.
 *
 * @throws LedgerUnreachable, Compacted
 */
export async function readCapacity(
  read: Read,
  ask: CapacityAsk,
  signal: AbortSignal,
): Promise<CapacityReading> {
  const { entries, revision } = await listAll(read, prefixes.room, { signal });
  const picture = emptyPicture();
  if (ask.nodeFacts) picture.snapshot.replaceFacts(ask.nodeFacts);
  for (const entry of entries) feed(picture, entry.key, entry);
  picture.snapshot.setNow(ask.nowMs);
  const stock = new Map<string, number>();
  for (const block of wholeBlocksIn(entries))
    for (const [node, count] of stockByNode(block)) stock.set(node, (stock.get(node) ?? 0) + count);
  const leases = new LeaseSums(picture.snapshot.networks());
  const unread = await sumLeases(read, leases, { revision, signal });
  const fences = await fencesAt(read, { revision, signal });
  const said = await verdictsSince(read, ask, signal);
  const seen = await failuresIn(read, ask, signal);
  return {
    revision,
    facts: {
      picture: picture.snapshot,
      ...{ leases, stock, held: picture.held },
      fenced: fences.fenced,
      period: periodOf(said.verdicts, seen.failures),
    },
    doubts: [...unreadable(picture, unread), ...fences.doubts, ...disagreements(picture, leases)],
    atLeast: said.atLeast || seen.atLeast,
  };
}

/** Blocks that read, with what their nodes have in reserve. */
function wholeBlocksIn(entries: readonly Entry[]): WholeBlock[] {
  const under = (prefix: string): Entry[] => entries.filter(({ key }) => key.startsWith(prefix));
  const { good } = records.tally.decodeAll(under(prefixes.tallies));
  const tallies = new Map(good.map(({ key, record }) => [key, record]));
  return records.block.decodeAll(under(prefixes.blocks)).good.flatMap(({ key, record }) => {
    const at = blockIn(key);
    if (!at) return [];
    const reserves = Object.keys(record.held).flatMap((node) => {
      const tally = tallies.get(keys.tally(node));
      return tally ? [[node, reserveIn(tally, at.pool, at.n)] as const] : [];
    });
    return [wholeBlock(record, reserves)];
  });
}

interface Fenced {
  readonly fenced: ReadonlySet<string>;
  readonly doubts: readonly string[];
}

/** Nodes that are out of Mesos' offers by our doing, or about to be; what is only watched is not. */
async function fencesAt(
  read: Read,
  { revision, signal }: { readonly revision: Revision; readonly signal: AbortSignal },
): Promise<Fenced> {
  const at = revision > 0 ? { at: revision } : {};
  const found = fencesIn((await listAll(read, prefixes.fence, { signal, ...at })).entries);
  const ours = [...found.records].filter(
    ([, { record }]) => record.mode === 'on' && record.state !== 'yielded',
  );
  return {
    fenced: new Set(ours.map(([node]) => node)),
    doubts: found.faults.slice(0, MOST_DOUBTS).map(({ message }) => message),
  };
}

const LEASES_AT_ONCE = 1_000;

/** @returns how many do not read */
async function sumLeases(
  read: Read,
  sums: LeaseSums,
  { revision, signal }: { readonly revision: Revision; readonly signal: AbortSignal },
): Promise<number> {
  const prefix = prefixes.leases;
  const query = { prefix, limit: LEASES_AT_ONCE, ...(revision > 0 && { at: revision }) };
  let unread = 0;
  for (let after: string | undefined, more = true; more;) {
    const page = await read.range({ ...query, ...(after !== undefined && { after }) }, signal);
    const { good, faults } = records.lease.decodeAll(page.entries);
    unread += faults.length;
    for (const { key, record } of good) {
      const place = holdingOf(prefix, key);
      if (place) sums.add(place.node, place.address, record);
      else unread += 1;
    }
    after = page.entries.at(-1)?.key;
    more = page.more && after !== undefined;
  }
  return unread;
}

const VERDICTS_AT_ONCE = 50;

interface Said {
  readonly verdicts: readonly SaidVerdict[];
  readonly atLeast: boolean;
}

/** Verdicts of the period. The log is bounded: a full one that begins later than the period is too short. */
async function verdictsSince(
  read: Read,
  { sinceMs = 0, nowMs }: CapacityAsk,
  signal: AbortSignal,
): Promise<Said> {
  const verdicts: SaidVerdict[] = [];
  let seen = 0;
  for (let before: string | undefined; ;) {
    const query = { limit: VERDICTS_AT_ONCE, ...(before !== undefined && { before }) };
    const page = await listVerdicts(read, query, signal);
    const records = page.verdicts.map(({ record }) => record);
    seen += records.length + page.faults.length;
    verdicts.push(...records.filter(({ atMs }) => atMs > sinceMs && atMs <= nowMs));
    before = page.next;
    if (before === undefined) return { verdicts, atLeast: seen >= VERDICTS_KEPT };
    if (records.length > 0 && records.every(({ atMs }) => atMs <= sinceMs))
      return { verdicts, atLeast: false };
  }
}

interface Seen {
  readonly failures: readonly SeenFailure[];
  readonly atLeast: boolean;
}

/** Failures are kept by the minute: those of the minute in which the period begins count, if they ended in it. */
async function failuresIn(
  read: Read,
  { sinceMs = 0, nowMs }: CapacityAsk,
  signal: AbortSignal,
): Promise<Seen> {
  const found = await failuresSince(read, { sinceMs: sinceMs + 1 }, signal);
  const failures = found
    .map(({ record }) => record)
    .filter(({ sinceMs: firstMs }) => firstMs <= nowMs);
  return { failures, atLeast: found.length >= FAILURES_KEPT };
}

const MOST_DOUBTS = 20;

const unreadable = ({ faults }: Picture, leases: number): string[] => [
  ...[...faults.values()].slice(0, MOST_DOUBTS).map(({ message }) => message),
  ...(leases > 0 ? [`${leases} leases do not read: see corral ledger check`] : []),
];

/** Blocks, tallies and leases say the same thing three times. */
function disagreements({ snapshot }: Picture, leases: LeaseSums): string[] {
  const doubt = (what: string, counted: number, found: number): string[] =>
    counted === found
      ? []
      : [`${what} counts ${counted} leases and has ${found}: see corral ledger check`];
  return [
    ...snapshot
      .pools()
      .flatMap(({ name, held }: PoolSeen) =>
        doubt(`pool "${name}"`, held, leases.pools.get(name)?.leases ?? 0),
      ),
    ...snapshot.nodes().flatMap(({ name, tally }: NodeSeen) =>
      doubt(
        `node "${name}"`,
        Object.values(tally?.pools ?? {}).reduce((sum, count) => sum + count, 0),
        leases.nodes.get(name)?.leases ?? 0,
      ),
    ),
  ].slice(0, MOST_DOUBTS);
}
