import type { Constraint } from './constraints.ts';
import { place } from './place.ts';
import type { Candidate } from './reroute-nodes.ts';
import type { Plan } from './reroute-plans.ts';
import { only, shortest } from './reroute-spell.ts';
import type { Ask, Room } from './room.ts';

/** Constraints and the number of candidates that they still admit, of those that are safe. */
export interface Spelled {
  readonly constraints: readonly Constraint[];
  readonly kept: number;
  readonly of: number;
}

/** The plan as constraints, or undefined when it is too long or leaves too little room. */
export function spellOut(
  room: Room,
  ask: Ask,
  { plan, maxLength }: { readonly plan: Plan; readonly maxLength: number },
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
