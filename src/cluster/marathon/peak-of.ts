import type { Before, Change } from '../../core/peak.ts';
import type { AppDemand, Remark, Upgrade } from './demand-context.ts';
import { figureAt } from './figures.ts';
import { member, objectAt, objectsAt, textAt, type JsonObject } from './json.ts';

const NORMAL: Upgrade = { minHealth: 1, maxOver: 1 };
const VOLUMES: Upgrade = { minHealth: 0.5, maxOver: 0 };
const SINGLE_INSTANCE = 'MARATHON_SINGLE_INSTANCE_APP';

const volumesOf = (spec: JsonObject): readonly JsonObject[] =>
  objectsAt(spec, 'volumes').concat(objectsAt(objectAt(spec, 'container') ?? {}, 'volumes'));
const hasVolume = (spec: JsonObject, kind: string): boolean =>
  volumesOf(spec).some((volume) => objectAt(volume, kind) !== undefined);

/** Has persistent volumes: an app under its container, a pod at its top. */
export const isResident = (spec: JsonObject): boolean => hasVolume(spec, 'persistent');

/**
 * How far a restart of an app may go under and over its target.
 *
 * @throws BadBody for shares outside 0..1
 * @see Marathon: raml/AppConversion.scala, UpgradeStrategyConverter
 */
export function upgradeOfApp(app: JsonObject): Upgrade {
  const otherwise = isResident(app) || hasVolume(app, 'external') ? VOLUMES : NORMAL;
  return upgradeAt(app, '', otherwise);
}

/** As `upgradeOfApp`, for a pod. */
export function upgradeOfPod(pod: JsonObject): Upgrade {
  const scheduling = objectAt(pod, 'scheduling') ?? {};
  const otherwise = isResident(pod) ? VOLUMES : NORMAL;
  return upgradeAt(
    { upgradeStrategy: member(scheduling, 'upgrade') ?? null },
    '/scheduling',
    otherwise,
  );
}

function upgradeAt(of: JsonObject, path: string, otherwise: Upgrade): Upgrade {
  const stated = objectAt(of, 'upgradeStrategy');
  if (stated === undefined) return otherwise;
  const at = path === '' ? '/upgradeStrategy' : `${path}/upgrade`;
  const share = (key: string): number => figureAt(stated, key, at, { otherwise: 1, most: 1 });
  return { minHealth: share('minimumHealthCapacity'), maxOver: share('maximumOverCapacity') };
}

/** The label of a single-instance app asks for one instance at most and for an explicit 0/0. */
export function singleInstanceFaults(
  app: JsonObject,
  instances: number,
  { minHealth, maxOver }: Upgrade,
): readonly Remark[] {
  const labels = objectAt(app, 'labels') ?? {};
  if (textAt(labels, SINGLE_INSTANCE) !== 'true') return [];
  const path = `/labels/${SINGLE_INSTANCE}`;
  return [
    ...(instances > 1 ? [{ path, message: 'allows one instance' }] : []),
    ...(minHealth !== 0 || maxOver !== 0
      ? [{ path, message: 'needs an upgradeStrategy of 0/0' }]
      : []),
  ];
}

/** The change that takes an app from `before` to `after`, for `peakOf` and `extraOf`. */
export const changeTo = (after: AppDemand, restart: boolean, before?: Before): Change => ({
  ...(before !== undefined && { before }),
  instances: after.instances,
  restart,
  minHealth: after.upgrade.minHealth,
  maxOver: after.upgrade.maxOver,
  resident: after.resident,
});
