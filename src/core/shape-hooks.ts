import { REDIRECT_PREF } from './shape-filters.ts';
import type { Seen, SeenHook, SeenLink } from './shape-seen.ts';
import { isOurIfb, isOurRedirect, sortedInterfaces } from './shape-seen.ts';
import type { Change, ShapeStep } from './shape-step.ts';
import { type Hook, HOOKS, type LinkShape, type Shape } from './shape.ts';

/** Redirects of a wanted link. */
export function hookSteps(link: string, { redirects }: LinkShape, seen: SeenLink): Change {
  const add: ShapeStep[] = [];
  const remove: ShapeStep[] = [];
  const needed = HOOKS.some((hook) => redirects[hook] !== undefined);
  if (!needed) return seen.hooks ? { add, remove: withdrawal(link, seen, true) } : { add, remove };
  const usable = seen.hooks === 'clsact';
  if (seen.hooks === 'ingress') add.push({ do: 'unhook', link, kind: 'ingress' });
  if (!usable) add.push({ do: 'hook', link });
  for (const hook of HOOKS) {
    const to = redirects[hook];
    const at = usable ? seen.at[hook] : undefined;
    if (to !== undefined) add.push(...redirectSteps({ link, hook }, to, at));
    else if (at && isOurRedirect(at)) remove.push(ourDrop(link, hook));
  }
  return { add, remove };
}

function redirectSteps(
  place: { readonly link: string; readonly hook: Hook },
  to: string,
  seen: SeenHook | undefined,
): ShapeStep[] {
  const before = (seen?.first ?? []).map((pref): ShapeStep => ({
    do: 'drop-filters',
    ...place,
    pref,
  }));
  if (seen?.redirect?.to === to) return before;
  const step = { do: 'redirect', ...place, to } as const;
  // Replaced in place: not one packet passes between the old and the new.
  return [...before, seen?.redirect ? { ...step, replaces: seen.redirect.handle } : step];
}

const ourDrop = (link: string, hook: Hook): ShapeStep => ({
  do: 'drop-filters',
  link,
  hook,
  pref: REDIRECT_PREF[hook],
});

/** Everything of ours on links that are not wanted. */
export function leaveSteps(
  wanted: Shape,
  seen: Seen,
): { readonly hooks: Change; readonly trees: Change; readonly ifbs: readonly string[] } {
  const sorted = sortedInterfaces(seen);
  const hooks: ShapeStep[] = [];
  const trees: ShapeStep[] = [];
  const ifbs: string[] = [];
  for (const [name, link] of seen) {
    if (wanted.has(name)) continue;
    const known = link.tree !== undefined || sorted.has(name);
    hooks.push(...withdrawal(name, link, known));
    if (isOurIfb(name, link)) ifbs.push(name);
    else if (link.tree) trees.push({ do: 'drop-root', link: name });
  }
  return { hooks: { add: [], remove: hooks }, trees: { add: [], remove: trees }, ifbs };
}

/**
 * Takes our redirects away, and the hooks themselves when nobody else uses them. Empty hooks carry no
 * mark: they are taken for ours only where something else of ours shows that we were here.
 */
function withdrawal(link: string, seen: SeenLink, known: boolean): ShapeStep[] {
  if (!seen.hooks) return [];
  const ours = HOOKS.filter((hook) => isOurRedirect(seen.at[hook]));
  const theirs = HOOKS.some((hook) => {
    const { first, others, redirect } = seen.at[hook];
    return first.length > 0 || others > 0 || (redirect !== undefined && !ours.includes(hook));
  });
  if (theirs) return ours.map((hook) => ourDrop(link, hook));
  return ours.length > 0 || (known && seen.hooks === 'clsact')
    ? [{ do: 'unhook', link, kind: seen.hooks }]
    : [];
}
