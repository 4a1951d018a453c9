import type { NetworkRecord, PoolRecord } from '../core/topology-record.ts';
import type { WiringStep } from '../core/topology-diff.ts';
import { after, newFaults, sameRecord } from '../core/topology-diff.ts';
import { refuseFaults } from '../core/topology-errors.ts';
import type { Clock } from '../plumbing/clock.ts';
import { keys, nameIn, prefixes } from './keys.ts';
import { listAll } from './listing.ts';
import { advancing, readAdmission } from './reservations.ts';
import { records } from './records.ts';
import type { Codec } from './records.ts';
import type { Guard, Read, Revision, Store, Write } from './store.ts';
import { recall } from './recall.ts';
import { TooManyBlocks, TopologyMoved } from './topology-errors.ts';
import type { Bearing, PoolBlock } from './topology-use.ts';
import { bearingsOf, faultsOf } from './topology-use.ts';
import { isVacant } from './blocks.ts';
import type { Decision } from './transact.ts';
import { transact } from './transact.ts';

export interface StepOptions {
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  readonly chance?: () => number;
}

/** The gate advances the same sequence with every admission, so lost races are usual. */
export const STEP_ATTEMPTS = 50;
/** Blocks that one commit guards and drops, room left for the rest of it. */
const MOST_BLOCKS = 100;

/**
 * Changes one pool or network. Every change of the topology, and every admission, guards and advances
 * the admission sequence: rivals collide there, and verdicts judged on the old topology lose.
 *
 * @throws BadTopology, TopologyMoved, TooManyBlocks, BadRecord, LedgerBusy, LedgerUnreachable
 */
export async function applyWiringStep(
  store: Store,
  step: WiringStep,
  options: StepOptions,
): Promise<void> {
  await recallAll(store, step, options);
  await sweep(store, step, options.signal);
  await transact(store, (read) => decideStep(read, step, options.signal), {
    attempts: STEP_ATTEMPTS,
    ...options,
  });
}

async function decideStep(
  read: Read,
  step: WiringStep,
  signal: AbortSignal,
): Promise<Decision<void>> {
  const admission = await readAdmission(read, signal);
  const { networks, pools } = await readWiring(read, signal);
  const seen = (step.kind === 'pool' ? pools : networks).get(step.name);
  const target = step.do === 'put' ? step.record : undefined;
  if (sameRecord(seen?.record, target)) return { result: undefined, guards: [], writes: [] };
  if (!sameRecord(seen?.record, step.before)) throw new TopologyMoved(step.kind, step.name);
  const wiring = { networks: bare(networks), pools: bare(pools) };
  refuseFaults(newFaults(wiring, after(wiring, step)));
  const bearings = await bearingsOf(read, step, signal);
  refuseFaults(faultsOf(step, bearings, 'resting counts'));
  const advance = advancing(admission);
  const key = step.kind === 'pool' ? keys.pool(step.name) : keys.network(step.name);
  return {
    result: undefined,
    guards: [
      advance.guard,
      { key, revision: seen?.revision ?? 0 },
      ...blockGuards(step, bearings, pools),
    ],
    writes: [advance.write, writeOf(step, key), ...droppedBlocks(step, bearings)],
  };
}

interface SeenRecord<Record> {
  readonly record: Record;
  readonly revision: Revision;
}

type Seen<Record> = ReadonlyMap<string, SeenRecord<Record>>;

const bare = <Record>(seen: Seen<Record>): ReadonlyMap<string, Record> =>
  new Map([...seen].map(([name, { record }]) => [name, record]));

async function readWiring(
  read: Read,
  signal: AbortSignal,
): Promise<{ networks: Seen<NetworkRecord>; pools: Seen<PoolRecord> }> {
  const all = async <Record>(prefix: string, codec: Codec<Record>): Promise<Seen<Record>> => {
    const { good } = codec.decodeAll((await listAll(read, prefix, { signal })).entries);
    return new Map(good.map((kept) => [nameIn(prefix, kept.key), kept]));
  };
  const networks = await all(prefixes.networks, records.network);
  return { networks, pools: await all(prefixes.pools, records.pool) };
}

function writeOf(step: WiringStep, key: string): Write {
  if (step.do === 'drop') return { drop: key };
  const value =
    step.kind === 'pool' ? records.pool.encode(step.record) : records.network.encode(step.record);
  return { put: key, value };
}

/** The blocks as they were found, no others, and the pools: thus no address is taken unseen. */
function blockGuards(
  step: WiringStep,
  bearings: readonly Bearing[],
  pools: Seen<PoolRecord>,
): Guard[] {
  return bearings.flatMap(({ pool, blocks, bornRevision }) => {
    if (blocks.length > MOST_BLOCKS) throw new TooManyBlocks(pool, blocks.length, MOST_BLOCKS);
    const guards = [
      { key: keys.births(pool), revision: bornRevision },
      ...blocks.map(({ key, revision }) => ({ key, revision })),
    ];
    const ofPool = { key: keys.pool(pool), revision: pools.get(pool)?.revision ?? 0 };
    return step.kind === 'pool' ? guards : [...guards, ofPool];
  });
}

/** Blocks of a pool that goes, or whose places mean other addresses from now on. */
const droppedBlocks = (step: WiringStep, bearings: readonly Bearing[]): Write[] =>
  step.kind === 'network'
    ? []
    : bearings
        .filter(({ next }) => !next)
        .flatMap(({ pool, blocks }) => [
          { drop: keys.births(pool) },
          ...blocks.map(({ key }) => ({ drop: key })),
        ]);

/** What rests with nodes is in nobody's way: they give it back first. What comes to rest since is found. */
async function recallAll(store: Store, step: WiringStep, options: StepOptions): Promise<void> {
  for (const { pool, blocks } of await bearingsOf(store, step, options.signal)) {
    const nodes = blocks.flatMap(({ record, whole }) =>
      Object.keys(record.held).filter((node) => record.held[node] !== whole.held[node]),
    );
    for (const node of new Set(nodes)) await recall(store, { node, pool }, options);
  }
}

/**
 * Drops the blocks that nobody has anything of when a step bears on more than one commit can guard. What cools
 * in them cools no longer, which matters little: these addresses are about to leave the pool.
 */
async function sweep(store: Store, step: WiringStep, signal: AbortSignal): Promise<void> {
  for (const { blocks } of await bearingsOf(store, step, signal)) {
    if (blocks.length <= MOST_BLOCKS) continue;
    const vacant = blocks.filter(({ record }) => isVacant(record));
    for (let from = 0; from < vacant.length; from += MOST_BLOCKS)
      await dropBlocks(store, vacant.slice(from, from + MOST_BLOCKS), signal);
  }
}

/** A race lost here leaves blocks that the step itself then finds. */
const dropBlocks = (
  store: Store,
  blocks: readonly PoolBlock[],
  signal: AbortSignal,
): Promise<unknown> =>
  store.commit(
    {
      guards: blocks.map(({ key, revision }) => ({ key, revision })),
      writes: blocks.map(({ key }) => ({ drop: key })),
    },
    signal,
  );
