import type { Constraint } from './constraints.ts';
import { counted } from './place-inspect.ts';
import { candidatesOf, narrowBasins, type Basin } from './reroute-nodes.ts';
import { fewestLeftFirst, type Plan, planFor, plansOf, type Sketch } from './reroute-plans.ts';
import { type Spelled, spellOut } from './reroute-words.ts';
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

type Injection = Omit<Extract<Steering, { do: 'inject' }>, 'guards'>;

function injection({ constraints, kept, of }: Spelled, { left, limit }: Plan): Injection {
  const excluded = of + left - kept;
  const reasons = [
    ...(excluded > 0 ? [`kept off ${counted(excluded, 'node')} for want of network room`] : []),
    ...(limit ? [`held to ${limit.value ?? ''} on each node`] : []),
  ];
  const why = `${reasons.join(', ')}; ${counted(kept, 'node')} left to choose from`;
  return { do: 'inject', constraints, excluded, why };
}
