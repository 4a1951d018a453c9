import { badShape, notFound } from '../errors.ts';
import { canonicalId } from '../ids.ts';
import { isObject, type JsonObject, listOf, objectOf, textOf, textsOf } from '../json.ts';
import type { Deployment } from '../scheduler/deployments.ts';
import { type Root, withSpec, withoutSpec } from '../scheduler/root.ts';
import { appShape } from '../specs/app-shape.ts';
import { checkShape } from '../specs/shape.ts';
import { type Spec, shownApp } from '../specs/spec.ts';
import type { World } from '../world.ts';
import {
  type Call,
  type Handler,
  type Reply,
  created,
  deploymentReply,
  flagOf,
  jsonOf,
} from './call.ts';
import { checkRoot, editedApp, readApp, refuseTaken } from './edit-app.ts';
import { appInfo, appsBelow, embedsOf } from './show.ts';

/** @throws ApiRefusal 404 */
export const findApp = ({ marathon }: World, id: string): Spec => {
  const found = marathon.root.specs.get(id);
  if (found?.kind !== 'app') throw notFound(`App '${id}'`);
  return found;
};

/** The canonical id of the first captured part. */
export const idOf = ({ params }: Call): string => canonicalId(params[0] ?? '');

const tellPost = ({ world, clientIp, url }: Call, spec: Spec): void =>
  world.events.publish('api_post_event', { clientIp, uri: url, appDefinition: shownApp(spec) });

const labelFits = (labels: Readonly<Record<string, string>>, selector: string): boolean => {
  const [, name = '', , value] =
    /^\s*(!?[^=!,\s]+)\s*(==|!=)?\s*([^,\s]*)\s*$/.exec(selector) ?? [];
  const [, , operator] = /^\s*(!?[^=!,\s]+)\s*(==|!=)?/.exec(selector) ?? [];
  if (operator === '==') return labels[name] === value;
  if (operator === '!=') return labels[name] !== value;
  return name.startsWith('!') ? !(name.slice(1) in labels) : name in labels;
};

const fits = ({ query }: Call, { id, definition }: Spec): boolean => {
  const cmd = query.get('cmd')?.toLowerCase();
  const part = query.get('id');
  const label = query.get('label');
  const labels = textsOf(definition['labels']);
  return (
    (!cmd || textOf(definition['cmd']).toLowerCase().includes(cmd)) &&
    (!part || id.includes(part)) &&
    (!label || label.split(',').every((one) => labelFits(labels, one)))
  );
};

const listApps: Handler = (call) => {
  const embeds = { ...embedsOf(call.query), counts: true, deployments: true };
  const apps = appsBelow(call.world, '/').filter((spec) => fits(call, spec));
  return { status: 200, body: { apps: apps.map((spec) => appInfo(call.world, spec, embeds)) } };
};

const ALL = { counts: true, deployments: true, tasks: true, lastTaskFailure: true };

const showApp: Handler = (call) => {
  const { world, params } = call;
  const [raw = ''] = params;
  if (raw.endsWith('/*')) {
    const inside = appsBelow(world, canonicalId(raw.slice(0, -1)));
    return {
      status: 200,
      body: { '*': inside.map((spec) => appInfo(world, spec, { ...ALL, tasks: false })) },
    };
  }
  return { status: 200, body: { app: appInfo(world, findApp(world, idOf(call)), ALL) } };
};

const bodyObject = (call: Call): JsonObject => {
  const body = jsonOf(call);
  if (!isObject(body)) throw badShape([{ path: '/', errors: ['error.expected.jsobject'] }]);
  return body;
};

const createApp: Handler = (call) => {
  const { world } = call;
  const { marathon } = world;
  const body = bodyObject(call);
  const id = canonicalId(textOf(body['id']));
  const version = marathon.history.stamp();
  checkShape(appShape, body);
  const spec = readApp(world, marathon.root, body, { id, version });
  refuseTaken(marathon.root, id);
  const after = checkRoot(withSpec({ ...marathon.root, version }, spec));
  const deployment = marathon.change(after, flagOf(call, 'force', false));
  tellPost(call, spec);
  const none = { tasksStaged: 0, tasksRunning: 0, tasksHealthy: 0, tasksUnhealthy: 0 };
  return created(deployment, id, {
    ...shownApp(spec),
    ...none,
    deployments: [{ id: deployment.id }],
  });
};

const updateOne = (call: Call, partial: boolean, mayCreate: boolean): Reply => {
  const { marathon } = call.world;
  const id = idOf(call);
  const existed = marathon.root.specs.has(id);
  const version = marathon.history.stamp();
  const root = { ...marathon.root, version };
  const after = checkRoot(
    editedApp(call.world, root, bodyObject(call), { id, partial, mayCreate, version }),
  );
  const deployment = marathon.change(after, flagOf(call, 'force', false));
  const spec = after.specs.get(id);
  if (spec) tellPost(call, spec);
  const reply = deploymentReply(deployment);
  return existed ? reply : { ...reply, status: 201, headers: { ...reply.headers, Location: id } };
};

const updateMany = (call: Call, partial: boolean, mayCreate: boolean): Reply => {
  const { marathon } = call.world;
  const body = jsonOf(call);
  if (!Array.isArray(body)) throw badShape([{ path: '/', errors: ['error.expected.jsarray'] }]);
  const version = marathon.history.stamp();
  const after = listOf(body).reduce(
    (root: Root, one, index) => {
      const said = textOf(objectOf(one)['id']);
      if (said === '') throw badShape([{ path: `(${index})/id`, errors: ['error.path.missing'] }]);
      return editedApp(call.world, root, one, {
        id: canonicalId(said),
        partial,
        mayCreate,
        version,
      });
    },
    { ...marathon.root, version },
  );
  return deploymentReply(marathon.change(checkRoot(after), flagOf(call, 'force', false)));
};

const deleteApp: Handler = (call) => {
  const { marathon } = call.world;
  const { id } = findApp(call.world, idOf(call));
  const version = marathon.history.stamp();
  const after = { ...withoutSpec(marathon.root, id), version };
  return deploymentReply(marathon.change(after, flagOf(call, 'force', true)));
};

/** Every instance is replaced: the same definition counts as a new configuration. */
const restarted = (call: Call): Deployment => {
  const { marathon } = call.world;
  const spec = findApp(call.world, idOf(call));
  const version = marathon.history.stamp();
  const again = { ...spec, version, lastScaling: version, lastConfigChange: version };
  const after = withSpec({ ...marathon.root, version }, again);
  return marathon.change(after, flagOf(call, 'force', false));
};

const partialOf = (call: Call): boolean => flagOf(call, 'partialUpdate', true);

export const appHandlers = {
  list: listApps,
  show: showApp,
  create: createApp,
  put: (call: Call) => updateOne(call, partialOf(call), true),
  patch: (call: Call) => updateOne(call, true, false),
  putMany: (call: Call) => updateMany(call, partialOf(call), true),
  patchMany: (call: Call) => updateMany(call, true, false),
  delete: deleteApp,
  restart: (call: Call) => deploymentReply(restarted(call)),
  versions: (call: Call): Reply => {
    const { id } = findApp(call.world, idOf(call));
    const versions = call.world.marathon.history.of(id).map(({ version }) => version);
    return { status: 200, body: { versions } };
  },
  version: (call: Call): Reply => {
    const spec = call.world.marathon.history.spec('App', idOf(call), call.params[1] ?? '');
    return { status: 200, body: shownApp(spec) };
  },
};
