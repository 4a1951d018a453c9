import type { Container, Status } from '../container.ts';
import type { JsonObject } from '../json.ts';
import { type SimNode, NOTHING, isHeard, plus } from '../nodes.ts';
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
  resources: { ...amounts(node.total), ...ports(node), ...tokenAmount(world, true) },
  used_resources: {
    ...amounts(usedOn(world, node)),
    ...portRanges([...world.fleet.usedPorts(node)]),
  },
  offered_resources: amounts(offeredOn(world, node)),
  reserved_resources: node.token ? { [node.token.role]: tokenAmount(world, true) } : {},
  unreserved_resources: {
    ...amounts(node.total),
    ...ports(node),
    ...tokenAmount(world, node.token === undefined),
  },
  active: !node.deactivated,
  ...(canSwitch(world.master.traits) && { deactivated: node.deactivated }),
  ...drainOf(node),
  version: world.master.traits.version,
  capabilities: AGENT_CAPABILITIES,
});

const tokenAmount = ({ master }: World, has: boolean): JsonObject =>
  has && master.traits.token !== undefined ? { [master.traits.token]: 1 } : {};

/** What only /slaves tells: whole resources, here of the token. */
const fullResources = (world: World, node: SimNode): JsonObject => ({
  unreserved_resources_full: node.token ? [] : tokenResource(world, undefined),
  reserved_resources_full: node.token
    ? { [node.token.role]: tokenResource(world, node.token) }
    : {},
});

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
    slave_id: container.agentId,
    state: isHeard(order.node) ? state : 'TASK_UNREACHABLE',
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
  const nodes = heardNodes(world);
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

/** An agent that the leader knows from the registry only: none of its flags. */
const recovered = (node: SimNode): JsonObject => ({
  id: node.agentId,
  hostname: node.name,
  port: AGENT_PORT,
  attributes: node.attributes,
  ...domainOf(node.region, node.zone),
});

/** GET /slaves */
export const slaves = (world: World, id: string | null): JsonObject => {
  const asked = (nodes: readonly SimNode[]): SimNode[] =>
    nodes.filter(({ agentId }) => id === null || agentId === id);
  return {
    slaves: asked(heardNodes(world)).map((node) => ({
      ...slave(world, node),
      ...fullResources(world, node),
    })),
    recovered_slaves: asked(recoveredNodes(world)).map(recovered),
  };
};

/** GET /state; `leader` is host:port. */
export const state = (world: World, leader: string): JsonObject => {
  const nodes = heardNodes(world);
  const known = nodes.length + recoveredNodes(world).length;
  const inactive = nodes.filter(({ deactivated }) => deactivated).length;
  const [hostname, port] = leader.split(':');
  return {
    version: world.master.traits.version,
    id: world.masterId,
    pid: `master@${leader}`,
    hostname,
    capabilities: capabilitiesOf(world.master.traits),
    start_time: world.startedMs / 1000,
    elected_time: world.master.electedMs / 1000,
    activated_slaves: nodes.length - inactive,
    deactivated_slaves: inactive,
    unreachable_slaves: world.fleet.nodes.length - known,
    leader: `master@${leader}`,
    leader_info: { id: world.masterId, pid: `master@${leader}`, port: Number(port), hostname },
    slaves: nodes.map((node) => slave(world, node)),
    recovered_slaves: recoveredNodes(world).map(recovered),
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
  slaves: heardNodes(world).map((node) => slave(world, node)),
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
