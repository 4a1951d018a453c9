import { scalarText } from '../../core/constraint-scalar.ts';
import type { NodeFacts } from '../../core/facts.ts';
import type { WireAgent, WireAgentInfo, WireAttribute, WireRange, WireResource } from './wire.ts';

type Ranges = NodeFacts['ports'];

const byStart = (ranges: readonly WireRange[]): Ranges =>
  ranges.map(({ begin, end }) => [begin, end] as const).sort(([a], [b]) => a - b);

const rangesText = (ranges: Ranges): string =>
  `[${ranges.map(([from, to]) => `${from}-${to}`).join(',')}]`;

/** The text that Marathon compares, by the attribute's type (Constraints.getValueString). */
const textOf: Readonly<Record<string, (attribute: WireAttribute) => string | undefined>> = {
  TEXT: ({ text }) => text?.value,
  SCALAR: ({ scalar }) => scalar && scalarText(scalar.value),
  RANGES: ({ ranges }) => rangesText(byStart(ranges?.range ?? [])),
  SET: ({ set }) => `{${[...(set?.item ?? [])].sort().join(',')}}`,
};

/** Of several attributes of one name Marathon sees the first. */
export function attributesOf({ attributes = [] }: WireAgentInfo): Record<string, string> {
  const texts = new Map<string, string>();
  for (const attribute of attributes) {
    const text = textOf[attribute.type]?.(attribute);
    if (text !== undefined && !texts.has(attribute.name)) texts.set(attribute.name, text);
  }
  return Object.fromEntries(texts);
}

function domainOf({ domain }: WireAgentInfo): Pick<NodeFacts, 'region' | 'zone'> {
  const region = domain?.fault_domain?.region?.name;
  const zone = domain?.fault_domain?.zone?.name;
  return { ...(region !== undefined && { region }), ...(zone !== undefined && { zone }) };
}

const reservedFor = ({ role, reservations }: WireResource): string =>
  reservations?.at(-1)?.role ?? role ?? '*';

/** What a framework of `roles` is offered: unreserved, or reserved for a role of it or a parent role. */
const isOurs = (resource: WireResource, roles: readonly string[]): boolean => {
  const owner = reservedFor(resource);
  return owner === '*' || roles.some((role) => role === owner || role.startsWith(`${owner}/`));
};

/** Marathon puts plain tasks on none of these: others may take revocable room back, volumes are data. */
const isSpecial = ({ revocable, disk }: WireResource): boolean =>
  revocable !== undefined || disk?.persistence !== undefined || disk?.source !== undefined;

interface Sums {
  readonly scalars: Map<string, number>;
  readonly ports: WireRange[];
}

function sumsOf(resources: readonly WireResource[] = [], roles: readonly string[]): Sums {
  const scalars = new Map<string, number>();
  const ports: WireRange[] = [];
  for (const resource of resources) {
    if (isSpecial(resource) || !isOurs(resource, roles)) continue;
    const { name, scalar, ranges } = resource;
    if (scalar) scalars.set(name, (scalars.get(name) ?? 0) + scalar.value);
    if (name === 'ports') ports.push(...(ranges?.range ?? []));
  }
  return { scalars, ports };
}

/** Mesos counts in thousandths. */
const left = (name: string, total: Sums, used: Sums): number => {
  const free = (total.scalars.get(name) ?? 0) - (used.scalars.get(name) ?? 0);
  return Math.max(0, Math.round(free * 1000) / 1000);
};

/** Ports of `total` that are not in `used`: sorted, disjoint, neighbours joined. */
function portsLeft(total: readonly WireRange[], used: readonly WireRange[]): Ranges {
  const taken = byStart(used);
  const free: [number, number][] = [];
  const put = (from: number, to: number): void => {
    const last = free.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else if (from <= to) free.push([from, to]);
  };
  for (const [from, to] of byStart(total)) {
    let next = from;
    for (const [low, high] of taken) {
      if (high < next || low > to) continue;
      if (low > next) put(next, low - 1);
      next = high + 1;
    }
    if (next <= to) put(next, to);
  }
  return free;
}

/**
 * A registered agent as a verdict sees it. Free is total less allocated: what is on offer counts as
 * free, because an offer that is not taken comes back.
 *
 * @param roles  Mesos roles that Marathon has
 */
export function factsOf(agent: WireAgent, roles: readonly string[]): NodeFacts {
  const total = sumsOf(agent.total_resources, roles);
  const used = sumsOf(agent.allocated_resources, roles);
  return {
    attributes: attributesOf(agent.agent_info),
    ...domainOf(agent.agent_info),
    offered: agent.active && agent.deactivated !== true && agent.drain_info === undefined,
    cpus: left('cpus', total, used),
    memMiB: left('mem', total, used),
    diskMiB: left('disk', total, used),
    gpus: left('gpus', total, used),
    ports: portsLeft(total.ports, used.ports),
  };
}

/** An agent that the master knows from before it came to lead: not gone, but nothing is on offer. */
export const factsOfRecovered = (info: WireAgentInfo): NodeFacts => ({
  attributes: attributesOf(info),
  ...domainOf(info),
  offered: false,
  cpus: 0,
  memMiB: 0,
  diskMiB: 0,
  gpus: 0,
  ports: [],
});
