import { comesLate } from './at-once.ts';
import { askOf, type Claim, extraOf, heldBy, targetOf } from './claim.ts';
import type { Constraint } from './constraints.ts';
import { explain } from './explain.ts';
import { placeAll, take } from './group-place.ts';
import { holdBack } from './hold-back.ts';
import { place } from './place.ts';
import { reroute } from './reroute.ts';
import type { Ask, Room, Witness } from './room.ts';
import { describe } from './shortage-words.ts';
import type { Shortage } from './shortage.ts';
import type { Grant, Verdict } from './verdict.ts';

export interface AdmitOptions {
  readonly reroute: boolean;
  /** Longest constraint that may be added, characters. */
  readonly maxConstraintLength: number;
  /** Nodes that a refusal tells of; all when absent. */
  readonly mostNodes?: number;
}

const nothing: Witness = { nodes: new Map(), pools: new Map() };

/**
 * Judges a whole change: every claim fits at its peak beside all others, and every restart also fits in
 * the end, once its old instances have gone. `room` must not count promises to the claims' own apps.
 */
export function admit(room: Room, claims: readonly Claim[], options: AdmitOptions): Verdict {
  const asks = claims.map((claim) => askOf(claim));
  const placed = placeAll(room, asks);
  if (!placed.fits) {
    const { shortage, most } = placed.placement;
    return (
      holdBack(room, claims, { shortage, most }) ??
      refusal(room, asks[placed.at], { shortage, options })
    );
  }
  for (const claim of claims) {
    const stuck = shortageAtTheEnd(room, claim);
    if (stuck) return refusal(room, askOf(claim, claim.instances), { shortage: stuck, options });
  }
  const grants = claims.map((claim, i) => {
    const others = takeOthers(room, claims, { witnesses: placed.witnesses, but: i });
    return grant(others, claim, { witness: placed.witnesses[i] ?? nothing, options });
  });
  return admitted(grants);
}

function admitted(grants: readonly Grant[]): Verdict {
  const steered = grants.filter(({ inject }) => inject.length > 0);
  const message = grants.map(sentence).join('; ');
  return { answer: steered.length > 0 ? 'reroute' : 'admit', grants, message };
}

function sentence({ claim, instances, witness, inject }: Grant): string {
  const nodes = witness.nodes.size;
  const room = nodes > 0 ? `, room on ${nodes} ${nodes === 1 ? 'node' : 'nodes'} set aside` : '';
  const kept = inject.length > 0 ? `, kept to nodes with room by ${JSON.stringify(inject)}` : '';
  return `${claim.app}: ${instances} ${instances === 1 ? 'instance' : 'instances'}${room}${kept}`;
}

function takeOthers(
  room: Room,
  claims: readonly Claim[],
  { witnesses, but }: { witnesses: readonly Witness[]; but: number },
): Room {
  return claims.reduce(
    (left, { demand }, i) => (i === but ? left : take(left, demand, witnesses[i] ?? nothing)),
    room,
  );
}

function grant(
  room: Room,
  claim: Claim,
  { witness, options }: { witness: Witness; options: AdmitOptions },
): Grant {
  const target = targetOf(claim);
  const late = lateOf(room, claim, witness);
  const plain = { claim, instances: claim.instances, target, witness, inject: [], ...late };
  if (!options.reroute || !claim.mayReroute || extraOf(claim) === 0) return plain;
  const steering = reroute(room, askOf(claim), { maxLength: options.maxConstraintLength });
  if (steering.do !== 'inject') return plain;
  const steered = { ...claim, constraints: [...claim.constraints, ...steering.constraints] };
  const again = place(room, askOf(steered));
  if (!again.fits || shortageAtTheEnd(room, steered)) return plain;
  return { ...plain, witness: again.witness, inject: steering.constraints.map(asMarathonSpells) };
}

function lateOf(room: Room, claim: Claim, witness: Witness): Pick<Grant, 'atOnce'> {
  const { atOnce = 0, demand } = claim;
  const isLate = atOnce > 0 && comesLate(take(room, demand, witness), askOf(claim, atOnce));
  return isLate ? { atOnce } : {};
}

/** [field, operator] or [field, operator, value]: the form of an app's constraint. */
const asMarathonSpells = ({ field, operator, value }: Constraint): readonly string[] =>
  value === undefined ? [field, operator] : [field, operator, value];

/**
 * A restart whose old and new instances cannot all exist at once must also fit in the end: the new
 * ones alone, in the room that the old ones leave behind.
 */
function shortageAtTheEnd(room: Room, claim: Claim): Shortage | undefined {
  if (claim.kind !== 'restart' || claim.peak >= heldBy(claim) + claim.instances) return undefined;
  const left = take(room, claim.before ?? claim.demand, leaving(room, claim));
  const ended = place(left, askOf(claim, claim.instances));
  return ended.fits ? undefined : ended.shortage;
}

/** Old instances given back: a witness with negative counts. */
function leaving(room: Room, { heldOn, before, demand }: Claim): Witness {
  const pools = new Map<string, number>();
  for (const [node, count] of heldOn)
    for (const { network } of (before ?? demand).addresses) {
      // Tallies do not say from which pool an app drew; the first pool of the network is as good.
      const pool = room.nodes.get(node)?.pools.find((p) => room.pools.get(p)?.network === network);
      if (pool !== undefined) pools.set(pool, (pools.get(pool) ?? 0) - count);
    }
  return { nodes: new Map([...heldOn].map(([node, count]) => [node, -count])), pools };
}

function refusal(
  room: Room,
  ask: Ask | undefined,
  { shortage, options }: { shortage: Shortage; options: AdmitOptions },
): Verdict {
  const { message, remedy } = describe(shortage);
  const nodes = ask ? explain(room, ask, options.mostNodes) : [];
  const moreNodes = ask ? room.nodes.size - nodes.length : 0;
  return { answer: 'refuse', app: ask?.app ?? '', message, remedy, nodes, moreNodes };
}
