import type { Constraint } from './constraints.ts';
import type { Rates } from './container-rates.ts';
import type { Demand } from './demand.ts';
import type { Ask, PlacedInstance } from './room.ts';

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

/** Leases that the app holds now, on all nodes. */
export const heldBy = ({ heldOn }: Claim): number =>
  [...heldOn.values()].reduce((a, b) => a + b, 0);

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
 * Leases that the app may come to hold until its deployment is gone. Addresses that the old instances
 * give back are of no use to new ones on another network: all of theirs are promised, those of the peak
 * on nodes, the others wherever the network has them. Too many while the old ones go, never too few.
 */
export const targetOf = (claim: Claim): number =>
  isMoving(claim) ? Math.max(claim.peak, heldBy(claim) + claim.instances) : claim.peak;

/** Some network of the new instances is none of the old ones'. */
const isMoving = ({ kind, before, demand }: Claim): boolean =>
  kind === 'restart' &&
  before !== undefined &&
  demand.addresses.some(({ network }) => before.addresses.every((old) => old.network !== network));
