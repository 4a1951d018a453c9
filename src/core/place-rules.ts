import {
  fieldReader,
  isHostname,
  leavesHome,
  nodeTest,
  spelled,
  whyUnjudged,
  type Constraint,
  type FieldReader,
  type Test,
} from './constraints.ts';
import { clusterTest, groupingOf, isOpenCluster, type Grouping } from './groups.ts';
import { patternOf } from './regex.ts';
import type { Ask, Room } from './room.ts';

/** One test that a node must pass, and what to call it when it does not. */
export interface Rule {
  /** Absent for the rule that apps stay in the master's region. */
  readonly constraint?: Constraint;
  readonly test: Test;
  /** Told when the test answers undefined. */
  readonly why: string;
}

/** What constraints look at of an ask. */
export type Constrained = Pick<Ask, 'constraints' | 'placed' | 'total'>;

/** An ask's constraints, sorted by how they are judged. */
export interface Rules {
  readonly tests: readonly Rule[];
  /** Groupings by node name whose limit is the node's own. */
  readonly nodeCaps: readonly Grouping[];
  /** The one GROUP_BY over node names; several are treated as groupings. */
  readonly perNode: Grouping | undefined;
  /** Groupings by other fields, at most one without GROUP_BY for each field. */
  readonly groupings: readonly Grouping[];
  /** Fields of CLUSTER constraints that nothing has settled yet. */
  readonly clusters: readonly FieldReader[];
  /** A CLUSTER over node names that nothing has settled yet: all instances on one node. */
  readonly oneNode: boolean;
}

export function rulesOf(room: Pick<Room, 'homeRegion'>, ask: Constrained): Rules {
  const constraints = distinct(ask.constraints);
  const open = constraints.filter(isOpenCluster).filter(() => ask.placed.length === 0);
  const groupings = constraints
    .filter((constraint) => whyUnjudged(constraint) === undefined)
    .flatMap((constraint) => groupingOf(constraint, ask) ?? []);
  const named = groupings.filter(({ field }) => field === 'hostname');
  const spread = named.filter(isSpread);
  const perNode = spread.length === 1 ? spread[0] : undefined;
  return {
    tests: [...homeRule(room, ask.constraints), ...constraints.flatMap((c) => ruleOf(c, ask))],
    nodeCaps: named.filter((grouping) => !isSpread(grouping)),
    perNode,
    groupings: merged([
      ...groupings.filter(({ field }) => field !== 'hostname'),
      ...(spread.length > 1 ? spread : []),
    ]),
    clusters: open.filter(({ field }) => !isHostname(field)).map(({ field }) => fieldReader(field)),
    oneNode: open.some(({ field }) => isHostname(field)),
  };
}

const isSpread = ({ constraint }: Grouping): boolean => constraint.operator === 'GROUP_BY';

/** Marathon keeps constraints in a set. */
const distinct = (constraints: readonly Constraint[]): readonly Constraint[] => [
  ...new Map(constraints.map((c) => [JSON.stringify(spelled(c)), c])).values(),
];

function ruleOf(constraint: Constraint, ask: Constrained): readonly Rule[] {
  const unjudged = whyUnjudged(constraint);
  if (unjudged !== undefined) return [{ constraint, test: () => undefined, why: unjudged }];
  const test = nodeTest(constraint) ?? groupTest(constraint, ask);
  return [{ constraint, test, why: whyOf(constraint) }];
}

const whyOf = ({ operator, value = '' }: Constraint): string =>
  operator === 'LIKE' || operator === 'UNLIKE' ? patternOf(value).why : '';

/** Every operator that counts instances refuses a node that lacks its field. */
function groupTest(constraint: Constraint, { placed }: Constrained): Test {
  const settled = isOpenCluster(constraint) ? clusterTest(constraint, placed) : undefined;
  const read = fieldReader(constraint.field);
  return settled ?? ((site) => read(site) !== undefined);
}

/** A node that reports no region counts as one of the master's, as in Mesos. */
function homeRule(
  { homeRegion }: Pick<Room, 'homeRegion'>,
  constraints: readonly Constraint[],
): readonly Rule[] {
  if (homeRegion === undefined || leavesHome(constraints)) return [];
  return [{ test: ({ region }) => region === undefined || region === homeRegion, why: '' }];
}

/** Folds the plain limits of a field into one, and into every GROUP_BY over that field. */
function merged(groupings: readonly Grouping[]): readonly Grouping[] {
  const result: Grouping[] = [];
  for (const field of new Set(groupings.map((grouping) => grouping.field))) {
    const same = groupings.filter((grouping) => grouping.field === field);
    const [first, ...rest] = same.filter((grouping) => !isSpread(grouping));
    const cap = first && rest.reduce(tightest, first);
    const spreads = same.filter(isSpread);
    if (spreads.length > 0) result.push(...spreads.map((s) => (cap ? tightest(s, cap) : s)));
    else if (cap) result.push(cap);
  }
  return result;
}

const tightest = (grouping: Grouping, { base: cap }: Grouping): Grouping => ({
  ...grouping,
  base: (value) => Math.min(grouping.base(value), cap(value)),
  bonus: (value) => (cap(value) > grouping.base(value) ? grouping.bonus(value) : 0),
});
