import type { NodeOptions } from '../../../src/sim/nodes.ts';
import type { Chance } from '../../../src/sim/chance.ts';

/** A cluster as its owner describes it: machines to Mesos, pools and links to Corral. */
export interface RandomCluster {
  readonly nodes: readonly NodeOptions[];
  readonly racks: readonly string[];
  readonly networks: readonly string[];
  /** As people write it (config/topology.example.yaml). */
  readonly topology: unknown;
  /** Rates that apps ask for here, Mbit/s: a link takes only a few of the largest. */
  readonly rates: readonly number[];
  /** How long a released address rests, ms; where nothing else is left, 5 s are enough. */
  readonly coolDownMs: number;
}

interface Pool {
  readonly cidr: string;
  readonly ranges: readonly string[];
  readonly gateway: string;
  readonly nodes?: { readonly attributes: { readonly rack: string } };
}

const FEWEST_NODES = 5;
const MOST_NODES = 30;

/** CPU for far more instances than there are addresses, as in the article. */
export function randomCluster(chance: Chance): RandomCluster {
  const count = FEWEST_NODES + Math.floor(chance.next() ** 2 * (MOST_NODES - FEWEST_NODES + 1));
  const racks = Array.from({ length: chance.between(1, 3) }, (_, n) => `r${n + 1}`);
  const nodes = Array.from({ length: count }, (_, n) =>
    nodeOf(chance, n, racks[n % racks.length]!),
  );
  const networks = ['prod', 'stage', 'batch'].slice(0, chance.between(1, 3));
  const pools = new Map<string, Pool>();
  const wired = networks.map((name): [string, unknown] => [
    name,
    networkOf(chance, { name, racks, count, pools }),
  ]);
  const narrow = chance.next() < 0.35;
  const link = narrow ? `${chance.between(40, 120)}mbit` : '1gbit';
  return {
    ...{ nodes, racks, networks },
    rates: narrow ? [5, 10, 20] : [1, 5, 20],
    topology: {
      pools: Object.fromEntries(pools),
      networks: Object.fromEntries(wired),
      nodes: Object.fromEntries(
        nodes.map(({ name, attributes }) => [name, { link, attributes: { ...attributes } }]),
      ),
    },
    coolDownMs: chance.next() < 0.5 ? 60_000 : 0,
  };
}

const nodeOf = (chance: Chance, n: number, rack: string): NodeOptions => ({
  name: `node-${n + 1}.example.org`,
  cpus: chance.between(3, 8),
  mem: 16_384,
  disk: 102_400,
  attributes: { rack },
  address: `198.18.0.${n + 1}`,
});

interface Wiring {
  readonly name: string;
  readonly racks: readonly string[];
  /** Nodes. */
  readonly count: number;
  readonly pools: Map<string, Pool>;
}

/** One pool for all, one for each rack, or both. */
function networkOf(chance: Chance, { name, racks, count, pools }: Wiring): unknown {
  const layout = chance.between(0, 2);
  const mine: string[] = [];
  const add = (addresses: number, rack?: string): void => {
    const pool = rack === undefined ? name : `${name}-${rack}`;
    const third = pools.size;
    pools.set(pool, {
      cidr: `10.0.${third}.0/24`,
      ranges: [`10.0.${third}.10-10.0.${third}.${9 + addresses}`],
      gateway: `10.0.${third}.1`,
      ...(rack !== undefined && { nodes: { attributes: { rack } } }),
    });
    mine.push(pool);
  };
  if (layout > 0)
    for (const rack of racks)
      add(chance.between(2, Math.max(4, Math.round(count / racks.length))), rack);
  if (layout !== 1) add(chance.between(3, Math.max(8, Math.round(0.8 * count))));
  return { pools: mine, default: '1mbit' };
}
