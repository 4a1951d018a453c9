import type { Container, Status } from '../container.ts';
import type { JsonObject } from '../json.ts';
import { type SimNode, NOTHING, plus } from '../nodes.ts';
import type { Resources } from '../specs/spec.ts';
import type { World } from '../world.ts';
import {
  domainOf,
  AGENT_CAPABILITIES,
  AGENT_PORT,
  FRAMEWORK_CAPABILITIES,
  FRAMEWORK_NAME,
  MASTER_CAPABILITIES,
  VERSION,
  livingTasks,
  networkInfos,
  offeredOn,
  taskName,
  tasksOf,
  usedOn,
} from './facts.ts';

const amounts = ({ cpus, gpus, mem, disk }: Resources): JsonObject => ({ cpus, gpus, mem, disk });

const portRanges = (ports: readonly number[]): JsonObject =>
  ports.length === 0
    ? {}
    : {
        ports: `[${[...ports]
          .sort((a, b) => a - b)
          .map((port) => `${port}-${port}`)
          .join(', ')}]`,
      };

const ports = ({ ports: [low, high] }: SimNode): JsonObject => ({ ports: `[${low}-${high}]` });

const slave = (world: World, node: SimNode): JsonObject => ({
  id: node.agentId,
  hostname: node.name,
  port: AGENT_PORT,
  attributes: node.attributes,
  ...domainOf(node.region, node.zone),
  pid: `slave(1)@${node.address}:${AGENT_PORT}`,
  registered_time: node.registeredMs / 1000,
  resources: { ...amounts(node.total), ...ports(node) },
  used_resources: {
    ...amounts(usedOn(world, node)),
    ...portRanges([...world.fleet.usedPorts(node)]),
  },
  offered_resources: amounts(offeredOn(world, node)),
  reserved_resources: {},
  unreserved_resources: { ...amounts(node.total), ...ports(node) },
  active: !node.deactivated,
  deactivated: node.deactivated,
  version: VERSION,
  capabilities: AGENT_CAPABILITIES,
});

const registered = (world: World): SimNode[] =>
  world.fleet.nodes.filter(({ reachable }) => reachable);

const status = (container: Container, one: Status): JsonObject => ({
  state: one.state,
  timestamp: one.atMs / 1000,
  container_status: {
    container_id: { value: container.containerId },
    network_infos: networkInfos(container, one),
  },
  ...(one.healthy !== undefined && { healthy: one.healthy }),
});

const tasks = (world: World, container: Container): JsonObject[] => {
  const { order, state, statuses } = container;
  return tasksOf(container).map((id) => ({
    id,
    name: taskName(container),
    framework_id: world.frameworkId,
    executor_id: '',
    slave_id: order.node.agentId,
    state: order.node.reachable ? state : 'TASK_UNREACHABLE',
    resources: { ...amounts(order.spec.resources), ...portRanges(order.ports) },
    role: order.spec.role,
    statuses: statuses.map((one) => status(container, one)),
    container: { type: order.spec.containerizer },
  }));
};

const shownOffer = (world: World, id: string, node: SimNode, resources: Resources): JsonObject => ({
  id,
  framework_id: world.frameworkId,
  allocation_info: { role: '*' },
  slave_id: node.agentId,
  resources: { ...amounts(resources), ...ports(node) },
});

const framework = (world: World): JsonObject => {
  const { reached, lost } = livingTasks(world);
  const nodes = registered(world);
  return {
    id: world.frameworkId,
    name: FRAMEWORK_NAME,
    active: true,
    connected: true,
    recovered: false,
    capabilities: FRAMEWORK_CAPABILITIES,
    checkpoint: true,
    failover_timeout: 604_800,
    hostname: 'marathon.example.org',
    role: '*',
    user: 'root',
    used_resources: amounts(nodes.map((node) => world.fleet.used(node)).reduce(plus, NOTHING)),
    offered_resources: amounts(nodes.map((node) => offeredOn(world, node)).reduce(plus, NOTHING)),
    tasks: reached.flatMap((container) => tasks(world, container)),
    unreachable_tasks: lost.flatMap((container) => tasks(world, container)),
    completed_tasks: world.fleet.ended.flatMap((container) => tasks(world, container)),
    offers: [...world.offers.outstanding.values()].map((one) =>
      shownOffer(world, one.id, one.node, one.resources),
    ),
    executors: [],
  };
};

/** GET /slaves */
export const slaves = (world: World, id: string | null): JsonObject => ({
  slaves: registered(world)
    .filter(({ agentId }) => id === null || agentId === id)
    .map((node) => slave(world, node)),
  recovered_slaves: [],
});

/** GET /state; `leader` is host:port. */
export const state = (world: World, leader: string): JsonObject => {
  const nodes = registered(world);
  const inactive = nodes.filter(({ deactivated }) => deactivated).length;
  const [hostname, port] = leader.split(':');
  return {
    version: VERSION,
    id: world.masterId,
    pid: `master@${leader}`,
    hostname,
    capabilities: MASTER_CAPABILITIES,
    start_time: world.startedMs / 1000,
    elected_time: world.startedMs / 1000,
    activated_slaves: nodes.length - inactive,
    deactivated_slaves: inactive,
    unreachable_slaves: world.fleet.nodes.length - nodes.length,
    leader: `master@${leader}`,
    leader_info: { id: world.masterId, pid: `master@${leader}`, port: Number(port), hostname },
    ...slaves(world, null),
    frameworks: [framework(world)],
    completed_frameworks: [],
    unregistered_frameworks: [],
    flags: {},
    ...domainOf(world.options.masterRegion),
  };
};

/** GET /frameworks */
export const frameworks = (world: World): JsonObject => ({
  frameworks: [framework(world)],
  completed_frameworks: [],
  unregistered_frameworks: [],
});

/** GET /state-summary */
export const summary = (world: World): JsonObject => ({
  hostname: 'master.example.org',
  slaves: registered(world).map((node) => slave(world, node)),
  frameworks: [
    {
      id: world.frameworkId,
      name: FRAMEWORK_NAME,
      TASK_RUNNING: livingTasks(world).reached.filter(({ state: now }) => now === 'TASK_RUNNING')
        .length,
    },
  ],
});

const DEFAULT_LIMIT = 100;

/** GET /tasks: running, unreachable and completed ones mixed, 100 unless told otherwise. */
export const taskList = (world: World, query: URLSearchParams): JsonObject => {
  const { reached, lost } = livingTasks(world);
  const newestFirst = [...world.fleet.ended, ...lost, ...reached].reverse();
  const ordered = query.get('order') === 'asc' ? newestFirst.reverse() : newestFirst;
  const all = ordered.flatMap((container) => tasks(world, container));
  const offset = Number(query.get('offset') ?? 0);
  return { tasks: all.slice(offset, offset + Number(query.get('limit') ?? DEFAULT_LIMIT)) };
};
