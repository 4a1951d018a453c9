import type { Seen, SeenLink } from './shape-seen.ts';
import type { ShapeStep } from './shape-step.ts';
import { stepsTowards } from './shape-steps.ts';
import type { Shape } from './shape.ts';

/** What somebody else did to what was in force. */
export const DRIFTS = [
  'recreated',
  'foreign-qdisc',
  'foreign-filter',
  'lost-qdisc',
  'lost-class',
  'changed-class',
  'changed-leaf',
  'lost-redirect',
  'lost-ifb',
  'lost-sorting',
  'passed-by',
] as const;
export type Drift = (typeof DRIFTS)[number];

export interface Drifted {
  readonly link: string;
  readonly drift: Drift;
}

/**
 * What changed behind our back since a pass that went well: one entry for each interface and kind.
 *
 * @param settled  what that pass wanted and found in force
 * @param before   what it saw at its end; an interface with another index now was made anew
 */
export function driftSince(settled: Shape, before: Seen, seen: Seen): readonly Drifted[] {
  const found = new Map<string, Drifted>();
  const note = (link: string, drift: Drift): void => {
    found.set(`${link} ${drift}`, { link, drift });
  };
  const anew = new Set<string>();
  for (const link of settled.keys()) {
    const drift = driftOfLink(before.get(link), seen.get(link));
    if (drift) note(link, drift);
    if (drift === 'recreated') anew.add(link);
  }
  for (const step of stepsTowards(settled, seen)) {
    const drift = driftOf(step, seen.get(step.link));
    if (drift && !anew.has(step.link)) note(step.link, drift);
  }
  return [...found.values()];
}

function driftOfLink(before?: SeenLink, now?: SeenLink): Drift | undefined {
  if (!before || !now) return undefined;
  if (before.index !== now.index) return 'recreated';
  const [had, has] = [before.tree?.directPackets, now.tree?.directPackets];
  return had !== undefined && has !== undefined && has > had ? 'passed-by' : undefined;
}

/** What must be put back, and so was lost. Steps without a row clear up, or follow from another. */
const LOST: Partial<Record<ShapeStep['do'], Drift>> = {
  'make-ifb': 'lost-ifb',
  'raise-ifb': 'lost-ifb',
  hook: 'lost-redirect',
  redirect: 'lost-redirect',
  'drop-filters': 'foreign-filter',
};
/** Told only of a tree that stands: else its root is what was lost. */
const LOST_IN_TREE: Partial<Record<ShapeStep['do'], Drift>> = {
  'make-table': 'lost-sorting',
  sort: 'lost-sorting',
};

const rootDrift = (link: SeenLink | undefined): Drift =>
  link?.root ? 'foreign-qdisc' : 'lost-qdisc';

function driftOf(step: ShapeStep, link: SeenLink | undefined): Drift | undefined {
  if (step.do === 'set-root') return rootDrift(link);
  const tree = link?.tree;
  if (!tree) return LOST[step.do];
  if (step.do === 'set-class') return tree.classes.has(step.minor) ? 'changed-class' : 'lost-class';
  if (step.do === 'set-leaf') return tree.classes.has(step.minor) ? 'changed-leaf' : undefined;
  return LOST[step.do] ?? LOST_IN_TREE[step.do];
}
