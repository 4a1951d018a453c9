import {
  fieldReader,
  groupsOf,
  isHostname,
  javaInt,
  type Constraint,
  type FieldReader,
  type Site,
} from './constraints.ts';
import type { Ask, PlacedInstance } from './room.ts';

/**
 * Constraints that count instances, in one shape: how many more instances a value of the field may
 * take. What may be added does not depend on the order in which instances are launched.
 */
export interface Grouping {
  readonly constraint: Constraint;
  /** `hostname` for both of its spellings, so that groupings of one field are seen as such. */
  readonly field: string;
  readonly read: FieldReader;
  /** Instances that a value may take on its own account. */
  readonly base: (value: string) => number;
  /** 1 when a value may take one more out of `remainder`. */
  readonly bonus: (value: string) => number;
  /** Extra instances that all values share. */
  readonly remainder: number;
  /** Whether the value would be a group of its own that does not exist yet. */
  readonly isNew: (value: string) => boolean;
  /** New groups that may come into being. */
  readonly slots: number;
}

type Counts = ReadonlyMap<string | undefined, number>;

const none = (): number => 0;
const uncounted = { bonus: none, remainder: 0, isNew: () => false, slots: Infinity };

export const siteOf = ({ node, ...rest }: PlacedInstance): Site => ({ name: node, ...rest });

/** Placed instances by value; those that lack the field are a group of their own. */
function countsOf(placed: readonly PlacedInstance[], read: FieldReader): Counts {
  const counts = new Map<string | undefined, number>();
  for (const instance of placed) {
    const value = read(siteOf(instance));
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts;
}

/**
 * The grouping of UNIQUE, MAX_PER, GROUP_BY, and of CLUSTER without a value once something is placed.
 * Undefined for constraints that look at the node alone and for an open CLUSTER.
 *
 * @see src/main/scala/mesosphere/mesos/Constraints.scala
 */
export function groupingOf(
  constraint: Constraint,
  ask: Pick<Ask, 'placed' | 'total'>,
): Grouping | undefined {
  const read = fieldReader(constraint.field);
  const field = isHostname(constraint.field) ? 'hostname' : constraint.field;
  const common = { constraint, field, read };
  const counts = countsOf(ask.placed, read);
  const count = (value: string) => counts.get(value) ?? 0;
  const { operator, value: text = '' } = constraint;
  if (operator === 'UNIQUE')
    return { ...common, ...uncounted, base: (value) => Math.max(0, 1 - count(value)) };
  if (operator === 'MAX_PER') {
    const most = javaInt(text) ?? 0;
    // MAX_PER 0 still lets one into an empty group: Marathon asks only groups that exist.
    const base = (value: string) => (count(value) === 0 ? Math.max(1, most) : most - count(value));
    return { ...common, ...uncounted, base: (value) => Math.max(0, base(value)) };
  }
  if (operator === 'GROUP_BY')
    return { ...common, ...evenly(groupsOf(text), counts, totalOf(ask)) };
  return undefined;
}

/** Marathon takes the count from the definition of the first instance that it finds placed. */
const totalOf = ({ placed, total }: Pick<Ask, 'placed' | 'total'>): number =>
  placed[0]?.total ?? total;

/**
 * GROUP_BY of Marathon 1.11: every group may hold floor(total / groups), and the remainder goes, one
 * each, to whichever groups come first. A new group always gets its first instance.
 */
function evenly(
  groups: number,
  counts: Counts,
  total: number,
): Pick<Grouping, 'base' | 'bonus' | 'remainder' | 'isNew' | 'slots'> {
  const floor = Math.floor(total / groups);
  const used = [...counts.values()].reduce((sum, count) => sum + Math.max(0, count - floor), 0);
  const count = (value: string) => counts.get(value) ?? 0;
  const isNew = (value: string) => count(value) === 0;
  return {
    base: (value) => (isNew(value) ? Math.max(1, floor) : Math.max(0, floor - count(value))),
    bonus: (value) => ((isNew(value) ? floor > 0 : count(value) <= floor) ? 1 : 0),
    remainder: Math.max(0, (total % groups) - used),
    isNew,
    slots: Math.max(0, groups - counts.size),
  };
}

/** CLUSTER without a value: all instances share one value, that of the first placed if there is one. */
export const isOpenCluster = ({ operator, value = '' }: Constraint): boolean =>
  operator === 'CLUSTER' && value === '';

/** The test that an open CLUSTER comes down to once something is placed; undefined before that. */
export function clusterTest(
  constraint: Constraint,
  placed: readonly PlacedInstance[],
): ((site: Site) => boolean) | undefined {
  const [first] = placed;
  if (first === undefined) return undefined;
  const read = fieldReader(constraint.field);
  const wanted = read(siteOf(first));
  return (site) => wanted !== undefined && read(site) === wanted;
}
