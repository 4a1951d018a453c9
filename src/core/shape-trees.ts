import type { SeenClass, SeenLink, SeenSorting, SeenTree } from './shape-seen.ts';
import type { Change, ShapeStep } from './shape-step.ts';
import type { ClassShape, Leaf, Sorting, Table, Tree } from './shape.ts';

const NOTHING: Change = { add: [], remove: [] };
const EMPTY: SeenTree = {
  defaultMinor: 0,
  directPackets: 0,
  classes: new Map(),
  tables: new Map(),
  broken: new Set(),
  sortings: [],
};

/** Root, classes, leaves and sortings of one wanted link. */
export function treeSteps(link: string, wanted: Tree | undefined, seen: SeenLink): Change {
  if (!wanted) return seen.tree ? { add: [], remove: [{ do: 'drop-root', link }] } : NOTHING;
  const stands = seen.tree && canStay(wanted, seen.tree) ? seen.tree : undefined;
  const tree = stands ?? EMPTY;
  const add: ShapeStep[] = [];
  if (!stands) {
    if (seen.root) add.push({ do: 'drop-root', link });
    add.push({ do: 'set-root', link, defaultMinor: wanted.defaultMinor });
  }
  add.push(...classSteps(link, wanted, tree));
  const sorts = sortingSteps(link, wanted, tree);
  const dropped = [...tree.classes.keys()].filter((minor) => !wanted.classes.has(minor));
  return {
    add: [...add, ...sorts.add],
    // The kernel keeps a class that a filter still points to.
    remove: [...sorts.remove, ...dropped.map((minor) => dropClass(link, minor))],
  };
}

const dropClass = (link: string, minor: number): ShapeStep => ({ do: 'drop-class', link, minor });

/** HTB can change neither its default nor the parent of a class: such a tree is made anew. */
const canStay = (wanted: Tree, seen: SeenTree): boolean =>
  wanted.defaultMinor === seen.defaultMinor &&
  [...wanted.classes].every(([minor, { parent }]) => {
    const there = seen.classes.get(minor);
    return !there || there.parent === parent;
  });

/** Parents first; then what shrinks before what grows, so that floors never pass the link in between. */
function classSteps(link: string, wanted: Tree, seen: SeenTree): ShapeStep[] {
  const growth = (minor: number, { rateKbit }: ClassShape): number =>
    rateKbit - (seen.classes.get(minor)?.rateKbit ?? 0);
  const rank = ([minor, shape]: readonly [number, ClassShape]): number =>
    shape.parent === undefined ? -Infinity : growth(minor, shape);
  const ordered = [...wanted.classes].sort((a, b) => compare(rank(a), rank(b)));
  return ordered.flatMap(([minor, shape]) => {
    const there = seen.classes.get(minor);
    const steps: ShapeStep[] = [];
    if (!there || !sameClass(shape, there)) steps.push({ do: 'set-class', link, minor, shape });
    if (shape.leaf && !(there?.leaf && sameLeaf(shape.leaf, there.leaf)))
      steps.push({ do: 'set-leaf', link, minor, leaf: shape.leaf });
    return steps;
  });
}

const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);

/** tc turns bytes into whole microseconds of the rate and back. */
const nearly = (wanted: number, seen: number): boolean =>
  Math.abs(wanted - seen) <= Math.max(2, wanted * 0.01);

/** The kernel's class is what was asked for, as far as it can be shown. */
export const sameClass = (wanted: ClassShape, seen: SeenClass): boolean =>
  wanted.parent === seen.parent &&
  wanted.rateKbit === seen.rateKbit &&
  wanted.ceilKbit === seen.ceilKbit &&
  nearly(wanted.burstBytes, seen.burstBytes) &&
  nearly(wanted.burstBytes, seen.ceilBurstBytes) &&
  (seen.quantumBytes === undefined || wanted.quantumBytes === seen.quantumBytes);

export function sameLeaf(wanted: Leaf, seen: Leaf): boolean {
  if (wanted.kind === 'fq_codel')
    return (
      seen.kind === 'fq_codel' &&
      wanted.limitPackets === seen.limitPackets &&
      nearly(wanted.targetUs, seen.targetUs)
    );
  return seen.kind === wanted.kind && seen.limitBytes === wanted.limitBytes;
}

const placeOf = ({ table, bucket, from, minor }: Sorting | SeenSorting): string =>
  `${table} ${bucket} ${from ?? ''} ${minor}`;

/** The tables of a shared tree: `any` needs no making. */
const SEARCHED: readonly (4 | 6)[] = [4, 6];

function sortingSteps(link: string, wanted: Tree, seen: SeenTree): Change {
  const { searchBy } = wanted;
  if (!searchBy) return NOTHING;
  const anew = tablesToRemake(seen, searchBy);
  const add: ShapeStep[] = [...anew].map((table) => ({ do: 'drop-table', link, table }));
  for (const table of SEARCHED)
    if (anew.has(table) || !seen.tables.has(table))
      add.push({ do: 'make-table', link, table, searchBy });
  const kept = seen.sortings.filter(({ table }) => !anew.has(table));
  const there = new Set(kept.map(placeOf));
  for (const sorting of wanted.sortings)
    if (!there.has(placeOf(sorting))) add.push({ do: 'sort', link, sorting });
  return { add, remove: unsortSteps(link, wanted.sortings, kept) };
}

function tablesToRemake(seen: SeenTree, searchBy: 'src' | 'dst'): ReadonlySet<Table> {
  const anew = new Set<Table>(seen.broken);
  for (const table of SEARCHED)
    if (seen.tables.has(table) && seen.tables.get(table) !== searchBy) anew.add(table);
  return anew;
}

/** What is not needed, and what is there twice. */
function unsortSteps(
  link: string,
  wanted: readonly Sorting[],
  kept: readonly SeenSorting[],
): ShapeStep[] {
  const needed = new Set(wanted.map(placeOf));
  return kept.flatMap((sorting) =>
    needed.delete(placeOf(sorting))
      ? []
      : [{ do: 'unsort', link, table: sorting.table, handle: sorting.handle }],
  );
}
