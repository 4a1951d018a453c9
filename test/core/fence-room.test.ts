import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FencePicture, StagedTask } from '../../src/core/fence-staging.ts';
import { fenceRooms } from '../../src/core/fence-room.ts';
import type { NodeRoom } from '../../src/core/room.ts';
import { runs } from '../runs.ts';

const NETWORKS = ['dev', 'prod'];
const APPS = ['/a', '/b', '/c'];
const NODES = ['n1', 'n2', 'n3'];
const POOLS = [
  { name: 'p1', network: 'prod' },
  { name: 'p2', network: 'prod' },
  { name: 'p3', network: 'dev' },
];

interface World {
  readonly reach: readonly (readonly string[])[];
  readonly common: readonly number[];
  readonly promised: readonly number[];
  readonly spares: readonly (readonly number[])[];
  /** By node, then app. */
  readonly bound: readonly (readonly number[])[];
  /** Bandwidth for upgrades, by node. */
  readonly growth: readonly number[];
  readonly owed: readonly number[];
  readonly demands: readonly { networks: readonly string[]; inKbit: number }[];
  readonly staged: readonly { node: number; app: number }[];
}

const few = (most: number) => fc.nat({ max: most });
const each = <T>(what: readonly unknown[], one: fc.Arbitrary<T>) =>
  fc.tuple(...what.map(() => one)) as unknown as fc.Arbitrary<T[]>;
const worlds: fc.Arbitrary<World> = fc.record({
  reach: each(NODES, fc.subarray(POOLS.map(({ name }) => name))),
  common: each(POOLS, few(5)),
  promised: each(POOLS, few(4)),
  spares: each(NODES, each(POOLS, few(2))),
  bound: each(NODES, each(APPS, few(3))),
  growth: each(NODES, few(3)),
  owed: each(APPS, few(6)),
  demands: each(APPS, fc.record({ networks: fc.subarray(NETWORKS), inKbit: few(10) })),
  staged: fc.array(fc.record({ node: few(2), app: few(2) }), { maxLength: 6 }),
});

const at = <T>(list: readonly T[], n: number): T => {
  const one = list[n];
  assert.ok(one !== undefined);
  return one;
};

const roomOf = (name: string, pools: readonly string[]): NodeRoom => ({
  ...{ name, attributes: {}, offered: true, cpus: 1, memMiB: 1, diskMiB: 1, gpus: 0, ports: [] },
  ...{ netInKbit: 100, netOutKbit: 100, pools },
});

function pictureOf(world: World): FencePicture {
  const counts = (names: readonly string[], numbers: readonly number[]) =>
    new Map(names.map((name, n) => [name, at(numbers, n)] as const).filter(([, count]) => count));
  const pools = POOLS.map(({ name }) => name);
  return {
    nodes: new Map(NODES.map((name, n) => [name, roomOf(name, at(world.reach, n))])),
    pools: new Map(
      POOLS.map(({ name, network }, n) => [
        name,
        { network, common: at(world.common, n), promised: at(world.promised, n) },
      ]),
    ),
    sparesOf: (node) => counts(pools, at(world.spares, NODES.indexOf(node))),
    promisedOn: (node) => counts(APPS, at(world.bound, NODES.indexOf(node))),
    growths: new Map(
      NODES.map((name, n) => [name, { inKbit: at(world.growth, n), outKbit: 0 }] as const),
    ),
    owedTo: (app) => {
      const n = APPS.indexOf(app);
      const { networks, inKbit } = at(world.demands, n);
      const rates = { netInKbit: inKbit, netOutKbit: 0 };
      const addresses = networks.map((network) => ({ network, ...rates }));
      const demand = { cpus: 0, memMiB: 0, diskMiB: 0, gpus: 0, ports: { any: 0, fixed: [] } };
      return { owed: at(world.owed, n), demand: { ...demand, addresses } };
    },
    staged: world.staged.map(({ node, app }): StagedTask => {
      const { networks, inKbit } = at(world.demands, app);
      return { node: at(NODES, node), app: at(APPS, app), networks, inKbit, outKbit: 0 };
    }),
  };
}

/** Address by address, as the words of `fenceRooms` say it. */
function twin(world: World) {
  const addresses = POOLS.flatMap(({ name, network }, p) => [
    ...Array.from({ length: at(world.common, p) }, () => ({ pool: name, network, owner: '' })),
    ...NODES.flatMap((owner, n) =>
      Array.from({ length: at(at(world.spares, n), p) }, () => ({ pool: name, network, owner })),
    ),
  ]);
  const left = [...addresses];
  /** Addresses of the pool that launches nobody announced drew. */
  const unpromised = new Map<string, number>();
  const seen = new Map<number, number>();
  for (const { node, app } of world.staged) {
    seen.set(app, (seen.get(app) ?? 0) + 1);
    const isPromised = (seen.get(app) ?? 0) <= at(world.owed, app);
    for (const network of at(world.demands, app).networks) {
      const pools = at(world.reach, node).filter((name) =>
        POOLS.some((pool) => pool.name === name && pool.network === network),
      );
      const find = (owner: string) =>
        pools
          .map((pool) => left.findIndex((one) => one.pool === pool && one.owner === owner))
          .find((index) => index >= 0);
      const own = find(at(NODES, node));
      const index = own ?? find('');
      const pool = index === undefined ? pools[0] : left[index]?.pool;
      if (index !== undefined) left.splice(index, 1);
      if (own === undefined && pool !== undefined && !isPromised)
        unpromised.set(pool, (unpromised.get(pool) ?? 0) + 1);
    }
  }
  return new Map(
    NODES.map((node, n) => {
      const reach = at(world.reach, n);
      const networks = [
        ...new Set(POOLS.filter(({ name }) => reach.includes(name)).map((p) => p.network)),
      ];
      return [
        node,
        new Map(
          networks.map((network) => {
            const pools = POOLS.filter((p) => p.network === network && reach.includes(p.name));
            const own = left.filter(
              (one) => one.owner === node && pools.some(({ name }) => name === one.pool),
            ).length;
            // a node's stock counts for it wherever it lies, in reach or not
            const all = left.filter((one) => one.owner === node && one.network === network).length;
            let have = all;
            let free = all;
            assert.ok(all >= own);
            for (const { name } of pools) {
              have += left.filter((one) => one.owner === '' && one.pool === name).length;
              const p = POOLS.findIndex((pool) => pool.name === name);
              const taken = at(world.promised, p) + (unpromised.get(name) ?? 0);
              free += Math.max(0, at(world.common, p) - taken);
            }
            APPS.forEach((_, a) => {
              if (!at(world.demands, a).networks.includes(network)) return;
              const here = world.staged.filter((task) => task.node === n && task.app === a).length;
              free += Math.max(0, at(at(world.bound, n), a) - here);
            });
            return [network, { have, room: Math.min(have, free) }] as const;
          }),
        ),
      ] as const;
    }),
  );
}

describe('what a node has left for launches that nobody announced', () => {
  it('agrees with a twin that goes address by address', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const rooms = fenceRooms(pictureOf(world));
        for (const [node, networks] of twin(world)) {
          const room = rooms.get(node);
          assert.equal(room === undefined, networks.size === 0);
          if (!room) continue;
          assert.deepEqual(new Map([...room.networks].sort()), new Map([...networks].sort()));
          assert.equal(room.addresses, Math.max(...[...networks.values()].map((n) => n.room)));
        }
      }),
      { numRuns: runs(2_000) },
    );
  });

  it('takes what is staged off the link and gives back what is promised to the node', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const rooms = fenceRooms(pictureOf(world));
        NODES.forEach((node, n) => {
          const rate = (app: number): number => {
            const { networks, inKbit } = at(world.demands, app);
            return networks.length * inKbit;
          };
          let wanted = 100 + at(world.growth, n);
          APPS.forEach((_, a) => (wanted += at(at(world.bound, n), a) * rate(a)));
          for (const task of world.staged)
            if (task.node === n) wanted -= at(world.demands, task.app).inKbit;
          const room = rooms.get(node);
          if (room) assert.equal(room.netInKbit, wanted);
        });
      }),
    );
  });
});
