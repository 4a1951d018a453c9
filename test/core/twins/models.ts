import type { Claim } from '../../../src/core/claim.ts';
import type { Constraint, Operator } from '../../../src/core/constraints.ts';
import type { Demand } from '../../../src/core/demand.ts';
import type { Ask, NodeRoom, Room, Witness } from '../../../src/core/room.ts';

/** Rooms and asks for examples: 8 cpus and 1 Gbit/s a node, pool "a" of network prod reached by all. */

export const nodeOf = (name: string, has: Partial<NodeRoom> = {}): NodeRoom => ({
  name,
  attributes: {},
  offered: true,
  cpus: 8,
  memMiB: 8192,
  diskMiB: 10_000,
  gpus: 0,
  ports: [[31_000, 32_000]],
  netInKbit: 1_000_000,
  netOutKbit: 1_000_000,
  pools: ['a'],
  ...has,
});

export const clusterOf = (
  nodes: readonly NodeRoom[],
  free: Readonly<Record<string, number>> = { a: 100 },
): Room => ({
  nodes: new Map(nodes.map((node) => [node.name, node])),
  pools: new Map(
    Object.entries(free).map(([name, left]) => [name, { network: 'prod', free: left }]),
  ),
});

interface Wish extends Partial<Demand> {
  readonly app?: string;
  readonly constraints?: readonly Constraint[];
  readonly placed?: Ask['placed'];
}

/** 1 cpu, 256 MiB, one address with 100 Mbit/s in and 200 Mbit/s out each. */
export function webAsk(instances: number, wish: Wish = {}): Ask {
  const { app = '/shop/web', constraints = [], placed = [], ...demand } = wish;
  return {
    app,
    instances,
    constraints,
    placed,
    total: instances + placed.length,
    demand: {
      cpus: 1,
      memMiB: 256,
      diskMiB: 0,
      gpus: 0,
      ports: { any: 0, fixed: [] },
      addresses: [{ network: 'prod', netInKbit: 100_000, netOutKbit: 200_000 }],
      ...demand,
    },
  };
}

export const constraintOf = (field: string, operator: Operator, value?: string): Constraint => ({
  field,
  operator,
  ...(value === undefined ? {} : { value }),
});

export const witnessOf = (
  nodes: Readonly<Record<string, number>>,
  pools: Readonly<Record<string, number>>,
): Witness => ({ nodes: new Map(Object.entries(nodes)), pools: new Map(Object.entries(pools)) });

/** A small instance with an address on each of some networks. */
export const demandOn = (...networks: readonly string[]): Demand => ({
  ...{ cpus: 0.1, memMiB: 32, diskMiB: 0, gpus: 0, ports: { any: 0, fixed: [] } },
  addresses: networks.map((network) => ({ network, netInKbit: 1_000, netOutKbit: 1_000 })),
});

/** Four instances on `prod`, replaced by four on `dev`, which may only start as old ones end. */
export const webRestart = (of: Partial<Claim> = {}): Claim => ({
  ...{ app: '/a', kind: 'restart', constraints: [], instances: 4, peak: 4, placed: [] },
  ...{ before: demandOn('prod'), demand: demandOn('dev'), heldOn: new Map([['n1', 4]]) },
  ...{ mayHold: false, mayReroute: false },
  ...of,
});
