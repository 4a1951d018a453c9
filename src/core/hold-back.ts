import { askOf, type Claim, extraOf } from './claim.ts';
import { place } from './place.ts';
import type { Room, Witness } from './room.ts';
import { describe } from './shortage-words.ts';
import type { Shortage } from './shortage.ts';
import type { Verdict } from './verdict.ts';

/** Admits what fits now of a single create or scale whose owner agreed to wait for the rest. */
export function holdBack(
  room: Room,
  claims: readonly Claim[],
  { shortage, most }: { shortage: Shortage; most: number },
): Verdict | undefined {
  const [claim] = claims;
  if (!claim || claims.length > 1 || !claim.mayHold) return undefined;
  if (claim.kind !== 'create' && claim.kind !== 'scale') return undefined;
  const { instances, witness } = mostOf(room, claim, most);
  const waiting = claim.instances - instances;
  const held = { claim, instances, target: claim.peak - waiting, witness, inject: [] };
  const message = `${claim.app}: ${instances} of ${claim.instances} instances now, ${waiting} held until there is room: ${describe(shortage).message}`;
  return { answer: 'hold', grants: [held], message };
}

/**
 * As many as fit when no more are wanted than those: the fewer an app is to have, the fewer of them GROUP_BY
 * lets into one group, so that what fits of all need not fit by itself.
 */
function mostOf(
  room: Room,
  claim: Claim,
  most: number,
): { readonly instances: number; readonly witness: Witness } {
  const stay = claim.instances - extraOf(claim);
  for (let more = most; ;) {
    const instances = stay + more;
    const placed = place(room, askOf({ ...claim, instances }, more));
    if (placed.fits) return { instances, witness: placed.witness };
    more = Math.min(more - 1, placed.most); // none at all always fits
  }
}
