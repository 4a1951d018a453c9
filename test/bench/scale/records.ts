import { NO_BITS, withBit } from '../../../src/core/mask.ts';
import { addressText, poolSpace } from '../../../src/core/pool.ts';
import type { BlockRecord, LeaseRecord, TallyRecord } from '../../../src/core/lease-record.ts';
import type { LimitRecord } from '../../../src/core/limit-record.ts';
import type { PoolRecord } from '../../../src/core/topology-record.ts';
import { keys } from '../../../src/ledger/keys.ts';
import { records } from '../../../src/ledger/records.ts';
import { EMPTY_TALLY, tallied } from '../../../src/ledger/tally.ts';
import { noise } from '../cluster.ts';

export interface Size {
  readonly nodes: number;
  readonly pools: number;
  readonly leases: number;
  /** Most addresses of a pool beyond what is leased, up to 60,000; default 100. */
  readonly spare?: number;
}

export interface Put {
  readonly put: string;
  readonly value: string;
}

/** What one lease and its limit are made of. */
interface Held {
  readonly node: string;
  readonly address: string;
  readonly lease: LeaseRecord;
  readonly limit: LimitRecord;
}

const AT_MS = 1_700_000_000_000;
const FIRST_MINOR = 0x100;

export const nodeName = (n: number): string => `node-${n}.example.org`;
export const rackOf = (node: number, { nodes, pools }: Size): number =>
  Math.floor(node / (nodes / pools));
const poolName = (pool: number): string => `pool-${pool}`;
const networkOf = (pool: number): string => (pool % 4 === 3 ? 'storage' : 'prod');

/**
 * A ledger as a cluster in use would have written it. One rack for each pool; a rack reaches its own pool
 * and the next rack's, and its nodes draw from both. An app has an instance on each
 * of these nodes, and an address went to whichever node asked, so that every block has many holders:
 * the costly case. Blocks, tallies, leases and limits agree (ledger/check.ts).
 */
export function* ledgerOf(size: Size): Generator<Put> {
  yield* topologyOf(size);
  const tallies = new Map<string, TallyRecord>();
  for (let pool = 0; pool < size.pools; pool++) {
    const held = heldIn(pool, size);
    for (const { node, address, lease, limit } of held) {
      tallies.set(node, tallied(tallies.get(node) ?? EMPTY_TALLY, { lease, limit }, 1));
      yield { put: keys.lease(node, address), value: records.lease.encode(lease) };
      yield { put: keys.limit(node, address), value: records.limit.encode(limit) };
    }
    for (const [n, record] of blocksOf(held))
      yield { put: keys.block(poolName(pool), n), value: records.block.encode(record) };
  }
  for (const [node, record] of tallies)
    yield { put: keys.tally(node), value: records.tally.encode(record) };
}

function* topologyOf(size: Size): Generator<Put> {
  const pools = Array.from({ length: size.pools }, (_, pool) => pool);
  for (const network of ['prod', 'storage']) {
    const own = pools.filter((pool) => networkOf(pool) === network).map(poolName);
    const record = { v: 1, pools: own, attachment: 'bridge' } as const;
    const limits = { defaultInKbit: 10_000, defaultOutKbit: 10_000 };
    yield { put: keys.network(network), value: records.network.encode({ ...record, ...limits }) };
  }
  for (const pool of pools)
    yield { put: keys.pool(poolName(pool)), value: records.pool.encode(poolOf(pool, size)) };
  for (let node = 0; node < size.nodes; node++) {
    const link = { linkInKbit: 10_000_000, linkOutKbit: 10_000_000, overcommit: 1, headroom: 0.9 };
    const record = { v: 1, ...link, attributes: {} } as const;
    yield { put: keys.node(nodeName(node)), value: records.node.encode(record) };
  }
}

const PREFIX = 100;

/** From 4 spare addresses on, by chance. */
function poolOf(pool: number, size: Size): PoolRecord {
  const base = `2001:db8:${pool.toString(16)}::`;
  const last = size.leases / size.pools + 4 + Math.floor(noise(pool + 1) * (size.spare ?? 100));
  const each = size.nodes / size.pools;
  const racks = [pool, (pool + size.pools - 1) % size.pools];
  const names = racks.flatMap((rack) =>
    Array.from({ length: each }, (_, n) => nodeName(rack * each + n)),
  );
  return {
    v: 1,
    cidr: `${base}/${PREFIX}`,
    ranges: [{ from: `${base}1`, to: `${base}${last.toString(16)}` }],
    exclude: [],
    nodes: { names },
  };
}

/** The rack's own half of the names comes first: the halves use odd and even class minors. */
function heldIn(pool: number, size: Size): readonly Held[] {
  const record = poolOf(pool, size);
  const space = poolSpace(record);
  const { names = [] } = record.nodes;
  return Array.from({ length: size.leases / size.pools }, (_, n): Held => {
    const who = n % names.length;
    const turn = Math.floor(n / names.length);
    const app = `/team-${pool % 20}/app-${pool}-${turn}`;
    const task = `task-${pool}-${n}`;
    const lease = { v: 1, pool: poolName(pool), network: networkOf(pool), app, task } as const;
    const kbit = 1_000 * (1 + Math.floor(noise(pool * 7 + turn) * 600));
    const classMinor = FIRST_MINOR + 2 * turn + (who < names.length / 2 ? 0 : 1);
    return {
      node: names[who] ?? '',
      address: addressText(space, { block: BigInt(blockOf(n)), offset: offsetOf(n) }),
      lease: { ...lease, incarnation: task, sinceMs: AT_MS },
      limit: { v: 1, netInKbit: kbit, netOutKbit: kbit, classMinor },
    };
  });
}

/** The n-th lease has the n-th address, and address 0 of a pool is never handed out. */
const blockOf = (n: number): number => (n + 1) >> 8;
const offsetOf = (n: number): number => (n + 1) & 255;

function blocksOf(held: readonly Held[]): ReadonlyMap<number, BlockRecord> {
  const blocks = new Map<number, Record<string, string>>();
  held.forEach(({ node }, n) => {
    const masks = blocks.get(blockOf(n)) ?? {};
    masks[node] = withBit(masks[node] ?? NO_BITS, offsetOf(n));
    blocks.set(blockOf(n), masks);
  });
  return new Map(
    [...blocks].map(([n, masks]) => [
      n,
      { v: 1, held: masks, cursor: 0, cooling: {}, quarantined: {} },
    ]),
  );
}
