import { type Listening, listen } from '../plumbing/listen.ts';
import type Koa from 'koa';
import { createMarathonApi } from './marathon.ts';
import { createMesosApi } from './mesos.ts';
import { demoNodes } from './topology.ts';
import { type World, type WorldOptions, createWorld } from './world.ts';

/** Where to listen; port 0 lets the system choose. */
export interface Port {
  readonly host?: string;
  readonly port: number;
}

export interface SimOptions extends Omit<WorldOptions, 'nodes'> {
  /** The demo's six nodes unless given. */
  readonly nodes?: WorldOptions['nodes'];
  readonly marathon: Port;
  readonly mesos: Port;
  /** Further Marathon processes and Mesos masters, not leading at first. */
  readonly standbys?: { readonly marathon?: readonly Port[]; readonly mesos?: readonly Port[] };
}

export interface Sim {
  /** Listens and lets time work. @throws CannotListen */
  start(): Promise<{ marathonUrl: string; mesosUrl: string }>;
  /** Ends every connection and stops the world. Idempotent. */
  stop(): Promise<void>;
  readonly world: World;
  /** Base URLs in order of the options, the first one given first. */
  readonly marathonUrls: readonly string[];
  readonly mesosUrls: readonly string[];
  /** Makes another process lead; open event streams end. `none` leaves nobody leading. */
  elect(what: 'marathon' | 'mesos', index: number | 'none'): void;
  /** Launches that failed for lack of an address in the last 60 s. */
  failuresPerMinute(): number;
  /** Such launches since the start, and one count per minute. */
  launchFailures(): { readonly total: number; readonly minutes: readonly number[] };
}

/** How long a connection may be idle, ms: Node's default of 5 s is in the way of clients on a busy machine. */
const IDLE_FOR_MS = 60_000;

/** Processes of one kind, one of which leads. */
interface Cluster {
  readonly listening: Listening[];
  readonly addresses: string[];
  readonly streams: Set<() => void>[];
  leader: number | 'none';
}

const createCluster = (): Cluster => ({ listening: [], addresses: [], streams: [], leader: 0 });

const leaderOf = ({ addresses, leader }: Cluster): string | undefined =>
  leader === 'none' ? undefined : addresses[leader];

interface Member {
  readonly self: () => string;
  readonly leader: () => string | undefined;
  readonly streams: Set<() => void>;
}

const join = async (
  cluster: Cluster,
  { host = '127.0.0.1', port }: Port,
  make: (member: Member) => Koa,
): Promise<void> => {
  const index = cluster.listening.length;
  const streams = new Set<() => void>();
  const app = make({
    self: () => cluster.addresses[index] ?? '',
    leader: () => leaderOf(cluster),
    streams,
  });
  const handle = app.callback();
  const listening = await listen((request, response) => void handle(request, response), {
    host,
    port,
  });
  listening.server.keepAliveTimeout = IDLE_FOR_MS;
  cluster.listening.push(listening);
  cluster.addresses.push(`${host}:${listening.port}`);
  cluster.streams.push(streams);
};

const elect = (cluster: Cluster, index: number | 'none'): void => {
  if (cluster.leader === index) return;
  cluster.leader = index;
  endStreams(cluster);
};

const endStreams = ({ streams }: Cluster): void => {
  for (const some of streams) for (const end of [...some]) end();
};

const leave = async (cluster: Cluster): Promise<void> => {
  endStreams(cluster);
  await Promise.all(cluster.listening.map((one) => one.close(0)));
};

const nextOf = ({ leader, addresses }: Cluster): number =>
  leader === 'none' ? 0 : (leader + 1) % addresses.length;

/** Lets a master lead; one that leads anew has forgotten as much as another. */
const mastersOf = (world: World, cluster: Cluster): ((index: number | 'none') => void) => {
  world.master.onAbdication(() => {
    cluster.leader = nextOf(cluster);
    endStreams(cluster);
    world.master.succeed();
  });
  return (index) => {
    if (cluster.leader === index) return;
    elect(cluster, index);
    if (index !== 'none') world.master.succeed();
  };
};

/** A pretend Marathon and Mesos on two ports. Nothing listens before `start`. */
export const createSim = (options: SimOptions): Sim => {
  const { marathon: marathonPort, mesos: mesosPort, standbys, ...rest } = options;
  const world = createWorld({ ...rest, nodes: options.nodes ?? demoNodes() });
  const marathon = createCluster();
  const mesos = createCluster();
  const urls = ({ addresses }: Cluster): string[] =>
    addresses.map((address) => `http://${address}`);
  const abdicate = (): void => elect(marathon, nextOf(marathon));
  const electMaster = mastersOf(world, mesos);
  let running: Promise<void> | undefined;
  return {
    world,
    start: async () => {
      for (const port of [marathonPort, ...(standbys?.marathon ?? [])])
        await join(marathon, port, (member) => createMarathonApi({ world, abdicate, ...member }));
      for (const port of [mesosPort, ...(standbys?.mesos ?? [])])
        await join(mesos, port, (member) => createMesosApi({ world, ...member }));
      running = world.agenda.run();
      return { marathonUrl: urls(marathon)[0] ?? '', mesosUrl: urls(mesos)[0] ?? '' };
    },
    stop: async () => {
      world.agenda.stop();
      await Promise.all([leave(marathon), leave(mesos), running]);
    },
    get marathonUrls() {
      return urls(marathon);
    },
    get mesosUrls() {
      return urls(mesos);
    },
    elect: (what, index) => {
      if (what === 'mesos') electMaster(index);
      else elect(marathon, index);
    },
    failuresPerMinute: () => world.failures.lastMinute(),
    launchFailures: () => ({ total: world.failures.total(), minutes: world.failures.minutes() }),
  };
};
