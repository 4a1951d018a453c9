import type { CapacityFacts, CapacityOptions, Promises } from './capacity-facts.ts';
import { added, grouped, sumOf } from './capacity-figures.ts';
import { type CapacityRow, type Figure, type Figures, NOBODY } from './capacity-record.ts';
import type { NodeSeen } from './snapshot-seen.ts';
import { capacityOf } from './snapshot-nodes.ts';

export interface NodeLine {
  readonly name: string;
  readonly rack: string;
  readonly reach: readonly string[];
  readonly fenced: boolean;
  readonly figures: Figures;
}

export function nodesOf(
  { picture, stock, fenced, period }: CapacityFacts,
  { rackAttribute }: CapacityOptions,
  { addressesOn }: Promises,
): readonly NodeLine[] {
  const free = new Map(picture.pools().map((pool) => [pool.name, pool.free]));
  const freeIn = remembered((reach) =>
    sumOf(reach.map((pool) => Math.max(0, free.get(pool) ?? 0))),
  );
  return picture
    .nodes()
    .filter(({ record, tally }) => record !== undefined || tally !== undefined)
    .map((node): NodeLine => {
      const { name, tally, reach } = node;
      const isFenced = fenced.has(name);
      return {
        ...{ name, reach, fenced: isFenced, rack: rackOf(node, rackAttribute) },
        figures: {
          leased: sumOf(Object.values(tally?.pools ?? {})),
          promised: addressesOn.get(name) ?? 0,
          spare: stock.get(name) ?? 0,
          reachable: freeIn(reach),
          ...linkOf(node),
          ...behindFence(node, isFenced),
          nodes: 1,
          fenced: isFenced ? 1 : 0,
          failed: period.nodes.get(name) ?? 0,
        },
      };
    });
}

/** Thousands of nodes share a handful of reaches, each of them one array. */
function remembered(
  of: (reach: readonly string[]) => number,
): (reach: readonly string[]) => number {
  const known = new Map<readonly string[], number>();
  return (reach) => {
    const sum = known.get(reach) ?? of(reach);
    known.set(reach, sum);
    return sum;
  };
}

function rackOf({ record, facts }: NodeSeen, attribute: string): string {
  for (const attributes of [record?.attributes, facts?.attributes])
    if (attributes && Object.hasOwn(attributes, attribute)) return attributes[attribute] || NOBODY;
  return NOBODY;
}

/** What a fenced node still could carry. */
function behindFence({ record, room }: NodeSeen, isFenced: boolean): Figures {
  if (record === undefined) return {};
  const of = (freeKbit: number): number => (isFenced ? Math.max(0, freeKbit) : 0);
  return { fencedInKbit: of(room.netInKbit), fencedOutKbit: of(room.netOutKbit) };
}

/** What is promised includes what running instances will need more once they are replaced. */
function linkOf({ record, tally, room }: NodeSeen): Figures {
  if (record === undefined) return {};
  const { inKbit, outKbit } = capacityOf(record);
  const [leasedInKbit, leasedOutKbit] = [tally?.netInKbit ?? 0, tally?.netOutKbit ?? 0];
  return {
    ...{ capacityInKbit: inKbit, leasedInKbit, freeInKbit: room.netInKbit },
    promisedInKbit: inKbit - leasedInKbit - room.netInKbit,
    ...{ capacityOutKbit: outKbit, leasedOutKbit, freeOutKbit: room.netOutKbit },
    promisedOutKbit: outKbit - leasedOutKbit - room.netOutKbit,
  };
}

/** Shared by nodes, so it does not add up. */
export const REACHABLE: ReadonlySet<Figure> = new Set(['reachable']);

export function rackRows(
  { picture }: CapacityFacts,
  nodes: readonly NodeLine[],
): readonly CapacityRow[] {
  const free = new Map(picture.pools().map((pool) => [pool.name, pool.free]));
  return grouped(nodes, ({ rack }) => rack).map(([name, members]): CapacityRow => {
    const reach = new Set([...new Set(members.map((node) => node.reach))].flat());
    const reachable = sumOf([...reach].map((pool) => Math.max(0, free.get(pool) ?? 0)));
    const figures = {
      ...added(
        members.map((node) => node.figures),
        REACHABLE,
      ),
      reachable,
    };
    return { kind: 'rack', name, figures };
  });
}
