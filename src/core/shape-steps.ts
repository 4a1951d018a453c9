import { hookSteps, leaveSteps } from './shape-hooks.ts';
import { isOurIfb, NO_HOOK, type Seen, type SeenLink } from './shape-seen.ts';
import { treeSteps } from './shape-trees.ts';
import type { Change, ShapeStep } from './shape-step.ts';
import type { Shape } from './shape.ts';

/** A link of ours as it is the moment it is made. */
const FRESH_IFB: SeenLink = {
  index: 0,
  mtu: 1500,
  up: true,
  kind: 'ifb',
  at: { ingress: NO_HOOK, egress: NO_HOOK },
};

/**
 * What turns `seen` into `wanted`: only the difference, in an order in which every prefix is safe.
 *
 * 1. ifbs first, then trees, and redirects only when their target is complete: a packet is never sent
 *    where it is dropped or where no limit waits for it.
 * 2. Removal the other way round. An ifb goes last: while something redirects to one that is gone or
 *    down, every packet of that container is lost.
 * 3. What is not ours stays: an interface that is not wanted keeps whatever has neither our handle nor
 *    our ifb in it. On a wanted one, what stands in our place gives way.
 *
 * A wanted interface that is not there gets nothing: it comes back with the container.
 */
export function stepsTowards(wanted: Shape, seen: Seen): ShapeStep[] {
  const made: ShapeStep[] = [];
  const trees: Change[] = [];
  const hooks: Change[] = [];
  for (const [name, shape] of wanted) {
    const there = seen.get(name);
    const link = there ?? (shape.ifb ? FRESH_IFB : undefined);
    if (!link || (shape.ifb && !isOurIfb(name, link))) continue;
    if (!there) made.push({ do: 'make-ifb', link: name });
    else if (shape.ifb && needsRaising(there)) made.push({ do: 'raise-ifb', link: name });
    trees.push(treeSteps(name, shape.tree, link));
    hooks.push(hookSteps(name, shape, link));
  }
  const left = leaveSteps(wanted, seen);
  hooks.push(left.hooks);
  trees.push(left.trees);
  return [
    ...made,
    ...trees.flatMap(({ add }) => add),
    ...hooks.flatMap(({ add }) => add),
    ...hooks.flatMap(({ remove }) => remove),
    ...trees.flatMap(({ remove }) => remove),
    ...ifbSteps(left.ifbs, seen),
  ];
}

/** Down, or left in the group of the doomed by a crash. */
const needsRaising = ({ up, doomed }: SeenLink): boolean => !up || doomed === true;

/** As a group, unless somebody else's interface, or one that is needed, is in it. */
function ifbSteps(names: readonly string[], seen: Seen): readonly ShapeStep[] {
  const [link] = names;
  const others = [...seen].some(([name, { doomed }]) => doomed && !names.includes(name));
  if (link === undefined || names.length === 1 || others)
    return names.map((name) => ({ do: 'drop-ifb', link: name }));
  return [
    ...names.map((name): ShapeStep => ({ do: 'doom-ifb', link: name })),
    { do: 'drop-doomed', link },
  ];
}

/** Removes everything of ours and nothing else. */
export const stepsToClean = (seen: Seen): ShapeStep[] => stepsTowards(new Map(), seen);
