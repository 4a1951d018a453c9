import type { Constraint } from './constraints.ts';
import { wantsUnder, type Basin, type Candidate } from './reroute-nodes.ts';
import type { Ask } from './room.ts';

/** Whom a plan is made for. */
export interface Crowd {
  readonly candidates: readonly Candidate[];
  /** Those that hold less than Marathon would launch there: all others are safe under any limit. */
  readonly poor: readonly Candidate[];
  readonly basins: readonly Basin[];
}

/** A limit per node, and the nodes that are safe under it. */
export interface Plan {
  readonly limit?: Constraint;
  /** How many are not safe; they and the others are listed only for a plan that is tried: most are not. */
  readonly left: number;
  readonly leave: () => readonly Candidate[];
  readonly keep: () => readonly Candidate[];
}

/** Limits worth trying: none, what the poorest nodes hold, and a few in between. */
const MOST_LIMITS = 24;

/** A plan that need not be worked out unless it may be the best. */
export interface Sketch {
  /** It leaves out at least so many. */
  readonly least: number;
  readonly plan: () => Plan;
}

/** The loosest limit first. */
export function plansOf(ask: Ask, crowd: Crowd): readonly Sketch[] {
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

export function planFor(
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

/** In order of `left`, on a tie as they come; worked out only as far as that takes. */
export function* fewestLeftFirst(sketches: readonly Sketch[]): Generator<Plan, void> {
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
