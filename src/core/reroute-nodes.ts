import { fieldReader, type Constraint } from './constraints.ts';
import { groupingOf, type Grouping } from './groups.ts';
import { fitsBy, fitsByPorts, needsOf } from './place-capacity.ts';
import { freeAddresses } from './place-inspect.ts';
import { rulesOf } from './place-rules.ts';
import type { Ask, NodeRoom, Room } from './room.ts';

/** A node that Marathon could choose, knowing nothing of networks. */
export interface Candidate {
  readonly node: NodeRoom;
  /** Instances that Marathon would launch there, at most those asked. */
  readonly wants: number;
  /** Instances that its addresses and bandwidth allow. */
  readonly holds: number;
}

/**
 * Nodes that Mesos offers, whose resources Marathon sees suffice, and that no constraint is known to
 * refuse: where a constraint cannot be judged Marathon may choose the node.
 */
export function candidatesOf(room: Room, ask: Ask): readonly Candidate[] {
  const wants = wantedBy(room, ask);
  const needs = needsOf(ask.demand).filter(({ resource }) => resource.startsWith('net_'));
  const holds = (node: NodeRoom): number =>
    Math.min(
      ...needs.map((need) => fitsBy(need, node)),
      ...ask.demand.addresses.map(({ network }) => freeAddresses(room, node, network)),
      ask.instances,
    );
  return [...room.nodes.values()].flatMap((node) => {
    const wanted = wants(node);
    return wanted > 0 ? [{ node, wants: wanted, holds: holds(node) }] : [];
  });
}

function wantedBy(room: Room, ask: Ask): (node: NodeRoom) => number {
  const { tests, nodeCaps, perNode, groupings } = rulesOf(room, ask);
  const needs = needsOf(ask.demand).filter(({ resource }) => !resource.startsWith('net_'));
  const limits = [...nodeCaps, ...(perNode ? [perNode] : []), ...groupings];
  return (node) => {
    if (!node.offered || tests.some(({ test }) => test(node) === false)) return 0;
    return Math.min(
      ask.instances,
      fitsByPorts(ask.demand.ports, node),
      ...needs.map((need) => fitsBy(need, node)),
      ...limits.map((limit) => allowance(limit, node)),
    );
  };
}

function allowance({ read, base, bonus, remainder }: Grouping, node: NodeRoom): number {
  const value = read(node);
  return value === undefined ? Infinity : base(value) + Math.min(bonus(value), remainder);
}

/** What Marathon would launch on a node once a limit per node is added; instances there count in. */
export function wantsUnder(
  constraint: Constraint | undefined,
  ask: Ask,
): (candidate: Candidate) => number {
  const grouping = constraint && groupingOf(constraint, ask);
  if (grouping === undefined) return ({ wants }) => wants;
  const read = fieldReader('hostname');
  return ({ node, wants }) => Math.min(wants, grouping.base(read(node) ?? ''));
}

/** Nodes that share pools of one network, directly or through others, and the addresses they share. */
export interface Basin {
  readonly free: number;
  readonly nodes: ReadonlySet<string>;
}

/** Basins with fewer addresses than instances: in the others no placement can run dry. */
export function narrowBasins(
  room: Room,
  ask: Ask,
  candidates: readonly Candidate[],
): readonly Basin[] {
  return ask.demand.addresses.flatMap(({ network }) => {
    const basins = new Map<string, { pools: Set<string>; nodes: Set<string> }>();
    for (const { node } of candidates) {
      const pools = node.pools.filter((pool) => room.pools.get(pool)?.network === network);
      const met = new Set(pools.flatMap((pool) => basins.get(pool) ?? []));
      const joined = {
        pools: new Set([...pools, ...[...met].flatMap((basin) => [...basin.pools])]),
        nodes: new Set([node.name]),
      };
      const [first] = met;
      const known = met.size === 1 && first?.pools.size === joined.pools.size ? first : undefined;
      if (known) known.nodes.add(node.name);
      else merge(basins, joined, met);
    }
    return [...new Set(basins.values())]
      .map(({ pools, nodes }) => ({ free: freeIn(room, pools), nodes }))
      .filter(({ free }) => free < ask.instances);
  });
}

interface Growing {
  readonly pools: Set<string>;
  readonly nodes: Set<string>;
}

function merge(basins: Map<string, Growing>, joined: Growing, met: ReadonlySet<Growing>): void {
  for (const basin of met) for (const name of basin.nodes) joined.nodes.add(name);
  for (const pool of joined.pools) basins.set(pool, joined);
}

const freeIn = ({ pools }: Room, names: ReadonlySet<string>): number =>
  [...names].reduce((sum, name) => sum + Math.max(0, pools.get(name)?.free ?? 0), 0);
