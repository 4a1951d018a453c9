import { settle } from './place-settle.ts';
import { witnessOf } from './place-spread.ts';
import { surveys, type Survey } from './place-survey.ts';
import type { Ask, Room, Witness } from './room.ts';
import { shortageOf, type Shortage } from './shortage.ts';

export type Placement =
  | { readonly fits: true; readonly witness: Witness }
  | {
      readonly fits: false;
      /** How many instances fit. */
      readonly most: number;
      readonly shortage: Shortage;
    };

/**
 * Whether all instances of an ask find room at once, and where.
 *
 * Instances are identical, so this is a flow: between the pools of a first network, the nodes, and
 * either the pools of a second network or the limits that a constraint sets on a field's values. Exact
 * for up to two such sides. With three or more (three networks, or two networks and a grouped field)
 * the witness always holds, and `most` is exact when the bounded search of place-search.ts finishes;
 * so it is for GROUP_BY with more possible groups than it allows, up to the sets of place-choice.ts.
 *
 * Constraints that cannot be judged leave no room where they would decide. Deterministic: the same
 * room and ask give the same answer.
 */
export function place(room: Room, ask: Ask): Placement {
  if (ask.instances <= 0) return { fits: true, witness: { nodes: new Map(), pools: new Map() } };
  let most = 0;
  let last: Survey | undefined;
  for (const surveyed of surveys(room, ask)) {
    last = surveyed;
    const { classes, chosen } = settle(surveyed, ask.instances);
    most = chosen.solution.total;
    if (most >= ask.instances) return { fits: true, witness: witnessOf(surveyed, classes, chosen) };
  }
  return { fits: false, most, shortage: shortageOf(room, ask, { most, surveyed: last }) };
}
