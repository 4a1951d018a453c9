import { comesLate } from './at-once.ts';
import type { Constraint } from './constraints.ts';
import type { Rates } from './container-rates.ts';
import type { Demand } from './demand.ts';
import { explain } from './explain.ts';
import { placeAll, take } from './group-place.ts';
import { place } from './place.ts';
import type { NodeReason } from './verdict-record.ts';
import { reroute } from './reroute.ts';
import type { Ask, PlacedInstance, Room, Witness } from './room.ts';
import type { Shortage } from './shortage.ts';
import { describe } from './shortage-words.ts';

/** One app of a change, as Marathon would have it once the change is done. */
export interface Claim {
  /** Canonical id. */
  readonly app: string;
  /** `restart` replaces what runs; `relaunch` starts again what is killed, unchanged. */
  readonly kind: 'create' | 'scale' | 'restart' | 'relaunch';
  readonly demand: Demand;
  readonly constraints: readonly Constraint[];
  /** What only labels of its networks ask for, by network; absent: they ask for nothing. */
  readonly labelled?: Readonly<Record<string, Rates>>;
  /** Instances once done. */
  readonly instances: number;
  /** Most instances that exist at once on the way there (core/peak.ts). */
  readonly peak: number;
  /** Leases that the app holds now, by node, every version. */
  readonly heldOn: ReadonlyMap<string, number>;
  /** What each instance that runs now holds; absent when none runs or nothing changes. */
  readonly before?: Demand;
  /** Instances of the same config, which the constraints count. */
  readonly placed: readonly PlacedInstance[];
  /** Running instances that Marathon ends and starts again at once (core/peak.ts); absent: none. */
  readonly atOnce?: number;
  /** May start with fewer instances and grow later. */
  readonly mayHold: boolean;
  /** Constraints may be added: the change starts fresh tasks anyway. */
  readonly mayReroute: boolean;
}

/** What one app got. */
export interface Grant {
  readonly claim: Claim;
  /** Fewer than the claim's when held. */
  readonly instances: number;
  /** Most instances at once: what a reservation promises. */
  readonly target: number;
  readonly witness: Witness;
  /** To be added to the app's own constraints. */
  readonly inject: readonly (readonly string[])[];
  /** The claim's, if they have to wait for each other's addresses (see ReservationRecord). */
  readonly atOnce?: number;
}

export type Verdict =
  | {
      readonly answer: 'admit' | 'reroute' | 'hold';
      readonly grants: readonly Grant[];
      readonly message: string;
    }
  | {
      readonly answer: 'refuse';
      readonly app: string;
      readonly message: string;
      readonly remedy: string;
      readonly nodes: readonly NodeReason[];
      /** Nodes beyond those: nothing is said of them. */
      readonly moreNodes: number;
    };

export interface AdmitOptions {
  readonly reroute: boolean;
  /** Longest constraint that may be added, characters. */
  readonly maxConstraintLength: number;
  /** Nodes that a refusal tells of; all when absent. */
  readonly mostNodes?: number;
}

const nothing: Witness = { nodes: new Map(), pools: new Map() };
const heldBy = ({ heldOn }: Claim): number => [...heldOn.values()].reduce((a, b) => a + b, 0);

/** Instances that must find room beside everything that runs now. */
export const extraOf = (claim: Claim): number => Math.max(0, claim.peak - heldBy(claim));

/** The question a claim puts to the room. */
export const askOf = (claim: Claim, instances = extraOf(claim)): Ask => ({
  app: claim.app,
  instances,
  demand: claim.demand,
  constraints: claim.constraints,
  placed: claim.placed,
  total: claim.instances,
});

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

/**
 * Leases that the app may come to hold until its deployment is gone. Addresses that the old instances
 * give back are of no use to new ones on another network: all of theirs are promised, those of the peak
 * on nodes, the others wherever the network has them. Too many while the old ones go, never too few.
 */
const targetOf = (claim: Claim): number =>
  isMoving(claim) ? Math.max(claim.peak, heldBy(claim) + claim.instances) : claim.peak;

/** Some network of the new instances is none of the old ones'. */
const isMoving = ({ kind, before, demand }: Claim): boolean =>
  kind === 'restart' &&
  before !== undefined &&
  demand.addresses.some(({ network }) => before.addresses.every((old) => old.network !== network));

/** [field, operator] or [field, operator, value]: the form of an app's constraint. */
export const asMarathonSpells = ({ field, operator, value }: Constraint): readonly string[] =>
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

/** Admits what fits now of a single create or scale whose owner agreed to wait for the rest. */
function holdBack(
  room: Room,
  claims: readonly Claim[],
  { shortage, most }: { shortage: Shortage; most: number },
): Verdict | undefined {
  const [claim] = claims;
  if (!claim || claims.length > 1 || !claim.mayHold) return undefined;
  if (claim.kind !== 'create' && claim.kind !== 'scale') return undefined;
  const { instances, witness } = mostOf(room, claim, most);
  const held = { claim, instances, target: instances, witness, inject: [] };
  const waiting = claim.instances - instances;
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
