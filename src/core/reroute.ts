import type { Constraint } from './constraints.ts';
import { counted } from './place-inspect.ts';
import { place } from './place.ts';
import {
  candidatesOf,
  narrowBasins,
  wantsUnder,
  type Basin,
  type Candidate,
} from './reroute-nodes.ts';
import { only, shortest } from './reroute-spell.ts';
import type { Ask, Room } from './room.ts';

export type Steering =
  /** Wherever Marathon goes there is network room. */
  | { readonly do: 'nothing' }
  | {
      readonly do: 'inject';
      /** To be added to the app's own, in this order; the same room and ask give the same bytes. */
      readonly constraints: readonly Constraint[];
      /** Nodes that Marathon could have chosen and now cannot. */
      readonly excluded: number;
      /** Whether shared pools are safe as well, or only what each node has by itself. */
      readonly guards: 'nodes and pools' | 'nodes';
      readonly why: string;
    }
  /** No constraints that are short enough keep Marathon off the wrong nodes and still let it place all. */
  | { readonly do: 'give-up'; readonly why: string };

export interface RerouteOptions {
  /** Longest that one added constraint may be, characters of JSON. */
  readonly maxLength: number;
}

/**
 * Constraints that keep Marathon on nodes with network room, for an ask that fits (see place.ts).
 *
 * Under them no node takes more instances than its bandwidth and its own pools allow, and nodes that
 * share pools with nobody outside their group do not take more than those pools hold, wherever
 * Marathon puts each instance; `place` still finds room for all. Not guaranteed: groups whose pools
 * overlap in part are only held to the sum of all their pools, nodes that cannot be chosen now are not
 * looked at, and Marathon may still get stuck by the app's own UNIQUE, GROUP_BY or CLUSTER. Regions and
 * zones are never named.
 */
export function reroute(room: Room, ask: Ask, { maxLength }: RerouteOptions): Steering {
  const candidates = candidatesOf(room, ask);
  const basins = narrowBasins(room, ask, candidates);
  const poor = candidates.filter(({ wants, holds }) => holds < wants);
  const crowd = { candidates, poor, basins };
  const plain = planFor(ask, crowd, undefined);
  if (ask.instances <= 0 || plain.left === 0) return { do: 'nothing' };
  const search = (narrow: readonly Basin[]) =>
    best(room, ask, { plans: plansOf(ask, { ...crowd, basins: narrow }), maxLength });
  const strict = search(basins);
  if (strict !== undefined) return { ...strict, guards: 'nodes and pools' };
  const loose = basins.length > 0 ? search([]) : undefined;
  if (loose !== undefined) return { ...loose, guards: 'nodes' };
  return {
    do: 'give-up',
    why: `${counted(poor.length, 'node')} Marathon could choose lack network room, and no constraint of at most ${maxLength} characters keeps all instances off them`,
  };
}

/** Whom a plan is made for. */
interface Crowd {
  readonly candidates: readonly Candidate[];
  /** Those that hold less than Marathon would launch there: all others are safe under any limit. */
  readonly poor: readonly Candidate[];
  readonly basins: readonly Basin[];
}

/** A limit per node, and the nodes that are safe under it. */
interface Plan {
  readonly limit?: Constraint;
  /** How many are not safe; they and the others are listed only for a plan that is tried: most are not. */
  readonly left: number;
  readonly leave: () => readonly Candidate[];
  readonly keep: () => readonly Candidate[];
}

/** Limits worth trying: none, what the poorest nodes hold, and a few in between. */
const MOST_LIMITS = 24;

/** A plan that need not be worked out unless it may be the best. */
interface Sketch {
  /** It leaves out at least so many. */
  readonly least: number;
  readonly plan: () => Plan;
}

/** The loosest limit first. */
function plansOf(ask: Ask, crowd: Crowd): readonly Sketch[] {
  const most = crowd.candidates.reduce((highest, { wants }) => Math.max(highest, wants), 0);
  const poor = new Map<number, number>();
  for (const { holds } of crowd.poor) poor.set(holds, (poor.get(holds) ?? 0) + 1);
  const limits = [...new Set([1, 2, 3, 5, 8, 13, 21, ...poor.keys()])]
    .filter((limit) => limit > 0 && limit < most)
    .sort((one, other) => one - other)
    .slice(0, MOST_LIMITS)
    .reverse();
  // Instances that run already count under a limit, so that even the poor may be safe under it.
  const isExact = ask.placed.length === 0;
  return [Infinity, ...limits].map((limit) => ({
    least: isExact ? below(limit, poor) : 0,
    plan: () => planFor(ask, crowd, limit === Infinity ? undefined : perNode(limit)),
  }));
}

const perNode = (limit: number): Constraint => ({
  field: 'hostname',
  operator: 'MAX_PER',
  value: String(limit),
});

function below(limit: number, counts: ReadonlyMap<number, number>): number {
  let sum = 0;
  for (const [holds, count] of counts) if (holds < limit) sum += count;
  return sum;
}

function planFor(
  ask: Ask,
  { candidates, poor, basins }: Crowd,
  limit: Constraint | undefined,
): Plan {
  const wants = wantsUnder(limit, ask);
  // By place: a set of thousands for each limit would cost more than all else here.
  const gone = new Uint8Array(candidates.length);
  let left = 0;
  const leave = ({ at }: Candidate): void => {
    left += 1 - (gone[at] ?? 0);
    gone[at] = 1;
  };
  for (const candidate of poor) if (candidate.holds < wants(candidate)) leave(candidate);
  // One limit for all keeps the order of what they want; instances that run already may change it.
  const inOrder = limit === undefined || ask.placed.length === 0;
  for (const { free, members } of basins)
    drain(
      { free, members: inOrder ? members : modestFirst(members, wants) },
      { wants, gone, leave },
    );
  const those = (flag: number) => () => candidates.filter(({ at }) => gone[at] === flag);
  return { ...(limit ? { limit } : {}), left, leave: those(1), keep: those(0) };
}

interface Draining {
  readonly wants: (candidate: Candidate) => number;
  readonly gone: Uint8Array;
  readonly leave: (candidate: Candidate) => void;
}

/**
 * Leaves as many nodes of a basin as its addresses hold even if Marathon fills each of them. Those that
 * want the least come first, so whoever finds too little is followed by none who finds enough.
 */
function drain({ free, members }: Basin, { wants, gone, leave }: Draining): void {
  let left = free;
  let at = 0;
  for (; at < members.length; at++) {
    const member = members[at] as Candidate;
    if (gone[member.at] === 1) continue;
    const wanted = wants(member);
    if (wanted > left) break;
    left -= wanted;
  }
  for (; at < members.length; at++) leave(members[at] as Candidate);
}

const modestFirst = (
  members: readonly Candidate[],
  wants: (candidate: Candidate) => number,
): readonly Candidate[] => [...members].sort((one, other) => wants(one) - wants(other));

/** The plan that leaves out the fewest nodes and still fits; on a tie the one with the loosest limit. */
function best(
  room: Room,
  ask: Ask,
  { plans, maxLength }: { readonly plans: readonly Sketch[] } & RerouteOptions,
): Injection | undefined {
  for (const plan of fewestLeftFirst(plans)) {
    const found = spellOut(room, ask, { plan, maxLength });
    if (found !== undefined) return injection(found, plan);
  }
  return undefined;
}

/** In order of `left`, on a tie as they come; worked out only as far as that takes. */
function* fewestLeftFirst(sketches: readonly Sketch[]): Generator<Plan, void> {
  const open: { least: number; sketch: Sketch; plan?: Plan }[] = sketches.map((sketch) => ({
    least: sketch.least,
    sketch,
  }));
  for (;;) {
    const [first] = open;
    if (first === undefined) return;
    const next = open.reduce((one, other) => (other.least < one.least ? other : one), first);
    if (next.plan === undefined) {
      next.plan = next.sketch.plan();
      next.least = next.plan.left;
    } else {
      open.splice(open.indexOf(next), 1);
      yield next.plan;
    }
  }
}

type Injection = Omit<Extract<Steering, { do: 'inject' }>, 'guards'>;

/** Constraints and the number of candidates that they still admit, of those that are safe. */
interface Spelled {
  readonly constraints: readonly Constraint[];
  readonly kept: number;
  readonly of: number;
}

function injection({ constraints, kept, of }: Spelled, { left, limit }: Plan): Injection {
  const excluded = of + left - kept;
  const reasons = [
    ...(excluded > 0 ? [`kept off ${counted(excluded, 'node')} for want of network room`] : []),
    ...(limit ? [`held to ${limit.value ?? ''} on each node`] : []),
  ];
  const why = `${reasons.join(', ')}; ${counted(kept, 'node')} left to choose from`;
  return { do: 'inject', constraints, excluded, why };
}

/** The plan as constraints, or undefined when it is too long or leaves too little room. */
function spellOut(
  room: Room,
  ask: Ask,
  { plan, maxLength }: { readonly plan: Plan } & RerouteOptions,
): Spelled | undefined {
  const limit = plan.limit ? [plan.limit] : [];
  const keep = plan.keep();
  if (keep.length === 0) return undefined;
  const all = { kept: keep.length, of: keep.length };
  if (plan.left === 0)
    return fitsWith(room, ask, limit) ? { constraints: limit, ...all } : undefined;
  const nodes = (candidates: readonly Candidate[]) => candidates.map(({ node }) => node);
  const constraint = shortest(nodes(keep), nodes(plan.leave()), maxLength);
  if (constraint === undefined) return someOf(room, ask, { limit, keep, maxLength });
  const constraints = [...limit, constraint];
  return fitsWith(room, ask, constraints) ? { constraints, ...all } : undefined;
}

const adding = (ask: Ask, constraints: readonly Constraint[]): Ask => ({
  ...ask,
  constraints: [...ask.constraints, ...constraints],
});

const fitsWith = (room: Room, ask: Ask, constraints: readonly Constraint[]): boolean =>
  place(room, adding(ask, constraints)).fits;

interface Safe {
  readonly limit: readonly Constraint[];
  readonly keep: readonly Candidate[];
  readonly maxLength: number;
}

/**
 * So many names that they do not fit: the roomiest nodes, or else those of a placement that is known
 * to fit and then the roomiest.
 */
function someOf(room: Room, ask: Ask, safe: Safe): Spelled | undefined {
  return named(room, ask, { ...safe, start: [] }) ?? aroundWitness(room, ask, safe);
}

function aroundWitness(room: Room, ask: Ask, safe: Safe): Spelled | undefined {
  const nodes = new Map(safe.keep.map(({ node }) => [node.name, node]));
  const home = room.homeRegion === undefined ? {} : { homeRegion: room.homeRegion };
  const placement = place({ nodes, pools: room.pools, ...home }, adding(ask, safe.limit));
  if (!placement.fits) return undefined;
  return named(room, ask, { ...safe, start: [...placement.witness.nodes.keys()] });
}

/** The nodes of `start` and as many more as can be named, when the ask fits there. */
function named(
  room: Room,
  ask: Ask,
  { limit, keep, maxLength, start }: Safe & { readonly start: readonly string[] },
): Spelled | undefined {
  const names = filledUp(start, keep, maxLength);
  const { constraint, length } = only(names);
  const constraints = [...limit, constraint];
  if (length > maxLength || !fitsWith(room, ask, constraints)) return undefined;
  return { constraints, kept: names.length, of: keep.length };
}

function filledUp(
  start: readonly string[],
  keep: readonly Candidate[],
  maxLength: number,
): readonly string[] {
  const names = new Set(start);
  const bare = only([]).length;
  let length = only(names).length;
  const briefest = keep.reduce((least, { node }) => Math.min(least, node.name.length), Infinity);
  for (const { node } of roomiestFirst(keep)) {
    if (length + briefest > maxLength) break;
    const longer = length + only([node.name]).length - bare + (names.size > 0 ? '|'.length : 0);
    if (names.has(node.name) || longer > maxLength) continue;
    names.add(node.name);
    length = longer;
  }
  return [...names];
}

/** Rooms are small numbers, the same on many nodes: cheaper put into piles than sorted. */
function* roomiestFirst(keep: readonly Candidate[]): Generator<Candidate> {
  const piles = new Map<number, Candidate[]>();
  for (const candidate of keep) {
    const room = Math.min(candidate.wants, candidate.holds);
    const pile = piles.get(room);
    if (pile) pile.push(candidate);
    else piles.set(room, [candidate]);
  }
  for (const room of [...piles.keys()].sort((one, other) => other - one))
    yield* piles.get(room) ?? [];
}
