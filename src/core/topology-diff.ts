import type { Range } from './address.ts';
import { formatAddress, inRange, parseAddress, parseRange } from './address.ts';
import type { NetworkRecord, NodeRecord, PoolRecord } from './topology-record.ts';
import type { Fault } from './topology-errors.ts';
import type { Topology, Wiring } from './topology.ts';
import { wiringFaults } from './topology.ts';

/** One change of a topology. `before` is what it replaces; absent when the thing is new. */
export type Step =
  | Put<'pool', PoolRecord>
  | Put<'node', NodeRecord>
  | Put<'network', NetworkRecord>
  | Drop<'pool', PoolRecord>
  | Drop<'node', NodeRecord>
  | Drop<'network', NetworkRecord>;

export interface Put<Kind, Record> {
  readonly do: 'put';
  readonly kind: Kind;
  readonly name: string;
  readonly record: Record;
  readonly before?: Record;
}

export interface Drop<Kind, Record> {
  readonly do: 'drop';
  readonly kind: Kind;
  readonly name: string;
  readonly before: Record;
}

export type WiringStep = Exclude<Step, { kind: 'node' }>;
export type NodeStep = Extract<Step, { kind: 'node' }>;

/**
 * What turns `seen` into `wanted`, in an order in which every step leaves a sound topology: what is
 * named comes before what names it, removals come last, save where an address or a pool must leave
 * one owner before another takes it. Applying all and asking again gives nothing.
 *
 * @param prune  drop what `wanted` does not name; else it is left alone
 */
export function diffTopology(
  wanted: Topology,
  seen: Topology,
  { prune = false }: { prune?: boolean } = {},
): Step[] {
  const pools = changes('pool', wanted.pools, seen.pools, prune);
  const networks = changes('network', wanted.networks, seen.networks, prune);
  const nodes = changes('node', keptIdentity(wanted.nodes, seen.nodes), seen.nodes, prune);
  const puts = [...pools, ...networks].filter((step) => step.do === 'put');
  const drops = [...networks, ...pools].filter((step) => step.do === 'drop');
  const ordered = soundOrder([...puts, ...drops] as WiringStep[], seen);
  const [nodePuts, nodeDrops] = [
    nodes.filter((step) => step.do === 'put'),
    nodes.filter((step) => step.do === 'drop'),
  ];
  return [...nodePuts, ...ordered, ...nodeDrops] as Step[];
}

/** What agents wrote about themselves is not the operator's to state. */
const keptIdentity = (
  wanted: Topology['nodes'],
  seen: Topology['nodes'],
): ReadonlyMap<string, NodeRecord> =>
  new Map(
    [...wanted].map(([name, record]) => {
      const { agentId, bootId } = seen.get(name) ?? {};
      const identity = {
        ...(agentId === undefined ? {} : { agentId }),
        ...(bootId === undefined ? {} : { bootId }),
      };
      return [name, { ...identity, ...record }];
    }),
  );

function changes<Kind extends string, Record extends object>(
  kind: Kind,
  wanted: ReadonlyMap<string, Record>,
  seen: ReadonlyMap<string, Record>,
  prune: boolean,
): (Put<Kind, Record> | Drop<Kind, Record>)[] {
  const puts = [...wanted].flatMap(([name, record]): Put<Kind, Record>[] => {
    const before = seen.get(name);
    if (before && sameRecord(before, record)) return [];
    return [{ do: 'put', kind, name, record, ...(before ? { before } : {}) }];
  });
  const drops = [...seen]
    .filter(([name]) => prune && !wanted.has(name))
    .map(([name, before]): Drop<Kind, Record> => ({ do: 'drop', kind, name, before }));
  return [...puts, ...drops];
}

/** The same content, whatever the order of keys. */
export const sameRecord = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
      : inner,
  );

/** The topology after a step; nothing is checked. */
export function after<T extends Wiring>(topology: T, step: WiringStep): T {
  const field = step.kind === 'pool' ? 'pools' : 'networks';
  const next = new Map<string, PoolRecord | NetworkRecord>(topology[field]);
  if (step.do === 'put') next.set(step.name, step.record);
  else next.delete(step.name);
  return { ...topology, [field]: next };
}

/**
 * Takes, over and over, the first step that brings no new fault. When none can go first (two pools
 * trade addresses), one of them first gives up what it loses.
 */
function soundOrder(steps: readonly WiringStep[], start: Wiring): WiringStep[] {
  const pending = [...steps];
  const ordered: WiringStep[] = [];
  let now = start;
  while (pending.length > 0) {
    const index = pending.findIndex((step) => bringsNoFault(now, step));
    const next = index >= 0 ? pending.splice(index, 1)[0] : givingWay(pending, now);
    if (!next) return [...ordered, ...pending];
    ordered.push(next);
    now = after(now, next);
  }
  return ordered;
}

const bringsNoFault = (now: Wiring, step: WiringStep): boolean =>
  newFaults(now, after(now, step)).length === 0;

/** What is wrong with `next` and was not with `now`: old faults must not stop their own repair. */
export function newFaults(now: Wiring, next: Wiring): Fault[] {
  const faults = wiringFaults(next);
  if (faults.length === 0) return [];
  const known = new Set(wiringFaults(now).map(canonical));
  return faults.filter((fault) => !known.has(canonical(fault)));
}

/** A part of some pending step that can go now; the pending step then starts from there. */
function givingWay(pending: WiringStep[], now: Wiring): WiringStep | undefined {
  for (const [index, step] of pending.entries()) {
    const part = narrowed(step);
    if (!part || !bringsNoFault(now, part)) continue;
    pending[index] = { ...step, before: part.record } as WiringStep;
    return part;
  }
  return undefined;
}

type WiringPut = Extract<WiringStep, { do: 'put' }>;

function narrowed(step: WiringStep): WiringPut | undefined {
  if (step.do === 'drop' || !step.before) return undefined;
  const part = step.kind === 'pool' ? narrowedPool(step) : narrowedNetwork(step);
  return part && !sameRecord(part.record, step.before) ? part : undefined;
}

function narrowedNetwork(step: Put<'network', NetworkRecord>): WiringPut | undefined {
  const pools = step.before?.pools.filter((pool) => step.record.pools.includes(pool)) ?? [];
  return { ...step, record: { ...(step.before ?? step.record), pools } };
}

function narrowedPool(step: Put<'pool', PoolRecord>): WiringPut | undefined {
  if (!step.before) return undefined;
  const wanted = step.record.ranges.map(parseRange);
  const ranges = step.before.ranges.map(parseRange).flatMap((was) => commonParts(was, wanted));
  const text = ranges.map(({ family, from, to }) => ({
    from: formatAddress({ family, value: from }),
    to: formatAddress({ family, value: to }),
  }));
  const kept = step.before.exclude.filter((one) =>
    ranges.some((range) => inRange(range, parseAddress(one))),
  );
  return { ...step, record: { ...step.before, ranges: text, exclude: kept } };
}

const commonParts = (range: Range, others: readonly Range[]): Range[] =>
  others
    .filter(({ family }) => family === range.family)
    .map(({ family, from, to }) => ({
      family,
      from: from > range.from ? from : range.from,
      to: to < range.to ? to : range.to,
    }))
    .filter(({ from, to }) => from <= to);
