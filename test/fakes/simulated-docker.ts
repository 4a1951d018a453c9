import { PassThrough } from 'node:stream';
import type { Engine } from '../../src/agent/docker/engine.ts';
import type {
  Attached,
  EngineContainer,
  EngineNetwork,
  Summary,
} from '../../src/agent/docker/engine-translate.ts';
import type { IpamDriver } from '../../src/agent/docker/protocol.ts';
import { DockerUnreachable } from '../../src/agent/errors.ts';
import type { Life, World } from './simulated-world.ts';

/** The agent as Docker sees it: somebody who listens on the plugin's socket, or nobody. */
export interface Plugin {
  readonly life: Life;
  readonly driver: IpamDriver;
}

export interface DockerOptions {
  readonly world: World;
  readonly node: string;
  /** The name of our IPAM driver. */
  readonly plugin: string;
  readonly subnet: string;
  readonly network: string;
  /** Containers outlive the daemon. */
  readonly liveRestore: boolean;
  /** A container has an address, or has it no more: the moment at which the kernel does. */
  readonly onUp: (address: string, container: string) => void;
  readonly onDown: (address: string, container: string) => void;
}

interface Container {
  readonly id: string;
  readonly name: string;
  /** Asked for by name; empty: any. */
  readonly ip: string;
  state: 'created' | 'running' | 'exited';
  starting: boolean;
  removing: boolean;
  /** On disk: survives the daemon and the machine. */
  endpoint?: { readonly id: string; readonly address: string };
  /** The process has the address. */
  up: boolean;
}

const PLUGIN_RETRIES_MS = 15_000;
/** Longest that a busy daemon leaves an answer unread. */
const SLOW_MS = 5_000;
const NETWORK_ID = 'net0';
const never = new AbortController().signal;

class PluginGone extends Error {
  override readonly name = 'PluginGone';
}

/** The refusal of a plugin, as Docker prints it. */
export class NotStarted extends Error {}

/**
 * One node's Docker with one network, as measured of a real one: addresses are asked for one after the
 * other, without a time-out; a call whose connection breaks is made again for 15 s and then lost; a killed
 * daemon gives stale endpoints back when it starts again. Everything takes its time in the world.
 */
export class SimulatedDocker {
  plugin: Plugin | undefined;
  readonly #options: DockerOptions;
  /** On disk. */
  readonly #containers = new Map<string, Container>();
  #poolId: string | undefined;
  #daemon: Life | undefined;
  #lives = 0;
  #made = 0;
  /** One request for an address at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #streams = new Set<PassThrough>();

  constructor(options: DockerOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#daemon !== undefined && !this.#daemon.over;
  }

  get ids(): readonly string[] {
    return [...this.#containers.keys()];
  }

  /** The address that a container has by what is on disk. */
  addressOf(id: string): string | undefined {
    return this.#containers.get(id)?.endpoint?.address;
  }

  get running(): number {
    return [...this.#containers.values()].filter(({ up }) => up).length;
  }

  /** Starts the daemon and lets it clear up what the last one left. */
  async start(): Promise<void> {
    const { world, node, liveRestore } = this.#options;
    const life = world.live(`${node}.dockerd.${(this.#lives += 1)}`);
    this.#daemon = life;
    this.#turn = Promise.resolve();
    for (const one of this.#containers.values()) {
      one.starting = false;
      one.removing = false;
      if (liveRestore && one.up) continue;
      if (one.endpoint) this.#down(one);
      if (one.state === 'running') one.state = 'exited';
    }
    await world.clockOf(life).sleep(world.latency(1_000), never);
    for (const one of this.#containers.values())
      if (!one.up && one.endpoint) await this.#released(one);
  }

  /** The daemon alone: containers go on, until it is back if it does not restore them. */
  kill(): void {
    this.#daemon?.end();
    for (const stream of this.#streams) stream.destroy(new Error('the daemon died'));
    this.#streams.clear();
  }

  /** The machine loses power. What is on disk stays. */
  reboot(): void {
    this.kill();
    for (const one of this.#containers.values()) {
      this.#down(one);
      if (one.state === 'running') one.state = 'exited';
    }
  }

  /** `docker network create`. @throws NotStarted */
  async createNetwork(): Promise<void> {
    const { subnet: Pool, network } = this.#options;
    const call = { AddressSpace: 'corral', Pool, SubPool: '', Options: { network }, V6: false };
    const made = await this.#call((driver) => driver.requestPool(call));
    this.#poolId = made.PoolID;
  }

  /**
   * `docker run -d`, with `--ip` where an address is named.
   *
   * @returns its id
   * @throws  NotStarted when it has no address; it is then removed
   */
  async run(ip = ''): Promise<string> {
    const { node } = this.#options;
    const id = `${node}-c${(this.#made += 1)}`;
    const one: Container = {
      ...{ id, name: id, ip, state: 'created', starting: true, removing: false, up: false },
    };
    this.#containers.set(id, one);
    try {
      await this.#started(one);
    } catch (fault) {
      this.#containers.delete(id);
      throw fault;
    }
    return id;
  }

  /** `docker restart`, or its restart policy: the address is given back, and one asked for anew. */
  async restart(id: string): Promise<void> {
    const one = this.#containers.get(id);
    if (!one || one.removing || one.starting || one.state !== 'running') return;
    one.starting = true;
    try {
      await this.#stopped(one);
      await this.#started(one);
    } finally {
      one.starting = false;
    }
  }

  async #started(one: Container): Promise<void> {
    one.starting = true;
    await this.#inTurn(() => this.#connected(one));
    await this.#pause(300);
    one.state = 'running';
    one.starting = false;
    this.#say('container', 'start', one.id);
  }

  async #stopped(one: Container): Promise<void> {
    this.#down(one);
    this.#say('container', 'die', one.id);
    await this.#pause(50);
    if (one.endpoint) await this.#released(one);
    one.state = 'exited';
  }

  /** `docker rm -f`, or its process ends by itself. */
  async remove(id: string): Promise<void> {
    const one = this.#containers.get(id);
    if (!one || one.removing) return;
    one.removing = true;
    while (one.starting) await this.#pause(100); // Docker holds the container's lock
    await this.#stopped(one);
    await this.#pause(20);
    this.#containers.delete(id);
  }

  /** What an agent's process asks of it. */
  engineFor(life: Life): Engine {
    const asked = <T>(what: string, answer: () => T) => this.#asked(life, what, answer);
    return {
      info: () => Promise.reject(new Error('not in this play')),
      networks: () => asked('networks', () => this.#networks(false)),
      network: (id) => asked('network', () => this.#networks(true).find((one) => one.id === id)),
      containers: () => asked('containers', () => [...this.#containers.values()].map(summaryOf)),
      unstarted: () => Promise.reject(new Error('not in this play')),
      container: (id) => asked('container', () => this.#details(id)),
      createNetwork: () => Promise.reject(new Error('not in this play')),
      removeNetwork: () => Promise.reject(new Error('not in this play')),
      eventStream: () => asked('events', () => this.#stream()),
      close: () => undefined,
    };
  }

  async #connected(one: Container): Promise<void> {
    const PoolID = this.#poolId ?? '';
    const given = await this.#call((driver, undelivered) => {
      const call = { PoolID, Address: one.ip, Options: {} };
      return driver.requestAddress(call).then((answer) => {
        undelivered.push(() => driver.undelivered(call, answer.Address));
        return answer;
      });
    });
    const [address = ''] = given.Address.split('/');
    one.endpoint = { id: `${one.id}-ep`, address };
    one.up = true;
    this.#options.onUp(address, one.id);
    this.#say('network', 'connect', one.id);
  }

  async #released(one: Container): Promise<void> {
    const { address } = one.endpoint!;
    const call = { PoolID: this.#poolId ?? '', Address: address };
    delete one.endpoint; // libnetwork strikes it out before it gives the address up
    await this.#call((driver) => driver.releaseAddress(call)).catch(() => undefined);
    this.#say('network', 'disconnect', one.id);
  }

  #down(one: Container): void {
    if (one.up && one.endpoint) this.#options.onDown(one.endpoint.address, one.id);
    one.up = false;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  #pause(ms: number): Promise<void> {
    const { world } = this.#options;
    return world.clockOf(this.#daemon!).sleep(world.chance.between(0, ms), never);
  }

  /** A call to the plugin: again and again for 15 s while nobody answers, then it is lost. */
  async #call<T>(act: (driver: IpamDriver, undelivered: (() => void)[]) => Promise<T>): Promise<T> {
    const { world } = this.#options;
    const daemon = this.#daemon!;
    const sinceMs = world.now();
    for (let pauseMs = 1_000; ; pauseMs *= 2) {
      const answer = await this.#answered(daemon, act);
      if (answer !== 'gone') return answer.result;
      if (world.now() - sinceMs + pauseMs >= PLUGIN_RETRIES_MS) throw new PluginGone();
      await world.clockOf(daemon).sleep(pauseMs, never);
    }
  }

  #answered<T>(
    daemon: Life,
    act: (driver: IpamDriver, undelivered: (() => void)[]) => Promise<T>,
  ): Promise<{ readonly result: T } | 'gone'> {
    const { world } = this.#options;
    const { plugin } = this;
    return new Promise((resolve, reject) => {
      if (daemon.over) return;
      if (!plugin || plugin.life.over) return resolve('gone');
      const broken = () => !daemon.over && resolve('gone');
      plugin.life.onEnd.add(broken);
      const undelivered: (() => void)[] = [];
      const back = (tell: () => void) => {
        if (plugin.life.over) return;
        world.after(world.latency(SLOW_MS), '', () => {
          plugin.life.onEnd.delete(broken);
          if (!daemon.over) tell();
          // The agent sees a broken connection, unless the answer was in the kernel's hands already.
          else if (!plugin.life.over && world.chance.next() < 0.5)
            undelivered.forEach((say) => say());
        });
      };
      world.after(world.latency(100), '', () => {
        if (plugin.life.over) return;
        act(plugin.driver, undelivered).then(
          (result) => back(() => resolve({ result })),
          (fault: unknown) => back(() => reject(new NotStarted(String(fault), { cause: fault }))),
        );
      });
    });
  }

  #asked<T>(life: Life, what: string, answer: () => T): Promise<T> {
    const { world } = this.#options;
    return new Promise((resolve, reject) => {
      if (life.over) return;
      const daemon = this.#daemon;
      const gone = () => reject(new DockerUnreachable(what, 'docker.sock'));
      world.after(world.latency(200), '', () => {
        const isGone = !daemon || daemon.over || daemon !== this.#daemon;
        const said = isGone ? undefined : outcomeOf(answer);
        world.after(world.latency(200), '', () => {
          if (life.over) return;
          if (said === undefined) gone();
          else if ('fault' in said) gone();
          else resolve(said.result);
        });
      });
    });
  }

  #networks(withEnds: boolean): readonly EngineNetwork[] {
    const { plugin, subnet, network, node } = this.#options;
    if (this.#poolId === undefined) return [];
    const ends = [...this.#containers.values()].flatMap(({ id, endpoint }) =>
      endpoint ? [[id, { endpointId: endpoint.id, address: endpoint.address }] as const] : [],
    );
    return [
      {
        ...{ id: NETWORK_ID, name: `${node}-prod`, driver: 'bridge', scope: 'local' },
        ...{ internal: false, ipv6: false, options: {}, labels: {} },
        ipam: {
          driver: plugin,
          options: { network },
          pools: [{ subnet, gateway: subnet.replace(/0\/24$/, '254'), aux: {} }],
        },
        endpoints: new Map(withEnds ? ends : []),
      },
    ];
  }

  #details(id: string): EngineContainer | undefined {
    const one = this.#containers.get(id);
    if (one?.starting) throw new Error('Docker withholds it while it starts');
    if (!one) return undefined;
    const { attached, state, name } = summaryOf(one);
    const running = state === 'running';
    return {
      ...{ id, name, state, running, restarting: false, pid: running ? 1 : 0, exitCode: 0 },
      ...{ restart: { policy: 'no', most: 0 }, networkMode: 'prod', mayMount: false },
      ...{ labels: {}, env: new Map([['MARATHON_APP_ID', '/shop']]), attached },
    };
  }

  #stream(): PassThrough {
    const stream = new PassThrough();
    stream.on('error', () => undefined); // whoever reads it sees it; a dead process does not
    this.#streams.add(stream);
    return stream;
  }

  #say(Type: 'network' | 'container', Action: string, id: string): void {
    const ofNetwork = Type === 'network';
    const Attributes = ofNetwork ? { name: 'prod', container: id } : {};
    const Actor = { ID: ofNetwork ? NETWORK_ID : id, Attributes };
    const line = JSON.stringify({ Type, Action, Actor, timeNano: this.#options.world.now() * 1e6 });
    for (const stream of this.#streams) stream.write(`${line}\n`);
  }
}

function summaryOf({ id, name, state, endpoint }: Container): Summary {
  const attached: Attached = {
    ...{ network: 'prod', networkId: NETWORK_ID, endpointId: endpoint?.id ?? '' },
    ...(endpoint && { address: endpoint.address }),
  };
  return { ...{ id, name, state, createdMs: 0, labels: {} }, attached: [attached] };
}

function outcomeOf<T>(work: () => T): { readonly result: T } | { readonly fault: unknown } {
  try {
    return { result: work() };
  } catch (fault) {
    return { fault };
  }
}
