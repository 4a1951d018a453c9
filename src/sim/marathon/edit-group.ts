import { ApiRefusal, badRequest, duplicate, notFound, notValid } from '../errors.ts';
import { canonicalId, isWithin, parentOf } from '../ids.ts';
import { type JsonObject, isObject, listOf, numberOf, objectOf, present, textOf } from '../json.ts';
import { succeeding } from '../scheduler/revert.ts';
import {
  type Root,
  groupsIn,
  specsIn,
  withGroup,
  withSpec,
  withoutGroup,
  withoutSpec,
} from '../scheduler/root.ts';
import { checkShape, fields, flag, list, real, text, type Rule } from '../specs/shape.ts';
import type { World } from '../world.ts';
import { readApp } from './edit-app.ts';

const groupRule: Rule = (value, path) =>
  fields({
    id: text,
    apps: list(fields({ id: text }, ['id'])),
    groups: list(groupRule),
    dependencies: list(text),
    scaleBy: real,
    version: text,
    enforceRole: flag,
  })(value, path);

const invalid = (path: string, error: string): ApiRefusal => notValid([{ path, errors: [error] }]);

/** What a group body means: the group it names and the rest of it. */
export interface GroupEdit {
  readonly id: string;
  readonly body: JsonObject;
  readonly version: string;
}

const touchesServices = (body: JsonObject): boolean =>
  Array.isArray(body['apps']) || Array.isArray(body['groups']);

/**
 * Reads a group body; the id in the body wins over the URL's.
 *
 * @throws ApiRefusal 422
 */
export const readGroup = (raw: unknown, urlId: string, version: string): GroupEdit => {
  checkShape(groupRule, raw);
  const body = present(objectOf(raw));
  const said = textOf(body['id']);
  return { id: said === '' ? urlId : canonicalId(said, urlId), body, version };
};

/** PUT refuses some ids in a body that POST takes; services of the root or of a nested group. */
export const refuseNestedId = ({ id, body }: GroupEdit, urlId: string, root: Root): void => {
  const said = textOf(body['id']);
  if (said === '' || !touchesServices(body)) return;
  const nested = id === '/' || (parentOf(id) !== '/' && root.groups.has(id));
  if (nested) throw invalid('/enforceRole', 'enforceRole may only be changed on a top-level group');
  if (
    !said.startsWith('/') &&
    urlId !== '/' &&
    (isObjectList(body['apps']) || isObjectList(body['groups']))
  )
    throw invalid('/apps', `Identifier is not child of '${canonicalId(said, id)}'`);
};

const isObjectList = (value: unknown): boolean => listOf(value).some(isObject);

const withApps = (world: World, root: Root, { id, body, version }: GroupEdit): Root => {
  if (!Array.isArray(body['apps'])) return root;
  const wanted = listOf(body['apps']).map(objectOf);
  const ids = wanted.map((app) => canonicalId(textOf(app['id']), id));
  const strange = ids.findIndex((app) => parentOf(app) !== id);
  if (strange >= 0)
    throw invalid(
      `/apps(${strange})/id`,
      `Identifier ${ids[strange] ?? ''} is not child of ${id}. Hint: use relative paths.`,
    );
  const left = specsIn(root, id).filter((spec) => spec.kind === 'app' && !ids.includes(spec.id));
  const thinned = left.reduce((sum, spec) => withoutSpec(sum, spec.id), root);
  return wanted.reduce((sum: Root, app, index) => {
    const appId = ids[index] ?? id;
    return withSpec(sum, readApp(world, sum, app, { id: appId, version }));
  }, thinned);
};

const withChildren = (world: World, root: Root, { id, body, version }: GroupEdit): Root => {
  if (!Array.isArray(body['groups'])) return root;
  const wanted = listOf(body['groups']).map(objectOf);
  const nameless = wanted.some((child) => textOf(child['id']) === '');
  if (nameless) throw new ApiRefusal(500, { message: 'None.get' });
  const edits = wanted.map((child) => ({
    id: canonicalId(textOf(child['id']), id),
    body: present(child),
    version,
  }));
  if (edits.some((child) => parentOf(child.id) !== id))
    throw invalid('/groups', `Identifier is not child of ${id}`);
  const kept = new Set(edits.map((child) => child.id));
  const left = groupsIn(root, id).filter((child) => !kept.has(child));
  const thinned = left.reduce(withoutGroup, root);
  return edits.reduce((sum: Root, child) => filled(world, sum, child), thinned);
};

/** A group takes what its body says: listed apps and groups stay, unlisted ones go. */
const filled = (world: World, root: Root, edit: GroupEdit): Root => {
  const { body, id } = edit;
  if (body['version'] !== undefined || body['scaleBy'] !== undefined)
    throw invalid('/', 'version and scaleBy must stand alone');
  const dependencies = Array.isArray(body['dependencies'])
    ? { dependencies: listOf(body['dependencies']).map((one) => canonicalId(String(one), id)) }
    : {};
  const role = typeof body['enforceRole'] === 'boolean' ? { enforceRole: body['enforceRole'] } : {};
  const present = withGroup(root, id, { ...dependencies, ...role });
  return withChildren(world, withApps(world, present, edit), edit);
};

/** Every app below the group times `by`, rounded up; pods stay. */
const scaled = (root: Root, { id, body, version }: GroupEdit): Root => {
  const by = numberOf(body['scaleBy'], 1);
  if (by < 0) throw invalid('/scaleBy', 'error.min');
  const apps = [...root.specs.values()].filter(
    (spec) => spec.kind === 'app' && isWithin(spec.id, id),
  );
  return apps.reduce((sum, spec) => {
    const instances = Math.ceil(spec.instances * by);
    return withSpec(sum, succeeding(spec, { ...spec, instances }, version));
  }, root);
};

const rolledBack = (world: World, root: Root, { id, body, version }: GroupEdit): Root => {
  const stored = world.marathon.history.at(textOf(body['version']));
  if (!stored?.groups.has(id))
    throw notFound(`Group '${id}' in version ${textOf(body['version'])}`);
  const empty = id === '/' ? withoutGroup(root, '/') : withGroup(withoutGroup(root, id), id);
  const groups = new Map(empty.groups);
  for (const [group, kept] of stored.groups)
    if (group === id || isWithin(group, id)) groups.set(group, kept);
  const specs = [...stored.specs.values()].filter((spec) => isWithin(spec.id, id));
  return specs.reduce(
    (sum: Root, spec) => withSpec(sum, succeeding(root.specs.get(spec.id), spec, version)),
    { ...empty, groups },
  );
};

/**
 * The root with a group changed: rolled back, scaled, or filled.
 *
 * @throws ApiRefusal 404, 422
 */
export const editedGroup = (world: World, root: Root, edit: GroupEdit): Root => {
  const { id, body } = edit;
  const keys = Object.keys(body);
  if (keys.length === 1 && keys[0] === 'version') return rolledBack(world, root, edit);
  if (keys.length === 1 && keys[0] === 'scaleBy') {
    if (!root.groups.has(id)) throw notFound(`Group '${id}'`);
    return scaled(root, edit);
  }
  return filled(world, root, edit);
};

/** @throws ApiRefusal 409 when a group or a spec has the id; 400 for an id that cannot be */
export const refuseTakenGroup = (root: Root, id: string): void => {
  if (root.groups.has(id))
    throw new ApiRefusal(409, {
      message: `Group ${id} is already created. Use PUT to change this group.`,
    });
  if (root.specs.has(id)) throw duplicate('An app', id);
  if (id === '') throw badRequest('no group id');
};
