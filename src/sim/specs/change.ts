import { canonicalText, listOf } from '../json.ts';
import type { Spec } from './spec.ts';

/** Fields whose change replaces every running instance of an app. */
const APP_FIELDS = [
  'cmd', 'args', 'user', 'env', 'cpus', 'mem', 'disk', 'gpus', 'executor', 'fetch',
  'portDefinitions', 'requirePorts', 'backoffSeconds', 'backoffFactor', 'maxLaunchDelaySeconds',
  'container', 'check', 'taskKillGracePeriodSeconds', 'upgradeStrategy', 'labels', 'networks',
  'readinessChecks', 'secrets', 'unreachableStrategy', 'killSelection', 'tty', 'role', 'resourceLimits',
]; // prettier-ignore
const APP_SETS = ['constraints', 'healthChecks', 'dependencies', 'acceptedResourceRoles'];
const POD_FIELDS = [
  'user', 'environment', 'labels', 'secrets', 'containers', 'volumes', 'networks', 'role', 'linuxInfo',
]; // prettier-ignore

const sorted = (value: unknown): string[] => [...new Set(listOf(value).map(canonicalText))].sort();
const same = (a: unknown, b: unknown): boolean =>
  canonicalText(a ?? null) === canonicalText(b ?? null);
const sameSet = (a: unknown, b: unknown): boolean => same(sorted(a), sorted(b));

const podChanged = (before: Spec, after: Spec): boolean =>
  POD_FIELDS.some((key) => !same(before.definition[key], after.definition[key])) ||
  !sameSet(before.constraints, after.constraints) ||
  !same(before.backoff, after.backoff) ||
  !same(before.upgrade, after.upgrade);

/** Whether going from one definition to the other replaces running instances. */
export const isUpgrade = (before: Spec, after: Spec): boolean =>
  before.kind === 'pod'
    ? podChanged(before, after)
    : APP_FIELDS.some((key) => !same(before.definition[key], after.definition[key])) ||
      APP_SETS.some((key) => !sameSet(before.definition[key], after.definition[key]));
