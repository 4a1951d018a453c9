import type { Demand } from './demand.ts';
import { isOpenCluster } from './groups.ts';
import { spelled } from './constraints.ts';
import { mayTake } from './offered.ts';
import { fitsBy, fitsByPorts, freePorts, needsOf } from './place-capacity.ts';
import { amountOf, labelOf } from './place-inspect.ts';
import { rulesOf, type Rule } from './place-rules.ts';
import { settle } from './place-settle.ts';
import { survey, type Survey } from './place-survey.ts';
import type { Ask, NodeRoom, Resource, Room } from './room.ts';
import { networkShortage, type NetworkShortage } from './shortage-network.ts';

/** A resource of nodes that runs out somewhere. */
export interface ResourceShortage {
  readonly resource: Resource;
  /** What an instance takes, with its unit: "0.5 cpus", "64 MiB", "200 Mbit/s", "port 8080". */
  readonly each: string;
  /** Candidates with too little for one instance. */
  readonly exhausted: number;
  /** Candidates on which it is the first to run out before all instances are placed. */
  readonly tight: number;
  /** The most that one candidate has left, with its unit; absent for fixed ports. */
  readonly largest?: string;
}

export interface RuleShortage {
  /** As the app spells the constraint, or the rule in words. */
  readonly label: string;
  /** Nodes that it is the first to refuse. */
  readonly nodes: number;
  /** Why it cannot be judged, when that is so. */
  readonly why?: string;
}

/** Why an ask does not fit, in numbers. */
export interface Shortage {
  readonly app: string;
  readonly asked: number;
  readonly most: number;
  readonly nodes: number;
  readonly notOffered: number;
  /** Nodes that Mesos offers and whose own fields the constraints admit. */
  readonly candidates: number;
  readonly rules: readonly RuleShortage[];
  readonly networks: readonly NetworkShortage[];
  readonly resources: readonly ResourceShortage[];
  /** Instances that the candidates hold by what they have left themselves, at most those asked. */
  readonly nodesHold: number;
  /** Constraints that count instances, and what they and the nodes hold together. */
  readonly limits: { readonly labels: readonly string[]; readonly holds: number };
}

/** What `place` found out before it gave up. */
export interface Attempt {
  readonly most: number;
  /** Of the whole room. */
  readonly surveyed: Survey | undefined;
}

/** A few more passes over the nodes, taken only once an ask is known not to fit. */
export function shortageOf(room: Room, ask: Ask, { most, surveyed }: Attempt): Shortage {
  const tally = new Tally(room, ask);
  for (const node of room.nodes.values()) tally.count(node);
  const isEmpty = tally.candidates === 0;
  const nodesHold = Math.min(ask.instances, tally.hold);
  const networks = ask.demand.addresses.map(({ network }) =>
    isEmpty
      ? { network, ...NOTHING }
      : networkShortage(room, ask, { network, surveyed, reaches: tally.reaches }),
  );
  return {
    app: ask.app,
    asked: ask.instances,
    most,
    nodes: room.nodes.size,
    notOffered: tally.notOffered,
    candidates: tally.candidates,
    rules: tally.rules(),
    networks,
    resources: tally.resources(),
    nodesHold,
    limits: { labels: countingLabels(ask), holds: isEmpty ? 0 : limitsHold(room, ask, nodesHold) },
  };
}

/** With no constraint that counts instances, the nodes' own means are the limit. */
function limitsHold(room: Room, ask: Ask, nodesHold: number): number {
  const { nodeCaps, perNode, groupings, clusters, oneNode } = rulesOf(room, ask);
  const isFree = perNode === undefined && !oneNode;
  if (isFree && nodeCaps.length + groupings.length + clusters.length === 0) return nodesHold;
  return settle(survey(room, ask, []), ask.instances).chosen.solution.total;
}

const NOTHING = { free: 0, pools: 0, nodes: 0, holds: 0 };

function countingLabels(ask: Ask): readonly string[] {
  const counts = ask.constraints.filter(
    (constraint) =>
      ['UNIQUE', 'MAX_PER', 'GROUP_BY'].includes(constraint.operator) || isOpenCluster(constraint),
  );
  return [...new Set(counts.map((constraint) => JSON.stringify(spelled(constraint))))];
}

/** Sums over the nodes of what each of them has by itself: one look at each. */
class Tally {
  notOffered = 0;
  candidates = 0;
  hold = 0;
  /** How many candidates reach the same pools; nodes of one reach share one array of them. */
  readonly reaches = new Map<readonly string[], number>();
  /** By rule, and by whether it could not be judged. */
  readonly #refused = [true, false].map((isUnjudged) => ({
    isUnjudged,
    nodes: new Map<Rule, number>(),
  }));
  readonly #tests: readonly Rule[];
  readonly #measures: readonly Measure[];
  readonly #asked: number;
  readonly #demand: Demand;

  constructor(room: Room, ask: Ask) {
    this.#tests = rulesOf(room, ask).tests;
    this.#measures = measuresOf(ask);
    this.#asked = ask.instances;
    this.#demand = ask.demand;
  }

  count(node: NodeRoom): void {
    if (!mayTake(node, this.#demand)) {
      this.notOffered += 1;
      return;
    }
    for (const rule of this.#tests) {
      const answer = rule.test(node);
      if (answer === true) continue;
      this.#countRule(rule, answer === undefined);
      return;
    }
    this.#countCandidate(node);
  }

  #countRule(rule: Rule, isUnjudged: boolean): void {
    for (const refused of this.#refused)
      if (refused.isUnjudged === isUnjudged)
        refused.nodes.set(rule, (refused.nodes.get(rule) ?? 0) + 1);
  }

  rules(): readonly RuleShortage[] {
    return this.#refused.flatMap(({ isUnjudged, nodes }) =>
      [...nodes].map(([rule, count]) => ({
        label: labelOf(rule),
        nodes: count,
        ...(isUnjudged ? { why: rule.why } : {}),
      })),
    );
  }

  #countCandidate(node: NodeRoom): void {
    this.candidates += 1;
    this.reaches.set(node.pools, (this.reaches.get(node.pools) ?? 0) + 1);
    let fits = this.#asked;
    let first: Measure | undefined;
    for (const measure of this.#measures) {
      const most = measure.fits(node);
      measure.largest = Math.max(measure.largest, measure.free(node));
      if (most === 0) measure.exhausted += 1;
      if (most < fits) [fits, first] = [most, measure];
    }
    if (first) first.tight += 1;
    this.hold += fits;
  }

  resources(): readonly ResourceShortage[] {
    return this.#measures
      .filter(({ exhausted, tight }) => exhausted + tight > 0)
      .map(({ resource, each, exhausted, tight, largest, hasFigure }) => ({
        resource,
        each,
        exhausted,
        tight,
        ...(hasFigure ? { largest: amountOf(resource, Math.max(0, largest)) } : {}),
      }));
  }
}

interface Measure {
  readonly resource: Resource;
  readonly each: string;
  readonly free: (node: NodeRoom) => number;
  readonly fits: (node: NodeRoom) => number;
  /** Whether the amount left tells anything. */
  readonly hasFigure: boolean;
  exhausted: number;
  tight: number;
  largest: number;
}

function measuresOf({ demand }: Ask): readonly Measure[] {
  const start = { exhausted: 0, tight: 0, largest: 0, hasFigure: true };
  const measures = needsOf(demand).map((need): Measure => {
    const { resource, free } = need;
    const each = amountOf(resource, need.each / 1000);
    return { resource, each, free, fits: (node) => fitsBy(need, node), ...start };
  });
  const { any, fixed } = demand.ports;
  if (any === 0 && fixed.length === 0) return measures;
  const named = fixed.length > 0 ? [`port ${fixed.join(', ')}`] : [];
  const each = [...named, ...(any > 0 ? [amountOf('ports', any)] : [])].join(' and ');
  const hasFigure = fixed.length === 0;
  const fits = (node: NodeRoom) => fitsByPorts(demand.ports, node);
  return [...measures, { resource: 'ports', each, free: freePorts, fits, ...start, hasFigure }];
}
