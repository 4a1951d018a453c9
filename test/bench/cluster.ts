import type { Constraint } from '../../src/core/constraints.ts';
import type { Ask, NodeRoom, Room } from '../../src/core/room.ts';

export interface ClusterSize {
  readonly nodes: number;
  readonly pools: number;
  /** Addresses in use over all pools. */
  readonly leases: number;
}

const RACK = 40;
const ZONES = 5;

/** A number in 0..1 that looks random and is the same in every run. */
export const noise = (seed: number): number => {
  const mixed = Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) >>> 0;
  return (Math.imul(mixed ^ (mixed >>> 13), 0x297a2d39) >>> 0) / 2 ** 32;
};

/**
 * A synthetic cluster: racks of 40 nodes in five zones; each rack reaches two pools of "prod", which it
 * shares with the next rack, and one of "storage"; nodes are about two thirds full.
 */
export function cluster({ nodes, pools, leases }: ClusterSize): Room {
  const each = Math.floor(leases / pools);
  const poolRooms = Array.from({ length: pools }, (_, i) => {
    const network = i % 4 === 3 ? 'storage' : 'prod';
    return [`pool-${i}`, { network, free: Math.floor(noise(i + 1) * each * 0.5) + 4 }] as const;
  });
  const nodeRooms = Array.from(
    { length: nodes },
    (_, i) => [`node-${i}.example.org`, node(i, pools)] as const,
  );
  return { nodes: new Map(nodeRooms), pools: new Map(poolRooms) };
}

/** The same array for every node of a rack, as the snapshot keeps them. */
const reach = new Map<string, readonly string[]>();

function poolsOf(rack: number, pools: number): readonly string[] {
  const key = `${rack} ${pools}`;
  const first = (rack * 4) % pools;
  const names = [first, (first + 1) % pools, (first + 4) % pools, (first + 3) % pools].map(
    (i) => `pool-${i}`,
  );
  const known = reach.get(key) ?? names.sort();
  reach.set(key, known);
  return known;
}

function node(i: number, pools: number): NodeRoom {
  const rack = Math.floor(i / RACK);
  return {
    name: `node-${i}.example.org`,
    attributes: {
      rack: `rack-${rack}`,
      disk: i % 3 === 0 ? 'ssd' : 'hdd',
      generation: String(i % 4),
    },
    region: 'here',
    zone: `zone-${rack % ZONES}`,
    offered: i % 50 !== 7,
    cpus: Math.round(noise(i * 3 + 1) * 160) / 10,
    memMiB: Math.floor(noise(i * 3 + 2) * 65_536),
    diskMiB: Math.floor(noise(i * 3 + 3) * 500_000),
    gpus: 0,
    ports: [
      [31_000, 31_400],
      [31_500, 32_000],
    ],
    netInKbit: Math.floor(noise(i * 5 + 1) * 4_000_000),
    netOutKbit: Math.floor(noise(i * 5 + 2) * 4_000_000) - 200_000,
    pools: poolsOf(rack, pools),
  };
}

const constraint = (
  field: string,
  operator: Constraint['operator'],
  value?: string,
): Constraint => ({
  field,
  operator,
  ...(value === undefined ? {} : { value }),
});

const ask = (
  instances: number,
  constraints: readonly Constraint[] = [],
  networks = ['prod'],
): Ask => ({
  app: '/shop/web',
  instances,
  demand: {
    cpus: 0.5,
    memMiB: 512,
    diskMiB: 0,
    gpus: 0,
    ports: { any: 1, fixed: [] },
    addresses: networks.map((network) => ({ network, netInKbit: 50_000, netOutKbit: 100_000 })),
  },
  constraints,
  placed: [],
  total: instances,
});

/** Kinds of ask as they occur, by name. */
export const kindsOf = (room: Room): Readonly<Record<string, Ask>> => {
  const racks = new Set([...room.nodes.values()].map(({ attributes }) => attributes['rack']));
  return {
    'simple app, 20 instances': ask(20),
    'no addresses': ask(20, [], []),
    'LIKE an attribute': ask(20, [constraint('disk', 'LIKE', 'ssd|nvme')]),
    'LIKE a host pattern': ask(20, [
      constraint('hostname', 'LIKE', String.raw`node-[0-9]*[02468]\.example\.org`),
    ]),
    'UNIQUE hostname': ask(20, [constraint('hostname', 'UNIQUE')]),
    'MAX_PER zone': ask(20, [constraint('@zone', 'MAX_PER', '4')]),
    'UNIQUE rack': ask(Math.min(20, racks.size), [constraint('rack', 'UNIQUE')]),
    'GROUP_BY rack': ask(20, [constraint('rack', 'GROUP_BY', String(Math.min(10, racks.size)))]),
    'GROUP_BY zone': ask(20, [constraint('@zone', 'GROUP_BY', '5')]),
    'GROUP_BY hostname': ask(20, [constraint('hostname', 'GROUP_BY', '20')]),
    'CLUSTER rack': ask(20, [constraint('rack', 'CLUSTER')]),
    'two networks': ask(20, [], ['prod', 'storage']),
    'two networks, MAX_PER rack': ask(
      20,
      [constraint('rack', 'MAX_PER', '2')],
      ['prod', 'storage'],
    ),
    'fits half': ask(10_000_000),
    'refused: no such rack': ask(20, [constraint('rack', 'LIKE', 'rack-none')]),
  };
};
