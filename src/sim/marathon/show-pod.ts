import { type JsonObject, listOf } from '../json.ts';
import type { Instance } from '../scheduler/instance.ts';
import { isReady } from '../scheduler/instance.ts';
import { type Spec, shownPod } from '../specs/spec.ts';
import type { World } from '../world.ts';

const iso = (ms: number): string => new Date(ms).toISOString();

const STATUS: Readonly<Record<Instance['condition'], string>> = {
  Scheduled: 'PENDING',
  Provisioned: 'PENDING',
  Staging: 'STAGING',
  Starting: 'STAGING',
  Running: 'STABLE',
  Killing: 'DEGRADED',
  Unreachable: 'DEGRADED',
  UnreachableInactive: 'DEGRADED',
};

const instanceStatus = (instance: Instance): JsonObject => {
  const { spec, node, condition } = instance;
  const since = iso(instance.changedMs);
  return {
    id: instance.id,
    status: STATUS[condition],
    statusSince: since,
    conditions: [],
    ...(node && { agentHostname: node.name, agentId: node.agentId }),
    resources: spec.resources,
    networks: spec.networks.map((name, index) => ({
      name,
      addresses: listOf(instance.addresses).slice(index, index + 1),
    })),
    containers: spec.containers.map((name, index) => ({
      name,
      status:
        instance.lastEnd !== undefined && condition === 'Scheduled'
          ? instance.lastEnd
          : `TASK_${condition.toUpperCase()}`,
      statusSince: since,
      conditions: [],
      containerId: instance.taskIds[index] ?? '',
    })),
    specReference: `/v2/pods${spec.id}::versions/${spec.version}`,
    lastUpdated: since,
    lastChanged: since,
  };
};

/** Whether what runs is what is wanted. */
const overall = (spec: Spec, instances: readonly Instance[]): string => {
  const ready = instances.filter(isReady).length;
  if (ready >= spec.instances && instances.length === spec.instances) return 'STABLE';
  return 'DEGRADED';
};

/** As GET /v2/pods/{id}::status shows a pod. */
export const podStatus = (world: World, spec: Spec): JsonObject => {
  // Waiting instances that never had a task are not shown.
  const instances = world.marathon.instances.of(spec.id);
  const out = instances.filter(({ node }) => node !== undefined);
  return {
    id: spec.id,
    spec: shownPod(spec),
    status: overall(spec, instances),
    statusSince: spec.version,
    instances: out.map(instanceStatus),
    terminationHistory: [],
    lastUpdated: iso(world.clock.now()),
    lastChanged: iso(
      Math.max(Date.parse(spec.version), ...instances.map(({ changedMs }) => changedMs)),
    ),
  };
};
