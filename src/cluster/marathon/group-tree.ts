import {
  type App,
  type Group,
  type JsonObject,
  objectAt,
  objectsAt,
  type Pod,
  textAt,
} from './json.ts';

/** A group and everything below it, by canonical id; definitions as Marathon shows or stores them. */
export interface GroupTree {
  readonly id: string;
  readonly apps: ReadonlyMap<string, App>;
  readonly pods: ReadonlyMap<string, Pod>;
  readonly groups: ReadonlyMap<string, GroupTree>;
}

export const emptyGroup = (id: string): GroupTree => ({
  id,
  apps: new Map(),
  pods: new Map(),
  groups: new Map(),
});

const byId = <T extends JsonObject>(items: readonly T[]): ReadonlyMap<string, T> =>
  new Map(items.map((item) => [textAt(item, 'id') ?? '', item]));

/** What runs below is shown as a status; the definition is in `spec`. */
const specOf = (pod: JsonObject): JsonObject => objectAt(pod, 'spec') ?? pod;

/** A group as GET /v2/groups shows it. */
export function groupTree(group: Group): GroupTree {
  const children = objectsAt(group, 'groups').map(groupTree);
  return {
    id: textAt(group, 'id') ?? '/',
    apps: byId(objectsAt(group, 'apps')),
    pods: byId(objectsAt(group, 'pods').map(specOf)),
    groups: new Map(children.map((child) => [child.id, child])),
  };
}

/** All apps of the group and of those below it. */
export function* allApps(tree: GroupTree): Generator<readonly [id: string, app: App]> {
  yield* tree.apps;
  for (const child of tree.groups.values()) yield* allApps(child);
}

/** All pods of the group and of those below it. */
export function* allPods(tree: GroupTree): Generator<readonly [id: string, pod: Pod]> {
  yield* tree.pods;
  for (const child of tree.groups.values()) yield* allPods(child);
}

/** The same tree with every app changed. */
export function mapApps(tree: GroupTree, change: (app: App) => App): GroupTree {
  return {
    ...tree,
    apps: new Map([...tree.apps].map(([id, app]) => [id, change(app)])),
    groups: new Map([...tree.groups].map(([id, child]) => [id, mapApps(child, change)])),
  };
}

/** The group of that id in the tree, if there. */
export function groupIn(tree: GroupTree, id: string): GroupTree | undefined {
  if (tree.id === id) return tree;
  for (const child of tree.groups.values()) {
    const found = groupIn(child, id);
    if (found) return found;
  }
  return undefined;
}
