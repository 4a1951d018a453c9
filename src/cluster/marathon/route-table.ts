import { BadTarget } from '../errors.ts';
import { canonicalId, canonicalSpecId } from './path-id.ts';
import { booleanOf, canonicalQuery, firstOf } from './query.ts';
import type { Asked } from './route-match.ts';
import type { Forbidden, Route } from './route.ts';

const PASS: Route = { kind: 'pass' };

/** Rows of one resource: what follows its name in the path decides. */
type Rows = (asked: Asked, rest: readonly string[]) => Route;

const flag = ({ query }: Asked, name: string, otherwise = false): boolean =>
  booleanOf(query, name, otherwise);

/** Path and query as they go upstream. */
const upstream = (path: string, { query }: Asked, flags: Readonly<Record<string, boolean>>) => ({
  canonicalTarget: path + canonicalQuery(query, flags),
});

const below = (collection: string, id: string): string =>
  id === '/' ? collection : collection + id;

const forced = (asked: Asked) => ({ force: flag(asked, 'force') });

const apps: Rows = (asked, rest) => {
  switch (asked.method) {
    case 'POST':
      return postApps(asked, rest);
    case 'DELETE':
      return killTasks(asked, rest);
    default:
      return updateApps(asked, rest);
  }
};

function postApps(asked: Asked, rest: readonly string[]): Route {
  const flags = { force: false };
  if (rest.length === 0) {
    return { kind: 'createApp', ...forced(asked), ...upstream('/v2/apps', asked, flags) };
  }
  if (rest.length < 2 || rest.at(-1) !== 'restart') return PASS;
  const id = canonicalSpecId(asked.decode(rest.slice(0, -1)));
  const path = `/v2/apps${id}/restart`;
  return { kind: 'restartApp', id, ...forced(asked), ...upstream(path, asked, flags) };
}

function updateApps(asked: Asked, rest: readonly string[]): Route {
  const patch = asked.method === 'PATCH';
  const flags = { force: false, ...(!patch && { partialUpdate: true }) };
  const how = { partial: patch || flag(asked, 'partialUpdate', true), patch, ...forced(asked) };
  if (rest.length === 0) {
    return { kind: 'updateApps', ...how, ...upstream('/v2/apps', asked, flags) };
  }
  const id = canonicalSpecId(asked.decode(rest));
  return { kind: 'updateApp', id, ...how, ...upstream(`/v2/apps${id}`, asked, flags) };
}

/** DELETE below an app's `tasks`. Everything else that is deleted here only frees. */
function killTasks(asked: Asked, rest: readonly string[]): Route {
  const at = rest.lastIndexOf('tasks');
  const tasks = rest.slice(at + 1);
  // .../restart deletes the app of that name; more than one segment is no task.
  if (at < 1 || tasks.length > 1 || tasks[0] === 'restart') return PASS;
  const flags = { scale: false, wipe: false, force: false };
  const app = canonicalSpecId(asked.decode(rest.slice(0, at)));
  const ids = tasks.map((task) => asked.decode([task]));
  const path = [`/v2/apps${app}/tasks`, ...ids.map(encodeURIComponent)].join('/');
  const scale = flag(asked, 'scale');
  // Lowers the instances; together with wipe Marathon refuses it.
  if (scale) return PASS;
  const host = firstOf(asked.query, 'host');
  return {
    kind: 'killTasks',
    app,
    ...(ids.length > 0 && { ids }),
    ...(ids.length === 0 && host !== undefined && { host }),
    scale,
    wipe: flag(asked, 'wipe'),
    ...upstream(path, asked, flags),
  };
}

const groups: Rows = (asked, rest) => {
  const { method } = asked;
  if (method !== 'POST' && method !== 'PUT') return PASS;
  const path = canonicalId(asked.decode(rest));
  const target = below('/v2/groups', path);
  if (method === 'POST') {
    const up = upstream(target, asked, { force: false });
    return { kind: 'createGroup', path, ...forced(asked), ...up };
  }
  if (flag(asked, 'dryRun')) return PASS;
  const up = upstream(target, asked, { force: false, dryRun: false });
  return { kind: 'updateGroup', path, ...forced(asked), ...up };
};

const INSTANCES = /^(.+)::instances(?:\/([^/]+))?$/s;

const pods: Rows = (asked, rest) => {
  switch (asked.method) {
    case 'POST':
      if (rest.length > 0) return PASS;
      return {
        kind: 'createPod',
        ...forced(asked),
        ...upstream('/v2/pods', asked, { force: false }),
      };
    case 'PUT':
      return rest.length === 0 ? PASS : updatePod(asked, rest);
    case 'DELETE':
      return killPodInstances(asked, rest);
    default:
      return PASS;
  }
};

function updatePod(asked: Asked, rest: readonly string[]): Route {
  const id = canonicalSpecId(asked.decode(rest));
  const up = upstream(`/v2/pods${id}`, asked, { force: false });
  return { kind: 'updatePod', id, ...forced(asked), ...up };
}

function killPodInstances(asked: Asked, rest: readonly string[]): Route {
  const parts = INSTANCES.exec(rest.join('/'));
  if (!parts) return PASS;
  const id = canonicalSpecId(asked.decode([parts[1] ?? '']));
  const instance = parts[2] === undefined ? undefined : asked.decode([parts[2]]);
  const tail = instance === undefined ? '' : `/${encodeURIComponent(instance)}`;
  return {
    kind: 'killPodInstances',
    id,
    ...(instance !== undefined && { instance }),
    wipe: flag(asked, 'wipe'),
    ...upstream(`/v2/pods${id}::instances${tail}`, asked, { wipe: false }),
  };
}

const tasks: Rows = (asked, rest) => {
  if (asked.method !== 'POST' || rest.join('/') !== 'delete') return PASS;
  const scale = flag(asked, 'scale');
  if (scale) return PASS;
  const up = upstream('/v2/tasks/delete', asked, { scale: false, wipe: false, force: false });
  return { kind: 'killTasksByIds', scale, wipe: flag(asked, 'wipe'), ...up };
};

const queue: Rows = (asked, rest) => {
  if (asked.method !== 'DELETE' || rest.length < 2 || rest.at(-1) !== 'delay') return PASS;
  const id = canonicalSpecId(asked.decode(rest.slice(0, -1)));
  return { kind: 'resetDelay', id, ...upstream(`/v2/queue${id}/delay`, asked, {}) };
};

const DEPLOYMENT = /^[A-Za-z0-9._-]{1,200}$/;

const deployments: Rows = (asked, rest) => {
  if (asked.method !== 'DELETE' || rest.length !== 1) return PASS;
  const id = asked.decode(rest);
  if (!DEPLOYMENT.test(id)) throw new BadTarget(id, 'it is no deployment id');
  const up = upstream(`/v2/deployments/${id}`, asked, { force: false });
  return { kind: 'cancelDeployment', id, ...forced(asked), ...up };
};

const forbid = (
  what: Forbidden['what'],
  message: string,
  remedy: string,
  target: string,
): Route => ({
  kind: 'forbidden',
  what,
  message,
  remedy,
  canonicalTarget: target,
});

const leader: Rows = (asked, rest) => {
  const restore = firstOf(asked.query, 'restore');
  if (asked.method !== 'DELETE' || rest.length > 0 || restore === undefined) return PASS;
  return forbid(
    'restore',
    'DELETE /v2/leader with restore= makes the next leader load a whole saved state',
    'restore at Marathon itself, or allow it in the settings of the gate',
    upstream('/v2/leader', asked, {}).canonicalTarget,
  );
};

const plugins: Rows = (asked, rest) => {
  const path = rest.map((segment) => encodeURIComponent(asked.decode([segment]))).join('/');
  return forbid(
    'plugin',
    `${asked.method} on a plugin of Marathon can change anything`,
    'call the plugin at Marathon itself, or allow it in the settings of the gate',
    upstream(['/v2/plugins', path].join('/'), asked, {}).canonicalTarget,
  );
};

/** Every resource with a row that can start, add, restart or move tasks. */
const RESOURCES: ReadonlyMap<string, Rows> = new Map([
  ['apps', apps],
  ['groups', groups],
  ['pods', pods],
  ['tasks', tasks],
  ['queue', queue],
  ['deployments', deployments],
  ['leader', leader],
  ['plugins', plugins],
]);

/** The row for one reading of the path. Literals are case-sensitive, as Jersey's are. */
export function rowFor(asked: Asked): Route {
  const [version, resource = '', ...rest] = asked.segments;
  const rows = version === 'v2' ? RESOURCES.get(resource) : undefined;
  return rows ? rows(asked, rest) : PASS;
}
