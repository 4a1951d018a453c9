import { isWithin } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { type Instance, shownState } from '../scheduler/instance.ts';
import { groupsIn, specsIn } from '../scheduler/root.ts';
import { shownAddresses } from '../scheduler/updates.ts';
import { type Spec, shownApp } from '../specs/spec.ts';
import type { World } from '../world.ts';
import { podStatus } from './show-pod.ts';

const iso = (ms: number): string => new Date(ms).toISOString();

/** An app's task as the API shows it; undefined while the instance never had one. */
export const shownTask = (instance: Instance): JsonObject | undefined => {
  const state = shownState(instance);
  const { node, spec, stagedMs, startedMs } = instance;
  if (state === undefined || node === undefined) return undefined;
  return {
    id: instance.taskIds[0] ?? instance.id,
    appId: spec.id,
    host: node.name,
    slaveId: node.agentId,
    state,
    ipAddresses: shownAddresses(
      instance.addresses.length > 0 ? instance.addresses : [node.address],
    ),
    ports: instance.ports,
    servicePorts: [],
    ...(stagedMs !== undefined && { stagedAt: iso(stagedMs) }),
    ...(startedMs !== undefined && { startedAt: iso(startedMs) }),
    version: spec.version,
    ...(node.region !== undefined && { region: node.region }),
    ...(node.zone !== undefined && { zone: node.zone }),
    role: spec.role,
  };
};

export const tasksOf = (world: World, id: string): JsonObject[] =>
  world.marathon.instances
    .of(id)
    .map(shownTask)
    .filter((task) => task !== undefined);

const STAGED: ReadonlySet<string> = new Set(['Provisioned', 'Staging', 'Starting']);

const counts = (instances: readonly Instance[]): JsonObject => {
  const running = instances.filter(({ condition }) => condition === 'Running');
  return {
    tasksStaged: instances.filter(({ condition }) => STAGED.has(condition)).length,
    tasksRunning: running.length,
    tasksHealthy: running.filter(({ healthy }) => healthy === true).length,
    tasksUnhealthy: running.filter(({ healthy }) => healthy === false).length,
  };
};

/** Parts of an AppInfo beyond the definition. */
export interface Embeds {
  readonly counts: boolean;
  readonly deployments: boolean;
  readonly tasks: boolean;
  readonly lastTaskFailure: boolean;
}

/** What `embed` asks for; prefixes app., apps., group.apps. and none mean the same. */
export const embedsOf = (query: URLSearchParams): Embeds => {
  const asked = new Set(
    query.getAll('embed').map((one) => one.replace(/^(?:group\.)?(?:apps?\.)?/, '')),
  );
  return {
    counts: asked.has('counts'),
    deployments: asked.has('deployments'),
    tasks: asked.has('tasks') || asked.has('failures'),
    lastTaskFailure: asked.has('lastTaskFailure') || asked.has('failures'),
  };
};

/** An app with the parts asked for. */
export const appInfo = (world: World, spec: Spec, embeds: Embeds): JsonObject => {
  const { instances, deployments, updates } = world.marathon;
  const failure = updates.lastFailure.get(spec.id);
  return {
    ...shownApp(spec),
    ...(embeds.counts && counts(instances.of(spec.id))),
    ...(embeds.deployments && { deployments: deployments.of(spec.id).map(({ id }) => ({ id })) }),
    ...(embeds.tasks && { tasks: tasksOf(world, spec.id) }),
    ...(embeds.lastTaskFailure && failure && { lastTaskFailure: failure }),
  };
};

/** A group with all that is in it. */
export const shownGroup = (
  world: World,
  id: string,
  embeds: Embeds,
  root = world.marathon.root,
): JsonObject => {
  const specs = specsIn(root, id);
  return {
    id,
    apps: specs.filter(({ kind }) => kind === 'app').map((spec) => appInfo(world, spec, embeds)),
    pods: specs.filter(({ kind }) => kind === 'pod').map((spec) => podStatus(world, spec)),
    groups: groupsIn(root, id).map((child) => shownGroup(world, child, embeds, root)),
    dependencies: root.groups.get(id)?.dependencies ?? [],
    version: root.version,
    enforceRole: root.groups.get(id)?.enforceRole ?? false,
  };
};

/** Every app in or below a group. */
export const appsBelow = (world: World, group: string): Spec[] =>
  [...world.marathon.root.specs.values()].filter(
    ({ kind, id }) => kind === 'app' && isWithin(id, group),
  );
