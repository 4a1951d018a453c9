import { notFound } from '../errors.ts';
import { canonicalId } from '../ids.ts';
import { listOf, objectOf } from '../json.ts';
import type { Instance } from '../scheduler/instance.ts';
import { type Root, withSpec } from '../scheduler/root.ts';
import type { Spec } from '../specs/spec.ts';
import { list, fields, text, checkShape } from '../specs/shape.ts';
import type { World } from '../world.ts';
import { findApp, idOf } from './apps.ts';
import {
  type Call,
  type Handler,
  type Reply,
  deploymentReply,
  flagOf,
  jsonOf,
  scaleAndWipe,
} from './call.ts';
import { appsBelow, shownTask, tasksOf } from './show.ts';

const shownTasks = (instances: readonly Instance[]): unknown[] =>
  instances.map(shownTask).filter((task) => task !== undefined);

const listTasks: Handler = ({ world, query }) => {
  const wanted = query.getAll('status').concat(query.getAll('status[]'));
  const tasks = appsBelow(world, '/').flatMap(({ id }) => tasksOf(world, id));
  const matches = tasks.filter(({ state }) => {
    const name = state === 'TASK_RUNNING' ? 'running' : 'staging';
    return wanted.length === 0 || wanted.includes(name);
  });
  return { status: 200, body: { tasks: matches } };
};

const tasksOfApp: Handler = (call) => {
  const [raw = ''] = call.params;
  const apps = raw.endsWith('/*')
    ? appsBelow(call.world, canonicalId(raw.slice(0, -1)))
    : [findApp(call.world, idOf(call))];
  return { status: 200, body: { tasks: apps.flatMap(({ id }) => tasksOf(call.world, id)) } };
};

/** The root with every spec smaller by the instances that it loses. */
const lowered = (root: Root, instances: readonly Instance[], version: string): Root =>
  instances.reduce((sum, { spec: { id } }) => {
    const spec = sum.specs.get(id);
    if (!spec) return sum;
    const instances = Math.max(0, spec.instances - 1);
    return withSpec(sum, { ...spec, instances, version, lastScaling: version });
  }, root);

/** Kills, and where asked lowers the count first so that nothing is launched instead. */
const kill = (call: Call, instances: readonly Instance[], shown: unknown): Reply => {
  const { scale, wipe } = scaleAndWipe(call);
  const { marathon } = call.world;
  if (!scale) {
    marathon.killTasks(instances, wipe);
    return { status: 200, body: shown };
  }
  const version = marathon.history.stamp();
  const after = lowered({ ...marathon.root, version }, instances, version);
  const first = (): void => marathon.instances.decommission(instances);
  return deploymentReply(marathon.change(after, flagOf(call, 'force', false), first));
};

/** Any spec: this route kills a pod's instances too. */
const anySpec = ({ marathon }: World, id: string): Spec => {
  const spec = marathon.root.specs.get(id);
  if (!spec) throw notFound(`App '${id}'`);
  return spec;
};

const killAll: Handler = (call) => {
  const { id } = anySpec(call.world, idOf(call));
  const host = call.query.get('host');
  const all = call.world.marathon.instances
    .of(id)
    .filter(({ condition }) => condition !== 'Scheduled');
  const chosen = all.filter(({ node }) => host === null || host === '*' || node?.name === host);
  return kill(call, chosen, { tasks: shownTasks(chosen) });
};

const killOne: Handler = (call) => {
  const { id } = anySpec(call.world, idOf(call));
  const [, task = ''] = call.params;
  const instance = call.world.marathon.instances.withTask(task);
  if (instance?.spec.id !== id) throw notFound(`Task '${task}'`);
  return kill(call, [instance], { task: shownTask(instance) });
};

const killMany: Handler = (call) => {
  const body = jsonOf(call);
  checkShape(fields({ ids: list(text) }, ['ids']), body);
  const { marathon } = call.world;
  const found = listOf(objectOf(body)['ids'])
    .map((id) => marathon.instances.withTask(String(id)))
    .filter((one): one is Instance => one?.spec.kind === 'app');
  return kill(call, [...new Set(found)], { tasks: shownTasks(found) });
};

export const taskHandlers = { list: listTasks, ofApp: tasksOfApp, killAll, killOne, killMany };
