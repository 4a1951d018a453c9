import { fieldReader, type Constraint } from './constraints.ts';
import { groupingOf, type Grouping } from './groups.ts';
import { mayTake } from './offered.ts';
import { capacityOf, fitsBy, needsOf } from './place-capacity.ts';
import { addressesBy } from './place-inspect.ts';
import { rulesOf } from './place-rules.ts';
import type { Ask, NodeRoom, Room } from './room.ts';

/** A node that Marathon could choose, knowing nothing of networks. */
export interface Candidate {
  readonly node: NodeRoom;
  /** Its place among the candidates. */
  readonly at: number;
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
  const holds = heldBy(room, ask);
  const candidates: Candidate[] = [];
  for (const node of room.nodes.values()) {
    // behind a fence only what has an address to give is opened
    if (!mayTake(node, ask.demand) || (node.isFenced && holds(node) <= 0)) continue;
    const wanted = wants(node);
    if (wanted > 0)
      candidates.push({ node, at: candidates.length, wants: wanted, holds: holds(node) });
  }
  return candidates;
}

function heldBy(room: Room, { demand, instances }: Ask): (node: NodeRoom) => number {
  const needs = needsOf(demand).filter(({ resource }) => resource.startsWith('net_'));
  const addresses = demand.addresses.map(({ network }) => addressesBy(room, network));
  return (node) => {
    let most = instances;
    for (const free of addresses) most = Math.min(most, free(node));
    for (const need of needs) most = Math.min(most, fitsBy(need, node));
    return most;
  };
}

function wantedBy(room: Room, ask: Ask): (node: NodeRoom) => number {
  const { tests, nodeCaps, perNode, groupings } = rulesOf(room, ask);
  const needs = needsOf(ask.demand).filter(({ resource }) => !resource.startsWith('net_'));
  const limits = [...nodeCaps, ...(perNode ? [perNode] : []), ...groupings];
  const capacity = capacityOf(needs, ask.demand.ports, ask.instances);
  return (node) => {
    let most = capacity(node);
    for (const limit of limits) most = Math.min(most, allowance(limit, node));
    if (most <= 0) return 0;
    for (const { test } of tests) if (test(node) === false) return 0;
    return most;
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
  if (ask.placed.length === 0) {
    const most = grouping.base('');
    return ({ wants }) => Math.min(wants, most);
  }
  const read = fieldReader('hostname');
  return ({ node, wants }) => Math.min(wants, grouping.base(read(node) ?? ''));
}

/** Nodes that share pools of one network, directly or through others, and the addresses they share. */
export interface Basin {
  readonly free: number;
  /** Those that want the least first. A node is in one basin of each network at most. */
  readonly members: readonly Candidate[];
}

/** Basins with fewer addresses than instances: in the others no placement can run dry. */
export function narrowBasins(
  room: Room,
  ask: Ask,
  candidates: readonly Candidate[],
): readonly Basin[] {
  // nodes of one reach share one array of pools: joining costs the reaches, not the nodes
  const reaches = new Set(candidates.map(({ node }) => node.pools));
  return ask.demand.addresses.flatMap(({ network }) => {
    const pools = new Groups();
    for (const reach of reaches) pools.join(onNetwork(room, reach, network));
    const narrow = new Map<string, { free: number; members: Candidate[] }>();
    for (const [basin, names] of pools.all()) {
      const free = freeIn(room, names);
      if (free < ask.instances) narrow.set(basin, { free, members: [] });
    }
    if (narrow.size === 0) return [];
    const byReach = new Map(
      [...reaches].map((reach) => {
        const [pool] = onNetwork(room, reach, network);
        return [reach, pool === undefined ? undefined : narrow.get(pools.of(pool))];
      }),
    );
    for (const candidate of candidates) byReach.get(candidate.node.pools)?.members.push(candidate);
    for (const { members } of narrow.values())
      members.sort((one, other) => one.wants - other.wants);
    return [...narrow.values()];
  });
}

const onNetwork = ({ pools }: Room, reach: readonly string[], network: string): readonly string[] =>
  reach.filter((pool) => pools.get(pool)?.network === network);

/** Names in groups that grow together: a union of sets, each found by one of its names. */
class Groups {
  readonly #towards = new Map<string, string>();

  of(name: string): string {
    let at = name;
    for (;;) {
      const next = this.#towards.get(at) ?? at;
      if (next === at) break;
      at = next;
    }
    this.#towards.set(name, at);
    return at;
  }

  join(names: readonly string[]): void {
    const [first] = names;
    if (first === undefined) return;
    for (const name of names) this.#towards.set(this.of(name), this.of(first));
  }

  all(): ReadonlyMap<string, readonly string[]> {
    const groups = new Map<string, string[]>();
    for (const name of this.#towards.keys()) {
      const group = groups.get(this.of(name));
      if (group) group.push(name);
      else groups.set(this.of(name), [name]);
    }
    return groups;
  }
}

const freeIn = ({ pools }: Room, names: readonly string[]): number =>
  names.reduce((sum, name) => sum + Math.max(0, pools.get(name)?.free ?? 0), 0);
