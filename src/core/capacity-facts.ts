import type { Period } from './capacity-period.ts';
import type { LeaseSums } from './capacity-sums.ts';
import type { Demand } from './demand.ts';
import type { HeldRecord } from './held-record.ts';
import type { NetworkRecord } from './topology-record.ts';
import type { ReservationRecord } from './promise-record.ts';
import type { Witness } from './room.ts';
import type { NodeSeen, PoolSeen } from './snapshot-seen.ts';

/** What a report reads of a picture; core's Snapshot has it all. */
export interface CapacityPicture {
  nodes(): readonly NodeSeen[];
  pools(): readonly PoolSeen[];
  networks(): ReadonlyMap<string, NetworkRecord>;
  reservations(): ReadonlyMap<string, ReservationRecord>;
  placesOf(app: string): Witness;
  owed(app: string): number;
  heldBy(app: string): number;
}

/** Everything that a report is made of, at one revision. */
export interface CapacityFacts {
  readonly picture: CapacityPicture;
  readonly leases: LeaseSums;
  /** Addresses in stock, by node. */
  readonly stock: ReadonlyMap<string, number>;
  /** Nodes that Corral has taken out of Mesos' offers. */
  readonly fenced: ReadonlySet<string>;
  readonly held: ReadonlyMap<string, HeldRecord>;
  readonly period: Period;
}

export interface CapacityOptions {
  /** Attribute that names a node's rack. */
  readonly rackAttribute: string;
  /** MACs that the switch may learn of a VLAN; undefined: nobody said. */
  readonly macLimitOf: (vlan: number | undefined) => number | undefined;
  /** Share of the limit from which on a VLAN is marked, percent. */
  readonly macWarnPercent: number;
}

/** What admitted apps are still owed, by place. */
export interface Promises {
  readonly addressesOn: ReadonlyMap<string, number>;
  readonly drawn: ReadonlyMap<string, { readonly inKbit: number; readonly outKbit: number }>;
}

export function promisesOf(picture: CapacityPicture): Promises {
  const addressesOn = new Map<string, number>();
  const drawn = new Map<string, { inKbit: number; outKbit: number }>();
  const networkOf = new Map(picture.pools().map(({ name, network }) => [name, network]));
  for (const [app, { demand }] of picture.reservations()) {
    const places = picture.placesOf(app);
    for (const [node, count] of places.nodes)
      addressesOn.set(node, (addressesOn.get(node) ?? 0) + count * demand.addresses.length);
    for (const [pool, count] of places.pools) {
      const each = rateOn(demand, networkOf.get(pool));
      const sum = drawn.get(pool) ?? { inKbit: 0, outKbit: 0 };
      sum.inKbit += count * each.inKbit;
      sum.outKbit += count * each.outKbit;
      drawn.set(pool, sum);
    }
  }
  return { addressesOn, drawn };
}

const rateOn = ({ addresses }: Demand, network: string | undefined) => {
  const asked = addresses.find((address) => address.network === network);
  return { inKbit: asked?.netInKbit ?? 0, outKbit: asked?.netOutKbit ?? 0 };
};
