import fc from 'fast-check';
import type { Constraint, Operator } from '../../../src/core/constraints.ts';
import type { Demand } from '../../../src/core/demand.ts';
import type { Ask, NodeRoom, PlacedInstance, Room } from '../../../src/core/room.ts';
import { PATTERNS } from './placement.ts';

/** Small random clusters: up to five nodes, three pools, six instances; shrinkable, no text but names. */

const optional = <T>(of: fc.Arbitrary<T>, freq = 4) => fc.option(of, { nil: undefined, freq });

/** Leaves out what is undefined: the types tell a missing key from an undefined value. */
const present = <T extends object>(raw: T) =>
  Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== undefined));

const mostly = <T>(usual: T, ...rest: T[]) =>
  fc.oneof(
    { weight: 9, arbitrary: fc.constant(usual) },
    { weight: rest.length, arbitrary: fc.constantFrom(...rest) },
  );

const site = fc.record({
  attributes: fc
    .record({
      rack: optional(fc.constantFrom('a', 'b', 'c'), 9),
      size: optional(fc.constantFrom('1', '10'), 9),
    })
    .map((raw) => present(raw) as Record<string, string>),
  region: optional(mostly('here', 'there'), 8),
  zone: optional(fc.constantFrom('a', 'b'), 8),
});

const free = fc.record({
  offered: mostly(true, false),
  cpus: mostly(9, 0, 0.3, 0.7, 2),
  memMiB: mostly(999, 0, 64, 200),
  diskMiB: mostly(999, 10),
  gpus: mostly(9, 0, 1),
  ports: fc.constantFrom<(readonly [number, number])[]>(
    [[1, 9]],
    [
      [1, 3],
      [7, 7],
    ],
    [],
  ),
  netInKbit: mostly(1000, -5, 0, 250),
  netOutKbit: mostly(1000, 100, 300),
});

const reach = fc.oneof(
  { weight: 1, arbitrary: fc.constant(['p1', 'p2', 'p3'] as ('p1' | 'p2' | 'p3')[]) },
  { weight: 3, arbitrary: fc.subarray(['p1', 'p2', 'p3']) },
);

const nodes = fc
  .array(fc.tuple(site, free, reach), { minLength: 2, maxLength: 5 })
  .map((list) =>
    list.map(
      ([where, has, pools], i) =>
        ({ name: `n${i + 1}`, ...present(where), ...has, pools }) as unknown as NodeRoom,
    ),
  );

const pool = fc.record({
  network: fc.constantFrom('prod', 'back'),
  free: fc.constantFrom(1, 2, 2, 3, 6, 0, -1),
});

export const rooms: fc.Arbitrary<Room> = fc
  .record({
    nodes,
    pools: fc.tuple(pool, pool, pool),
    homeRegion: optional(fc.constant('here'), 1),
  })
  .map(({ nodes: list, pools, homeRegion }) => ({
    nodes: new Map(list.map((node) => [node.name, node])),
    pools: new Map(pools.map((one, i) => [`p${i + 1}`, one])),
    ...(homeRegion === undefined ? {} : { homeRegion }),
  }));

const rate = fc.constantFrom(0, 100, 250);
const address = (network: string) =>
  fc.record({ network: fc.constant(network), netInKbit: rate, netOutKbit: rate });
const none = fc.constant([]);

export const demands: fc.Arbitrary<Demand> = fc.record({
  cpus: mostly(0.1, 0, 1),
  memMiB: mostly(32, 0, 100),
  diskMiB: mostly(0, 5),
  gpus: mostly(0, 1),
  ports: fc.oneof(
    { weight: 3, arbitrary: fc.constant({ any: 0, fixed: [] as number[] }) },
    {
      weight: 1,
      arbitrary: fc.record({ any: fc.nat(2), fixed: fc.constantFrom([], [7], [1, 2]) }),
    },
  ),
  addresses: fc.oneof(
    none,
    fc.tuple(address('prod')),
    fc.tuple(address('prod')),
    fc.tuple(address('prod'), address('back')),
  ),
});

const field = fc.constantFrom('hostname', '@hostname', 'rack', 'size', '@region', '@zone', 'rack');
const text = fc.constantFrom('rack', 'size');
const VALUES: Readonly<Record<Operator, readonly (string | undefined)[]>> = {
  LIKE: PATTERNS,
  UNLIKE: PATTERNS,
  IS: ['a', '1', '1.0', 'n1', undefined],
  CLUSTER: ['a', undefined, undefined, ''],
  UNIQUE: [undefined],
  MAX_PER: ['0', '1', '2', '3'],
  GROUP_BY: ['1', '2', '2', '3', '3', '4', '5', undefined, '0'],
};

const filter = fc.constantFrom<Operator>('LIKE', 'UNLIKE', 'IS', 'CLUSTER');
const group = fc.constantFrom<Operator>(
  'UNIQUE',
  'MAX_PER',
  'MAX_PER',
  'GROUP_BY',
  'GROUP_BY',
  'CLUSTER',
);

/** Constraints that count instances come more often: those that only filter soon leave no node. */
export const constraints: fc.Arbitrary<Constraint[]> = fc.array(
  fc
    .oneof(
      { weight: 1, arbitrary: fc.tuple(field, filter) },
      { weight: 3, arbitrary: fc.tuple(field, group) },
      { weight: 3, arbitrary: fc.tuple(text, group) },
    )
    .chain(([on, does]) =>
      fc.constantFrom(...VALUES[does]).map((value) => ({
        field: on,
        operator: does,
        ...(value === undefined ? {} : { value }),
      })),
    ),
  { maxLength: 3 },
);

const placed: fc.Arbitrary<PlacedInstance> = fc
  .record({ node: fc.constantFrom('n1', 'n2', 'gone'), where: site, total: optional(fc.nat(8), 1) })
  .map(({ node, where, total }) => present({ node, ...where, total }) as unknown as PlacedInstance);

export const asks: fc.Arbitrary<Ask> = fc
  .record({
    instances: fc.nat(6),
    demand: demands,
    constraints,
    placed: fc.oneof(
      { weight: 3, arbitrary: none },
      { weight: 1, arbitrary: fc.array(placed, { maxLength: 3 }) },
    ),
    extra: mostly(0, 2),
  })
  .map(({ extra, ...ask }) => ({
    ...ask,
    app: '/shop/web',
    total: ask.instances + ask.placed.length + extra,
  }));
