import type { Container, Status } from '../container.ts';
import type { JsonObject } from '../json.ts';
import type { SimNode } from '../nodes.ts';
import { safeId } from '../ids.ts';
import { NOTHING, isHeard, plus } from '../nodes.ts';
import type { Resources } from '../specs/spec.ts';
import type { World } from '../world.ts';

export const AGENT_PORT = 5051;
export const AGENT_CAPABILITIES = [
  'MULTI_ROLE',
  'HIERARCHICAL_ROLE',
  'RESERVATION_REFINEMENT',
  'AGENT_OPERATION_FEEDBACK',
  'AGENT_DRAINING',
  'TASK_RESOURCE_LIMITS',
];

/** Tasks of one container: one for an app, one per container of a pod. */
export const tasksOf = (container: Container): readonly string[] => container.order.taskIds;

/** `web.shop`: the name that Marathon gives a task. */
export const taskName = ({ order }: Container): string =>
  safeId(order.spec.id).split('_').reverse().join('.');

/** The addresses that a status carries: the agent's own as filler until the container runs. */
export const networkInfos = (container: Container, status: Status): JsonObject[] => {
  const { node, spec } = container.order;
  const own = status.state === 'TASK_RUNNING' && container.addresses.length > 0;
  const shown = own ? container.addresses : [node.address];
  return shown.map((address, index) => ({
    ...(own && { name: spec.networks[index] ?? '' }),
    ip_addresses: [{ ip_address: address, protocol: address.includes(':') ? 'IPv6' : 'IPv4' }],
  }));
};

/** The fault domain that an agent or a master was started with, if any. */
export const domainOf = (region: string | undefined, zone = ''): JsonObject =>
  region === undefined
    ? {}
    : { domain: { fault_domain: { region: { name: region }, zone: { name: zone } } } };

export const offeredOn = (world: World, node: SimNode): Resources =>
  [...world.offers.outstanding.values()]
    .filter((offer) => offer.node === node)
    .map(({ resources }) => resources)
    .reduce(plus, NOTHING);

/** What the framework's tasks take, with the filler that `fill` made. */
export const usedOn = (world: World, node: SimNode): Resources =>
  plus(world.fleet.used(node), node.filler);

/** Agents that the leader lists as its own. */
export const heardNodes = (world: World): SimNode[] => world.fleet.nodes.filter(isHeard);

export const recoveredNodes = (world: World): SimNode[] =>
  world.fleet.nodes.filter(({ recovered }) => recovered);

/** What an agent's entry tells of a drain. */
export const drainOf = ({ drain }: SimNode): JsonObject =>
  drain === undefined ? {} : { drain_info: { state: drain, config: { mark_gone: false } } };

/** Containers on agents that the leader hears from, and on those that are unreachable. */
export const livingTasks = (world: World): { reached: Container[]; lost: Container[] } => {
  const all = [...world.fleet.containers.values()];
  return {
    reached: all.filter(({ order }) => isHeard(order.node)),
    lost: all.filter(({ order: { node } }) => !node.reachable && !node.recovered),
  };
};

export const FRAMEWORK_NAME = 'marathon';
export const FRAMEWORK_CAPABILITIES = ['TASK_KILLING_STATE', 'PARTITION_AWARE', 'REGION_AWARE'];
