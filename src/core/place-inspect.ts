import { spelled } from './constraints.ts';
import type { Demand } from './demand.ts';
import type { Grouping } from './groups.ts';
import { mayTake } from './offered.ts';
import { fitsBy, fitsByPorts, freePorts, isFree, needsOf, type Need } from './place-capacity.ts';
import { rulesOf, type Rule, type Rules } from './place-rules.ts';
import { formatRate } from './rate.ts';
import type { Ask, NodeRoom, Resource, Room } from './room.ts';

/** What one node could hold were it alone, and what stops it from holding more. */
export interface Inspection {
  /** At most the instances asked for. */
  readonly fits: number;
  /** Absent when all instances fit. */
  readonly short?: Short;
}

export interface Short {
  readonly resource: Resource;
  /** The rule that refuses the node, or cannot be judged. */
  readonly rule?: Rule;
  readonly isUnjudged?: boolean;
  readonly network?: string;
  /** Told for the node that was looked at. */
  readonly words: (node: NodeRoom) => string;
}

/** How a rule is called in messages: as the app spells it. */
export const labelOf = ({ constraint }: Pick<Rule, 'constraint'>): string =>
  constraint
    ? JSON.stringify(spelled(constraint))
    : "the rule that apps stay in the master's region";

/** An amount of a resource in its own unit: "0.5 cpus", "512 MiB of mem", "200 Mbit/s". */
export function amountOf(resource: Resource, amount: number): string {
  const plain = String(Number(amount.toFixed(3)));
  if (resource === 'net_in' || resource === 'net_out') return formatRate(amount);
  if (resource === 'mem' || resource === 'disk') return `${plain} MiB`;
  return amount === 1 && resource !== 'cpus'
    ? `1 ${resource.slice(0, -1)}`
    : `${plain} ${resource}`;
}

/** Looks at nodes one by one, in the order in which Marathon and then the network would refuse. */
export function inspector(room: Room, ask: Ask): (node: NodeRoom) => Inspection {
  const rules = rulesOf(room, ask);
  const checks = [...ownChecks(ask.demand), ...sharedChecks(room, ask, rules)];
  const gates = rules.tests.map(gateOf);
  return (node) => {
    if (!mayTake(node, ask.demand)) return UNOFFERED;
    for (const { test, refused, unjudged } of gates) {
      const answer = test(node);
      if (answer !== true) return answer === undefined ? unjudged : refused;
    }
    let fits = ask.instances;
    let tightest: Check | undefined;
    for (const check of checks) {
      const most = check.fits(node);
      if (most < fits) [fits, tightest] = [most, check];
    }
    return tightest ? { fits, short: tightest.short } : { fits };
  };
}

/** A rule with both of its answers made beforehand: most nodes of a refused ask get the same one. */
const gateOf = (rule: Rule) => ({
  test: rule.test,
  refused: { fits: 0, short: ruled(rule, false) },
  unjudged: { fits: 0, short: ruled(rule, true) },
});

/** One limit on the instances that a node takes. */
interface Check {
  readonly fits: (node: NodeRoom) => number;
  readonly short: Short;
}

const ownChecks = (demand: Demand): readonly Check[] => [
  ...needsOf(demand).map((need) => ({
    fits: (node: NodeRoom) => fitsBy(need, node),
    short: wanting(need),
  })),
  { fits: (node) => fitsByPorts(demand.ports, node), short: portless(demand) },
];

const sharedChecks = (room: Room, { demand }: Ask, rules: Rules): readonly Check[] => [
  ...demand.addresses.map(({ network }) => ({
    fits: addressesBy(room, network),
    short: addressless(room, network),
  })),
  ...[...rules.nodeCaps, ...(rules.perNode ? [rules.perNode] : []), ...rules.groupings].map(
    (limit) => ({ fits: (node: NodeRoom) => heldBy(limit, node), short: limited(limit) }),
  ),
];

const UNOFFERED: Inspection = {
  fits: 0,
  short: { resource: 'offer', words: () => 'not offered by Mesos' },
};

const ruled = (rule: Rule, isUnjudged: boolean): Short => ({
  resource: 'constraint',
  rule,
  isUnjudged,
  words: () =>
    isUnjudged
      ? `${labelOf(rule)} cannot be judged here: ${rule.why}`
      : `refused by ${labelOf(rule)}`,
});

const wanting = ({ resource, each, free }: Need): Short => ({
  resource,
  words: (node) => {
    const left = amountOf(resource, Math.max(0, free(node)));
    return `${resource}: ${left} free, ${amountOf(resource, each / 1000)} needed each`;
  },
});

const portless = ({ ports: { any, fixed } }: Demand): Short => ({
  resource: 'ports',
  words: (node) => {
    const taken = fixed.filter((port) => !isFree(node, port));
    if (taken.length > 0) return `ports: ${taken.join(', ')} not free`;
    return fixed.length > 0
      ? `ports: fixed ${fixed.join(', ')}, so one instance at most`
      : `ports: ${freePorts(node)} free, ${any} needed each`;
  },
});

const reached = ({ pools }: Room, node: NodeRoom, network: string): readonly number[] =>
  node.pools.flatMap((name) => {
    const pool = pools.get(name);
    return pool?.network === network ? [Math.max(0, pool.free)] : [];
  });

const freeAddresses = (room: Room, node: NodeRoom, network: string): number =>
  reached(room, node, network).reduce((sum, free) => sum + free, 0);

/** Nodes of one reach share one array of pools: adding up costs the reaches, not the nodes. */
export function addressesBy(room: Room, network: string): (node: NodeRoom) => number {
  const known = new Map<readonly string[], number>();
  return (node) => {
    const free = known.get(node.pools) ?? freeAddresses(room, node, network);
    known.set(node.pools, free);
    return free;
  };
}

const addressless = (room: Room, network: string): Short => ({
  resource: 'address',
  network,
  words: (node) => {
    const pools = reached(room, node, network).length;
    if (pools === 0) return `address: reaches no pool of network ${network}`;
    const free = freeAddresses(room, node, network);
    return `address: ${free} free on network ${network} in ${counted(pools, 'pool')}`;
  },
});

/** Instances that a grouping leaves to the value that the node has. */
function heldBy({ read, base, bonus, remainder, isNew, slots }: Grouping, node: NodeRoom): number {
  const value = read(node) ?? '';
  if (isNew(value) && slots === 0) return 0;
  return base(value) + Math.min(bonus(value), remainder);
}

const limited = (limit: Grouping): Short => ({
  resource: 'constraint',
  rule: { constraint: limit.constraint, test: () => true, why: '' },
  words: (node) => `${labelOf(limit)} leaves ${heldBy(limit, node)} to ${limit.read(node) ?? ''}`,
});

export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : noun.endsWith('s') ? 'es' : 's'}`;
