import type { Container, Status } from '../container.ts';
import type { JsonObject } from '../json.ts';
import { type SimNode, isHeard } from '../nodes.ts';
import type { Resources } from '../specs/spec.ts';
import type { World } from '../world.ts';
import {
  domainOf,
  AGENT_CAPABILITIES,
  AGENT_PORT,
  FRAMEWORK_CAPABILITIES,
  FRAMEWORK_NAME,
  drainOf,
  heardNodes,
  livingTasks,
  networkInfos,
  offeredOn,
  recoveredNodes,
  taskName,
  tasksOf,
  usedOn,
} from './facts.ts';
import { tokenResource } from './reserve.ts';
import { canSwitch, capabilitiesOf } from './traits.ts';

const NS_PER_MS = 1_000_000;

const scalar = (name: string, value: number): JsonObject => ({
  name,
  role: '*',
  scalar: { value },
  type: 'SCALAR',
});

const scalars = ({ cpus, mem, disk, gpus }: Resources): JsonObject[] =>
  Object.entries({ cpus, mem, disk, gpus })
    .filter(([, value]) => value > 0)
    .map(([name, value]) => scalar(name, value));

const portResource = (ranges: readonly (readonly [number, number])[]): JsonObject[] =>
  ranges.length === 0
    ? []
    : [
        {
          name: 'ports',
          ranges: { range: ranges.map(([begin, end]) => ({ begin, end })) },
          role: '*',
          type: 'RANGES',
        },
      ];

const single = (ports: Iterable<number>): (readonly [number, number])[] =>
  [...ports].sort((a, b) => a - b).map((port) => [port, port] as const);

const attribute = ([name, value]: [string, string | number]): JsonObject =>
  typeof value === 'number'
    ? { name, type: 'SCALAR', scalar: { value } }
    : { name, type: 'TEXT', text: { value } };

const agentInfo = (world: World, node: SimNode): JsonObject => {
  const attributes = Object.entries(node.attributes).map(attribute);
  return {
    id: { value: node.agentId },
    hostname: node.name,
    port: AGENT_PORT,
    resources: [
      ...scalars(node.total),
      ...tokenResource(world, undefined),
      ...portResource([node.ports]),
    ],
    ...(attributes.length > 0 && { attributes }),
    ...domainOf(node.region, node.zone),
  };
};

const withItems = (name: string, items: readonly unknown[]): JsonObject =>
  items.length > 0 ? { [name]: items } : {};

/** One agent as GET_AGENTS and AGENT_ADDED show it. */
export const agent = (world: World, node: SimNode): JsonObject => ({
  agent_info: agentInfo(world, node),
  active: !node.deactivated,
  ...(canSwitch(world.master.traits) && { deactivated: node.deactivated }),
  ...drainOf(node),
  version: world.master.traits.version,
  pid: `slave(1)@${node.address}:${AGENT_PORT}`,
  registered_time: { nanoseconds: node.registeredMs * NS_PER_MS },
  total_resources: [
    ...scalars(node.total),
    ...tokenResource(world, node.token),
    ...portResource([node.ports]),
  ],
  ...withItems('allocated_resources', [
    ...scalars(usedOn(world, node)),
    ...portResource(single(world.fleet.usedPorts(node))),
  ]),
  ...withItems('offered_resources', scalars(offeredOn(world, node))),
  capabilities: AGENT_CAPABILITIES.map((type) => ({ type })),
});

export const getAgents = (world: World): JsonObject => ({
  ...withItems(
    'agents',
    heardNodes(world).map((node) => agent(world, node)),
  ),
  ...withItems(
    'recovered_agents',
    recoveredNodes(world).map((node) => agentInfo(world, node)),
  ),
});

/** One status as TASK_UPDATED and the task lists carry it. */
export const status = (container: Container, one: Status, task: string): JsonObject => ({
  task_id: { value: task },
  agent_id: { value: container.agentId },
  state: one.state,
  source: one.source,
  ...(one.reason !== undefined && { reason: one.reason }),
  ...(one.message !== '' && { message: one.message }),
  timestamp: one.atMs / 1000,
  uuid: Buffer.from(one.uuid.replaceAll('-', ''), 'hex').toString('base64'),
  container_status: {
    container_id: { value: container.containerId },
    network_infos: networkInfos(container, one),
  },
  ...(one.healthy !== undefined && { healthy: one.healthy }),
});

/** The tasks of one container as GET_TASKS and TASK_ADDED show them. */
export const tasks = (world: World, container: Container): JsonObject[] => {
  const { order, state, statuses } = container;
  return tasksOf(container).map((id) => ({
    name: taskName(container),
    task_id: { value: id },
    framework_id: { value: world.frameworkId },
    agent_id: { value: container.agentId },
    state: isHeard(order.node) ? state : 'TASK_UNREACHABLE',
    resources: [...scalars(order.spec.resources), ...portResource(single(order.ports))],
    ...withItems(
      'statuses',
      statuses.map((one) => status(container, one, id)),
    ),
    container: {
      type: order.spec.containerizer,
      ...withItems(
        'network_infos',
        order.spec.networks.map((name) => ({ name })),
      ),
    },
  }));
};

export const getTasks = (world: World): JsonObject => {
  const { reached, lost } = livingTasks(world);
  const shown = (some: readonly Container[]): JsonObject[] =>
    some.flatMap((one) => tasks(world, one));
  return {
    ...withItems('tasks', shown(reached)),
    ...withItems('unreachable_tasks', shown(lost)),
    ...withItems('completed_tasks', shown(world.fleet.ended)),
  };
};

export const getFrameworks = (world: World): JsonObject => ({
  frameworks: [
    {
      active: true,
      connected: true,
      recovered: false,
      framework_info: {
        id: { value: world.frameworkId },
        name: FRAMEWORK_NAME,
        capabilities: FRAMEWORK_CAPABILITIES.map((type) => ({ type })),
        checkpoint: true,
        failover_timeout: 604_800,
        hostname: 'marathon.example.org',
        roles: ['*'],
        user: 'root',
      },
      registered_time: { nanoseconds: world.startedMs * NS_PER_MS },
      reregistered_time: { nanoseconds: world.startedMs * NS_PER_MS },
    },
  ],
});

export const getMaster = (world: World, leader: string): JsonObject => {
  const [hostname = '', port] = leader.split(':');
  return {
    master_info: {
      address: { hostname, ip: hostname, port: Number(port) },
      capabilities: capabilitiesOf(world.master.traits).map((type) => ({ type })),
      hostname,
      id: world.masterId,
      pid: `master@${leader}`,
      port: Number(port),
      version: world.master.traits.version,
      ...domainOf(world.options.masterRegion),
    },
    elected_time: world.master.electedMs / 1000,
    start_time: world.startedMs / 1000,
  };
};

export const getState = (world: World): JsonObject => ({
  get_tasks: getTasks(world),
  get_executors: {},
  get_frameworks: getFrameworks(world),
  get_agents: getAgents(world),
});
