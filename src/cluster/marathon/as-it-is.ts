import { canonicalApp } from './canonical-app.ts';
import type { MarathonContext } from './canonical-context.ts';
import { canonicalPod } from './canonical-pod.ts';
import { groupIn, type GroupTree, groupTree } from './group-tree.ts';
import { type App, isObject, type Json, type Pod } from './json.ts';
import { groupOf } from './path-id.ts';
import { type Inquiry, type MarathonRead, object } from './reads.ts';

/** Below /v2/apps these words lead elsewhere, so such an app is only to be seen in its group. */
const HIDDEN_APP = /\/(?:tasks|versions)\//;
/** The same below /v2/groups; such a group is only to be seen in the root. */
const HIDDEN_GROUP = /\/(?:apps|versions(?:\/[^/]+)?)$/;

/** The group with everything below it; undefined when there is none. */
export function* groupAsItIs(id: string): Inquiry<GroupTree | undefined> {
  const seen = HIDDEN_GROUP.test(id) ? '/' : id;
  const shown = yield* object({ what: 'group', id: seen });
  return shown && groupIn(groupTree(shown), id);
}

/** The group as it was stored at a version. */
export function* groupAsItWas(id: string, version: string): Inquiry<GroupTree | undefined> {
  const shown = yield* object({ what: 'group-version', id, version });
  return shown && groupTree(shown);
}

/** The app in canonical form. */
export function* appAsItIs(id: string, context: MarathonContext): Inquiry<App | undefined> {
  return (yield* appsAsTheyAre([id], context)).get(id);
}

const readOf = (id: string): MarathonRead => ({ what: 'app', id });

/** Several apps in canonical form, read at once. */
export function* appsAsTheyAre(
  ids: readonly string[],
  context: MarathonContext,
): Inquiry<ReadonlyMap<string, App | undefined>> {
  const plain = ids.filter((id) => !HIDDEN_APP.test(id));
  const shown = plain.length === 0 ? [] : yield plain.map(readOf);
  const found = new Map<string, App | undefined>(
    plain.map((id, index) => [id, canonicalOr(shown[index], context)]),
  );
  for (const id of ids.filter((each) => HIDDEN_APP.test(each))) {
    const group = yield* groupAsItIs(groupOf(id));
    found.set(id, canonicalOr(group?.apps.get(id), context));
  }
  return found;
}

const canonicalOr = (shown: Json | undefined, context: MarathonContext): App | undefined =>
  isObject(shown) ? canonicalApp(shown, context) : undefined;

/** The definition of the pod in canonical form. */
export function* podAsItIs(id: string, context: MarathonContext): Inquiry<Pod | undefined> {
  const shown = yield* object({ what: 'pod', id });
  return shown && canonicalPod(shown, context);
}
