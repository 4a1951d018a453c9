import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reservedOf } from '../../src/core/reserve.ts';
import { checkLedger } from '../../src/ledger/check.ts';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import { prefixes } from '../../src/ledger/keys.ts';
import { listAll } from '../../src/ledger/listing.ts';
import { records } from '../../src/ledger/records.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { Dockerd, ownPluginName, PLUGINS } from '../fakes/dockerd.ts';
import { EtcdCluster } from '../fakes/etcd.ts';
import { lay } from '../ledger/opened.ts';
import { Recorder } from '../soak/history.ts';
import { type AgentProcess, type Environment, startAgentProcess } from './agent-process.ts';
import { forward, plugInBetween, Witnessed } from './load-wire.ts';

export const SUBNET = '10.88.0.0/24';
/** Without the gateway. */
export const SIZE = 253;
export const DOCKERS = 'node-0';
/** Nodes whose agents are asked over their sockets, as a Docker would. */
export const OTHERS = ['node-1', 'node-2', 'node-3'] as const;

export const soon = (withinMs = 180_000): AbortSignal => AbortSignal.timeout(withinMs);

/** An agent's refusal, in its words. */
export class Refused extends Error {}

/** A Docker that only asks for addresses and gives them back. */
export class Asker {
  readonly held: string[] = [];
  readonly #socket: string;
  readonly #witnessed: Witnessed;
  #poolId = '';

  constructor(socket: string, witnessed: Witnessed) {
    this.#socket = socket;
    this.#witnessed = witnessed;
  }

  async begin(): Promise<void> {
    const made = await this.#call('RequestPool', {
      ...{ AddressSpace: 'corral', Pool: SUBNET, SubPool: '', V6: false },
      Options: { network: 'prod' },
    });
    this.#poolId = made['PoolID'] ?? '';
  }

  /** @throws Refused */
  async take(): Promise<string> {
    const call = { PoolID: this.#poolId, Address: '', Options: null };
    const [address = ''] = ((await this.#call('RequestAddress', call))['Address'] ?? '').split('/');
    this.held.push(address);
    return address;
  }

  async release(address: string): Promise<void> {
    this.held.splice(this.held.indexOf(address), 1);
    await this.#call('ReleaseAddress', { PoolID: this.#poolId, Address: address });
  }

  async #call(name: string, call: object): Promise<Readonly<Record<string, string>>> {
    const path = `/IpamDriver.${name}`;
    const body = Buffer.from(JSON.stringify(call));
    let said: Readonly<Record<string, string>> = {};
    await this.#witnessed.call(path, body, {
      send: () => forward(this.#socket, path, { body }),
      deliver: (answer) => {
        said = JSON.parse(answer.body.toString()) as Readonly<Record<string, string>>;
        return Promise.resolve(true);
      },
    });
    if (said['Error'] !== undefined) throw new Refused(said['Error']);
    return said;
  }
}

/**
 * An etcd, a dockerd whose agent is a process of its own, and three more such agents without a Docker.
 * All calls to agents and their answers are written down.
 */
export class Site {
  readonly recorder = new Recorder(() => performance.now());
  readonly witnessed = new Witnessed(this.recorder, DOCKERS);
  readonly askers: Asker[] = [];
  readonly #agents = new Map<string, AgentProcess>();
  readonly #ends: (() => Promise<unknown>)[] = [];
  readonly #settings: Environment;
  readonly #plugins = new Map<string, string>();

  private constructor(
    readonly etcd: EtcdCluster,
    readonly dockerd: Dockerd,
    readonly store: Store,
    readonly directory: string,
    settings: Environment,
  ) {
    this.#settings = settings;
  }

  static async start(settings: Environment): Promise<Site> {
    const directory = await mkdtemp(join(tmpdir(), 'corral-load-'));
    const [etcd, dockerd] = await Promise.all([EtcdCluster.start(1), Dockerd.start()]);
    const store = openEtcdStore({ hosts: etcd.urls, clock, log, callWithinMs: 120_000 });
    await lay(store, {
      pools: { p: { cidr: SUBNET, gateway: '10.88.0.1' } },
      networks: { prod: { pools: ['p'] } },
      nodes: Object.fromEntries([DOCKERS, ...OTHERS].map((name) => [name, { link: '1gbit' }])),
    });
    const site = new Site(etcd, dockerd, store, directory, settings);
    await site.#begin();
    return site;
  }

  async #begin(): Promise<void> {
    const plugin = ownPluginName();
    this.#plugins.set(DOCKERS, plugin);
    await Promise.all([DOCKERS, ...OTHERS].map((node) => this.startAgent(node)));
    const between = await plugInBetween(
      join(PLUGINS, `${plugin}.sock`),
      this.#socketOf(DOCKERS),
      this.witnessed,
    );
    this.#ends.push(() => between.close());
    await this.dockerd.must(
      ...['network', 'create', '--subnet', SUBNET, '--ipam-driver', plugin],
      ...['--ipam-opt', 'network=prod', 'lan'],
    );
    for (const node of OTHERS) {
      const asker = new Asker(this.#socketOf(node), new Witnessed(this.recorder, node));
      await asker.begin();
      this.askers.push(asker);
    }
  }

  async startAgent(node: string): Promise<void> {
    const directory = join(this.directory, node);
    await mkdir(directory, { recursive: true });
    const docker = node === DOCKERS ? this.dockerd.socket : join(directory, 'no-docker.sock');
    const agent = await startAgentProcess({
      LEDGER_KIND: 'etcd',
      LEDGER_HOSTS: this.etcd.urls.join(','),
      AGENT_NODE: node,
      AGENT_PLUGIN: this.#plugins.get(node) ?? 'corral',
      AGENT_PLUGIN_DIRECTORY: directory,
      AGENT_DOCKER_SOCKET: docker,
      AGENT_STATE_DIRECTORY: join(directory, 'state'),
      AGENT_SOCKET: join(directory, 'agent.sock'),
      ...this.#settings,
    });
    this.#agents.set(node, agent);
  }

  /** kill -9 */
  async killAgent(node: string): Promise<void> {
    await this.#agents.get(node)?.kill();
    this.#agents.delete(node);
  }

  /** Every lease of every node, as `node address`. */
  async leases(): Promise<readonly string[]> {
    const { entries } = await listAll(this.store, prefixes.leases, { signal: soon() });
    return entries.map(({ key }) => key.slice(prefixes.leases.length));
  }

  async findings(): Promise<readonly unknown[]> {
    return (await checkLedger(this.store, soon())).findings;
  }

  /** Addresses that nodes keep in stock. */
  async spares(): Promise<number> {
    const { entries } = await listAll(this.store, prefixes.tallies, { signal: soon() });
    return entries
      .flatMap((entry) => reservedOf(records.tally.decode(entry)))
      .filter(({ restsUntilMs }) => restsUntilMs === undefined).length;
  }

  async removeContainers(): Promise<void> {
    const ids = (await this.dockerd.must('ps', '-aq')).split('\n').filter((id) => id !== '');
    await this.dockerd.remove(...ids);
  }

  async stop(): Promise<void> {
    await this.dockerd.stop();
    for (const node of this.#agents.keys()) await this.killAgent(node);
    for (const end of this.#ends) await end();
    await this.store.close();
    await this.etcd.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  #socketOf(node: string): string {
    return join(this.directory, node, `${this.#plugins.get(node) ?? 'corral'}.sock`);
  }
}
