import { spelled } from './constraints.ts';
import type { Demand } from './demand.ts';
import type { Grouping } from './groups.ts';
import { fitsBy, fitsByPorts, freePorts, isFree, needsOf, type Need } from './place-capacity.ts';
import { rulesOf, type Rule } from './place-rules.ts';
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
  readonly words: string;
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

/**
 * Looks at nodes one by one, in the order in which Marathon and then the network would refuse.
 *
 * @param own  leaves out what nodes share: addresses, and constraints that count instances
 */
export function inspector(room: Room, ask: Ask, own = false): (node: NodeRoom) => Inspection {
  const { tests, nodeCaps, perNode, groupings } = rulesOf(room, ask);
  const needs = needsOf(ask.demand);
  const limits = own ? [] : [...nodeCaps, ...(perNode ? [perNode] : []), ...groupings];
  const networks = own ? [] : ask.demand.addresses;
  return (node) => {
    if (!node.offered) return refused({ resource: 'offer', words: 'not offered by Mesos' });
    for (const rule of tests) {
      const answer = rule.test(node);
      if (answer !== true) return refused(ruled(rule, answer === undefined));
    }
    let least: Inspection = { fits: ask.instances };
    const narrow = (fits: number, short: () => Short) => {
      if (fits < least.fits) least = { fits, short: short() };
    };
    for (const need of needs) narrow(fitsBy(need, node), () => wanting(need, node));
    narrow(fitsByPorts(ask.demand.ports, node), () => portless(ask.demand, node));
    for (const { network } of networks)
      narrow(freeAddresses(room, node, network), () => addressless(room, node, network));
    for (const limit of limits) narrow(heldBy(limit, node), () => limited(limit, node));
    return least;
  };
}

const refused = (short: Short): Inspection => ({ fits: 0, short });

const ruled = (rule: Rule, isUnjudged: boolean): Short => ({
  resource: 'constraint',
  rule,
  isUnjudged,
  words: isUnjudged
    ? `${labelOf(rule)} cannot be judged here: ${rule.why}`
    : `refused by ${labelOf(rule)}`,
});

const wanting = ({ resource, each, free }: Need, node: NodeRoom): Short => {
  const left = Math.max(0, free(node));
  const words = `${resource}: ${amountOf(resource, left)} free, ${amountOf(resource, each / 1000)} needed each`;
  return { resource, words };
};

function portless({ ports: { any, fixed } }: Demand, node: NodeRoom): Short {
  const taken = fixed.filter((port) => !isFree(node, port));
  if (taken.length > 0) return { resource: 'ports', words: `ports: ${taken.join(', ')} not free` };
  const words =
    fixed.length > 0
      ? `ports: fixed ${fixed.join(', ')}, so one instance at most`
      : `ports: ${freePorts(node)} free, ${any} needed each`;
  return { resource: 'ports', words };
}

const reached = ({ pools }: Room, node: NodeRoom, network: string): readonly number[] =>
  node.pools.flatMap((name) => {
    const pool = pools.get(name);
    return pool?.network === network ? [Math.max(0, pool.free)] : [];
  });

export const freeAddresses = (room: Room, node: NodeRoom, network: string): number =>
  reached(room, node, network).reduce((sum, free) => sum + free, 0);

function addressless(room: Room, node: NodeRoom, network: string): Short {
  const pools = reached(room, node, network);
  const free = freeAddresses(room, node, network);
  const words =
    pools.length === 0
      ? `address: reaches no pool of network ${network}`
      : `address: ${free} free on network ${network} in ${counted(pools.length, 'pool')}`;
  return { resource: 'address', network, words };
}

/** Instances that a grouping leaves to the value that the node has. */
function heldBy({ read, base, bonus, remainder, isNew, slots }: Grouping, node: NodeRoom): number {
  const value = read(node) ?? '';
  if (isNew(value) && slots === 0) return 0;
  return base(value) + Math.min(bonus(value), remainder);
}

const limited = (limit: Grouping, node: NodeRoom): Short => ({
  resource: 'constraint',
  rule: { constraint: limit.constraint, test: () => true, why: '' },
  words: `${labelOf(limit)} leaves ${heldBy(limit, node)} to ${limit.read(node) ?? ''}`,
});

export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : noun.endsWith('s') ? 'es' : 's'}`;
