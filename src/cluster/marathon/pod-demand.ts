import { BadBody } from '../errors.ts';
import { constraintsOfPod } from './constraints-of.ts';
import { addressWith, persistentMiB, type Wishes } from './demand.ts';
import type { AppDemand, DemandContext } from './demand-context.ts';
import { podWishes, wishIn, type Wish } from './env.ts';
import { figureAt, MOST_INSTANCES, sumOf } from './figures.ts';
import { member, objectAt, objectsAt, type JsonObject } from './json.ts';
import { networksOf } from './networks.ts';
import { isResident, upgradeOfPod } from './peak-of.ts';
import { podPortsOf } from './ports.ts';

/**
 * What one instance of a pod takes: an address per network however many containers share it, and
 * the sum of its containers and of the executor that runs them.
 *
 * @param pod  a full definition in canonical form
 * @throws     BadBody, UnusableRate, SecretRate: figures that cannot be counted on
 */
export function demandOfPod(pod: JsonObject, context: DemandContext): AppDemand {
  const { mode, joined, faults, warnings } = networksOf(pod, context);
  const managed = joined.length > 0;
  const read = constraintsOfPod(pod);
  const wishes = managed ? wishesOf(pod, context) : { in: [], out: [] };
  const counted = joined.map(addressWith({ ...wishes, first: 'labels' }, context));
  return {
    managed,
    demand: {
      ...resourcesOf(pod),
      ports: podPortsOf(pod, mode),
      addresses: counted.map(({ address }) => address),
    },
    labelled: {},
    instances: instancesOf(pod),
    constraints: read.constraints,
    upgrade: upgradeOfPod(pod),
    resident: isResident(pod),
    faults: [...faults, ...read.faults],
    warnings,
  };
}

/** Marathon takes a number in quotes for 1; such a surprise is refused instead. */
function instancesOf(pod: JsonObject): number {
  const scaling = member(pod, 'scaling') ?? {};
  if (typeof scaling !== 'object' || Array.isArray(scaling)) {
    throw new BadBody([{ path: '/scaling', errors: ['must be an object'] }]);
  }
  const figure = { otherwise: 1, most: MOST_INSTANCES, whole: true };
  return figureAt(scaling as JsonObject, 'instances', '/scaling', figure);
}

function wishesOf(pod: JsonObject, { rateNames, secretPolicy }: DemandContext): Wishes {
  const both = (name: string): readonly Wish[] => {
    const whole = wishIn(pod['environment'], { name, path: '/environment' }, secretPolicy);
    const each = objectsAt(pod, 'containers').map((container, index) => {
      const path = `/containers(${index})/environment`;
      return wishIn(container['environment'], { name, path }, secretPolicy);
    });
    return podWishes(whole, each);
  };
  return { in: both(rateNames.in), out: both(rateNames.out) };
}

/** @see Marathon: types/resources.raml, ExecutorResources and Resources */
function resourcesOf(pod: JsonObject) {
  const executor = objectAt(pod, 'executorResources') ?? {};
  const containers = objectsAt(pod, 'containers').map(
    (container) => objectAt(container, 'resources') ?? {},
  );
  const sum = (key: string, ofExecutor: number, ofContainer: number): number =>
    sumOf([
      figureAt(executor, key, '/executorResources', { otherwise: ofExecutor }),
      ...containers.map((resources, index) =>
        figureAt(resources, key, `/containers(${index})/resources`, { otherwise: ofContainer }),
      ),
    ]);
  const gpus = containers.map((resources, index) =>
    figureAt(resources, 'gpus', `/containers(${index})/resources`, { otherwise: 0, whole: true }),
  );
  const volumes = persistentMiB(objectsAt(pod, 'volumes'), '/volumes');
  return {
    cpus: sum('cpus', 0.1, 1),
    memMiB: sum('mem', 32, 128),
    diskMiB: sumOf([sum('disk', 10, 0), ...volumes]),
    gpus: sumOf(gpus),
  };
}
