import { BadBody } from '../errors.ts';
import { appChange } from './app-update.ts';
import { checkedApp, checkedGroup, placeOf } from './body-check.ts';
import { canonicalApp } from './canonical-app.ts';
import type { MarathonContext } from './canonical-context.ts';
import { canonicalPod, podInstances } from './canonical-pod.ts';
import type { Change } from './change.ts';
import { allApps, allPods, emptyGroup, type GroupTree, mapApps } from './group-tree.ts';
import { appInstances } from './is-upgrade.ts';
import {
  type App,
  arrayAt,
  type Group,
  type JsonObject,
  member,
  numberAt,
  textAt,
  without,
  withoutNulls,
} from './json.ts';
import { bodyId, bodySpecId, groupOf } from './path-id.ts';
import { podChange } from './pod-update.ts';

const MOST_INSTANCES = 2_147_483_647;

/** What a group request asks for, by the fields that must stand alone. */
export type GroupWish =
  | { readonly wish: 'structure' }
  | { readonly wish: 'scale'; readonly by: number }
  | { readonly wish: 'rollback'; readonly version: string };

const fault = (path: string, error: string): BadBody => new BadBody([{ path, errors: [error] }]);

function mustStandAlone(group: Group, key: string, at: string): void {
  const beside = Object.keys(withoutNulls(group)).filter((other) => other !== key);
  if (beside.length > 0) {
    throw fault(placeOf([key], at), `must be the only field, not beside ${beside.join(', ')}`);
  }
}

/**
 * What the body asks for. `scaleBy` and `version` allow no other field, not even `id`.
 *
 * @throws BadBody
 */
export function groupWish(body: Group): GroupWish {
  const by = numberAt(body, 'scaleBy');
  const version = textAt(body, 'version');
  if (version !== undefined) {
    mustStandAlone(body, 'version', '');
    return { wish: 'rollback', version };
  }
  if (by === undefined) return { wish: 'structure' };
  mustStandAlone(body, 'scaleBy', '');
  return { wish: 'scale', by };
}

/** The group that a request changes: the body's id, resolved against the URL's. @throws BadId */
export function effectivePath(body: Group, path: string): string {
  const id = textAt(body, 'id');
  return id === undefined ? path : bodyId(id, path);
}

interface Place {
  readonly id: string;
  readonly at: string;
  readonly context: MarathonContext;
}

function childId(of: JsonObject, place: Place, resolve: typeof bodyId): string {
  const stated = textAt(of, 'id');
  if (stated === undefined) throw fault(placeOf(['id'], place.at), 'is required');
  return resolve(stated, place.id);
}

function mustBeChild(id: string, group: string, at: string): void {
  if (id === '/' || groupOf(id) !== group) {
    throw fault(placeOf(['id'], at), `"${id}" is not a direct child of the group "${group}"`);
  }
}

/** Apps in a group are always whole definitions; nothing of an old one is kept. */
function appIn(group: Place, app: App): App {
  const id = childId(app, group, bodySpecId);
  mustBeChild(id, group.id, group.at);
  const stated = without(withoutNulls(app), 'version', 'versionInfo');
  return { ...canonicalApp(stated, group.context, group.id), id };
}

function appsIn(body: Group, { id, at, context }: Place): ReadonlyMap<string, App> | undefined {
  const apps = arrayAt(body, 'apps');
  return (
    apps &&
    new Map(
      apps.map((app, index) => {
        const place = placeOf(['apps', index], at);
        const whole = appIn({ id, at: place, context }, checkedApp(app, place));
        return [textAt(whole, 'id') ?? '', whole];
      }),
    )
  );
}

function childrenIn(
  body: Group,
  current: GroupTree,
  { id, at, context }: Place,
): ReadonlyMap<string, GroupTree> | undefined {
  const groups = arrayAt(body, 'groups');
  return (
    groups &&
    new Map(
      groups.map((child, index) => {
        const place = { id, at: placeOf(['groups', index], at), context };
        const checked = checkedGroup(child, place.at);
        mustBeStructure(checked, place.at);
        const childOf = childId(checked, place, bodyId);
        mustBeChild(childOf, id, place.at);
        const old = current.groups.get(childOf) ?? emptyGroup(childOf);
        return [childOf, restructured(old, checked, { ...place, id: childOf })];
      }),
    )
  );
}

function mustBeStructure(group: Group, at: string): void {
  for (const key of ['scaleBy', 'version']) {
    if (member(group, key) === undefined) continue;
    throw fault(placeOf([key], at), 'is not allowed inside another group');
  }
}

/**
 * One level of a structural update. A key that is present replaces all it lists, and deletes what
 * it does not; a key that is absent keeps what is there. Pods of a group that stays are kept.
 */
function restructured(current: GroupTree, body: Group, place: Place): GroupTree {
  return {
    id: current.id,
    pods: current.pods,
    apps: appsIn(body, place) ?? current.apps,
    groups: childrenIn(body, current, place) ?? current.groups,
  };
}

/** As Marathon rounds: up, in double arithmetic, and no further than an int goes. */
export const scaled = (instances: number, by: number): number =>
  Math.min(MOST_INSTANCES, Math.ceil(instances * by));

/**
 * The group that a structural update or a scaling leaves behind.
 *
 * @param current  the group of `effectivePath`, or an empty one when it does not exist
 * @param body     checked by `checkedGroup`
 * @throws         BadBody, BadId
 * @see            Marathon's raml/GroupConversion.scala and api/GroupApiService.scala
 */
export function afterGroupUpdate(
  current: GroupTree,
  body: Group,
  context: MarathonContext,
): GroupTree {
  const wish = groupWish(body);
  if (wish.wish === 'scale') {
    return mapApps(current, (app) => ({ ...app, instances: scaled(appInstances(app), wish.by) }));
  }
  return restructured(current, body, { id: current.id, at: '', context });
}

const instancesOf = ({ kind }: Change, spec: JsonObject): number =>
  kind === 'app' ? appInstances(spec) : podInstances(spec);

/** The same tasks go on running, and as many of them. */
function unchanged(change: Change): boolean {
  const { before, after, restart } = change;
  if (before === undefined || after === undefined || restart) return false;
  return instancesOf(change, before) === instancesOf(change, after);
}

const idsOf = <T>(...maps: readonly ReadonlyMap<string, T>[]): readonly string[] => [
  ...new Set(maps.flatMap((map) => [...map.keys()])),
];

type Pair = readonly [id: string, before: JsonObject | undefined, after: JsonObject | undefined];
type ToCanonical = (spec: JsonObject) => JsonObject;

/** Before and after of each id where they are not the very same object. */
function differing(
  before: Iterable<readonly [string, JsonObject]>,
  after: Iterable<readonly [string, JsonObject]>,
  canonical: ToCanonical,
): readonly Pair[] {
  const [old, next] = [new Map(before), new Map(after)];
  const shape = (spec: JsonObject | undefined) => spec && canonical(spec);
  return idsOf(old, next)
    .filter((id) => old.get(id) !== next.get(id))
    .map((id) => [id, shape(old.get(id)), shape(next.get(id))] as const);
}

/** Every app and pod that differs between two states of a group; only those are looked at closely. */
export function groupChanges(
  before: GroupTree,
  after: GroupTree,
  context: MarathonContext,
): readonly Change[] {
  const apps = differing(allApps(before), allApps(after), (app) => canonicalApp(app, context));
  const pods = differing(allPods(before), allPods(after), (pod) => canonicalPod(pod, context));
  const changes = [
    ...apps.map(([id, old, next]) => appChange(id, old, next, context)),
    ...pods.map(([id, old, next]) => podChange(id, old, next)),
  ];
  return changes.filter((change) => !unchanged(change));
}
