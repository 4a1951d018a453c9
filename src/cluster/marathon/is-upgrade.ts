import type { MarathonContext } from './canonical-context.ts';
import { podInstances } from './canonical-pod.ts';
import {
  type App,
  type JsonObject,
  member,
  numberAt,
  objectAt,
  type Pod,
  sameJson,
} from './json.ts';
import { withReusedPorts } from './service-ports.ts';

/** A difference in any of these replaces every running task of an app. */
const APP_FIELDS = [
  'cmd',
  'args',
  'user',
  'env',
  'cpus',
  'mem',
  'disk',
  'gpus',
  'executor',
  'constraints',
  'fetch',
  'portDefinitions',
  'requirePorts',
  'backoffSeconds',
  'backoffFactor',
  'maxLaunchDelaySeconds',
  'container',
  'healthChecks',
  'check',
  'taskKillGracePeriodSeconds',
  'dependencies',
  'upgradeStrategy',
  'labels',
  'acceptedResourceRoles',
  'networks',
  'readinessChecks',
  'secrets',
  'unreachableStrategy',
  'killSelection',
  'tty',
  'resourceLimits',
] as const;

/** The same for pods; of `scheduling` only the parts below. */
const POD_FIELDS = [
  'user',
  'environment',
  'labels',
  'secrets',
  'containers',
  'volumes',
  'networks',
  'linuxInfo',
] as const;
const SCHEDULING_FIELDS = ['backoff', 'upgrade', 'placement'] as const;

const differ = (a: JsonObject, b: JsonObject, fields: readonly string[]): boolean =>
  fields.some((field) => !sameJson(member(a, field), member(b, field)));

/** A definition that states no role keeps the one that Marathon gave it. */
const roleChanges = (before: JsonObject, after: JsonObject): boolean =>
  member(after, 'role') !== undefined && differ(before, after, ['role']);

/**
 * Whether going from one canonical app to another replaces its running tasks. Instances, version
 * and executorResources do not count.
 *
 * @see Marathon's state/AppDefinition.scala, isUpgrade
 */
export const isUpgrade = (before: App, after: App, context: MarathonContext): boolean =>
  roleChanges(before, after) || differ(before, withReusedPorts(before, after, context), APP_FIELDS);

/** As `isUpgrade`, for canonical pods. @see Marathon's core/pod/PodDefinition.scala */
export const isPodUpgrade = (before: Pod, after: Pod): boolean =>
  roleChanges(before, after) ||
  differ(before, after, POD_FIELDS) ||
  differ(
    objectAt(before, 'scheduling') ?? {},
    objectAt(after, 'scheduling') ?? {},
    SCHEDULING_FIELDS,
  );

/** Instances of a canonical app. */
export const appInstances = (app: App): number => numberAt(app, 'instances') ?? 1;

/** Whether only the number of instances differs. Both canonical. */
export const isScaleOnly = (before: App, after: App, context: MarathonContext): boolean =>
  !isUpgrade(before, after, context) && appInstances(before) !== appInstances(after);

/** Whether only the number of instances differs. Both canonical. */
export const isPodScaleOnly = (before: Pod, after: Pod): boolean =>
  !isPodUpgrade(before, after) && podInstances(before) !== podInstances(after);
