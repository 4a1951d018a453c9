import { checkWithDefaults, podHealthCheck } from './canonical-checks.ts';
import type { MarathonContext } from './canonical-context.ts';
import { type Network, statedNetworks } from './canonical-network.ts';
import {
  arrayAt,
  asSet,
  type JsonObject,
  member,
  numberAt,
  objectAt,
  objectsAt,
  type Pod,
  textAt,
  withoutNulls,
} from './json.ts';

const MOST_INSTANCES = 2_147_483_647;

/**
 * Instances of a pod: 1 when `scaling.instances` is absent or no whole number, as Marathon reads it.
 * A negative number, which Marathon refuses, is given back as it is.
 */
export function podInstances(pod: Pod): number {
  const stated = numberAt(objectAt(pod, 'scaling') ?? {}, 'instances');
  return Number.isInteger(stated) && Math.abs(stated ?? 0) <= MOST_INSTANCES ? (stated ?? 1) : 1;
}

const isContainerMode = (networks: readonly Network[]): boolean =>
  networks.some((network) => textAt(network, 'mode') === 'container');

function endpoint(item: JsonObject, onHost: boolean): JsonObject {
  const filled = {
    labels: {},
    ...withoutNulls(item),
    protocol: arrayAt(item, 'protocol') ?? ['tcp'],
  };
  return onHost ? { hostPort: 0, ...filled } : filled;
}

function container(item: JsonObject, onHost: boolean): JsonObject {
  const image = objectAt(item, 'image');
  const health = objectAt(item, 'healthCheck');
  const check = objectAt(item, 'check');
  const resources = withoutNulls(objectAt(item, 'resources') ?? {});
  return {
    environment: {},
    labels: {},
    volumeMounts: [],
    artifacts: [],
    ...withoutNulls(item),
    resources: { cpus: 1, mem: 128, disk: 0, gpus: 0, ...resources },
    endpoints: objectsAt(item, 'endpoints').map((each) => endpoint(each, onHost)),
    ...(image && { image: { forcePull: false, labels: {}, ...withoutNulls(image) } }),
    ...(health && { healthCheck: podHealthCheck(health) }),
    ...(check && { check: checkWithDefaults(check) }),
  };
}

const placement = (stated: JsonObject): JsonObject => ({
  constraints: asSet(objectsAt(stated, 'constraints').map(constraint)),
  acceptedResourceRoles: asSet(arrayAt(stated, 'acceptedResourceRoles') ?? []),
});

const constraint = (item: JsonObject): JsonObject => ({
  ...withoutNulls(item),
  operator: (textAt(item, 'operator') ?? '').toUpperCase(),
});

/** Pods with persistent volumes do not go over their count. */
function upgrade(pod: Pod, stated: JsonObject): JsonObject {
  const resident = objectsAt(pod, 'volumes').some((volume) => objectAt(volume, 'persistent'));
  if (resident && Object.keys(stated).length === 0) {
    return { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 };
  }
  return { minimumHealthCapacity: 1, maximumOverCapacity: 1, ...stated };
}

const part = (of: JsonObject, key: string): JsonObject => withoutNulls(objectAt(of, key) ?? {});

function scheduling(pod: Pod): JsonObject {
  const stated = part(pod, 'scheduling');
  const backoff = part(stated, 'backoff');
  return {
    ...stated,
    backoff: { backoff: 1, backoffFactor: 1.15, maxLaunchDelay: 300, ...backoff },
    upgrade: upgrade(pod, part(stated, 'upgrade')),
    placement: placement(part(stated, 'placement')),
  };
}

/**
 * A pod in canonical form, as Marathon would store and show it: every default written out, networks
 * named. Applying it twice changes nothing. Unknown fields are kept.
 *
 * @throws BadBody when a container network has no name and Marathon has no default
 * @see    Marathon's api/v2/PodNormalization.scala and raml/PodConversion.scala
 */
export function canonicalPod(pod: Pod, context: MarathonContext): Pod {
  const stated = withoutNulls(pod);
  const networks = statedNetworks({ networks: member(stated, 'networks') ?? [] }, context) ?? [];
  const onHost = !isContainerMode(networks);
  return {
    environment: {},
    labels: {},
    secrets: {},
    volumes: [],
    executorResources: { cpus: 0.1, mem: 32, disk: 10 },
    ...stated,
    networks,
    containers: objectsAt(stated, 'containers').map((each) => container(each, onHost)),
    scaling: { kind: 'fixed', instances: podInstances(stated) },
    scheduling: scheduling(stated),
  };
}
