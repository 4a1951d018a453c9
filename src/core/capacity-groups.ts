import type { CapacityFacts } from './capacity-facts.ts';
import { added, byName, type Sums } from './capacity-figures.ts';
import { NO_COUNTS } from './capacity-period.ts';
import { type CapacityRow, type Figures, OTHERS } from './capacity-record.ts';
import { groupOf } from './capacity-sums.ts';
import { bandwidthOf } from './demand.ts';
import type { HeldRecord } from './held-record.ts';

/** Instances that an app is still to get. */
export const missing = ({ wanted, allowed }: HeldRecord): number => Math.max(0, wanted - allowed);

export function groupRows({
  picture,
  leases,
  held,
  period,
}: CapacityFacts): readonly CapacityRow[] {
  const groups = new Map<string, Sums>();
  const of = (group: string): Sums => {
    const sums = groups.get(group) ?? {
      ...{ leased: 0, promised: 0, leasedInKbit: 0, promisedInKbit: 0 },
      ...{ leasedOutKbit: 0, promisedOutKbit: 0, waiting: 0 },
      ...NO_COUNTS,
    };
    groups.set(group, sums);
    return sums;
  };
  const add = (group: string, more: Figures): void =>
    void groups.set(group, added([of(group), more]));
  for (const [group, { leases: leased, inKbit, outKbit }] of leases.groups)
    add(group, { leased, leasedInKbit: inKbit, leasedOutKbit: outKbit });
  for (const [app, record] of picture.reservations()) {
    const owed = picture.owed(app);
    const each = bandwidthOf(record.demand);
    add(groupOf(app), {
      promised: owed * record.demand.addresses.length,
      promisedInKbit: owed * each.inKbit + picture.heldBy(app) * record.growInKbit,
      promisedOutKbit: owed * each.outKbit + picture.heldBy(app) * record.growOutKbit,
    });
  }
  for (const [app, record] of held) add(groupOf(app), { waiting: missing(record) });
  for (const [group, counts] of period.groups) add(group, { ...counts });
  return bounded(groups);
}

/** Groups of which a report tells by name; the rest are one row. */
const MOST_GROUPS = 500;

function bounded(groups: ReadonlyMap<string, Sums>): readonly CapacityRow[] {
  const largest = [...groups].sort(([, one], [, other]) => (other.leased ?? 0) - (one.leased ?? 0));
  const rest = largest.splice(MOST_GROUPS).map(([, sums]) => sums);
  return [
    ...largest.sort(([one], [other]) => byName(one, other)),
    ...(rest.length > 0 ? [[OTHERS, added(rest)] as const] : []),
  ].map(([name, figures]): CapacityRow => ({ kind: 'group', name, figures }));
}
