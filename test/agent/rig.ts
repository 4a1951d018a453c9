import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StartPart } from '../../src/agent/part.ts';
import { type Agent, startAgent } from '../../src/agent/service.ts';
import type { AgentSettings } from '../../src/config/agent.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import type { LeaseRecord } from '../../src/core/lease-record.ts';
import { checkLedger } from '../../src/ledger/check.ts';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import { prefixes } from '../../src/ledger/keys.ts';
import { listAll } from '../../src/ledger/listing.ts';
import { openDesk } from '../../src/ledger/open-desk.ts';
import { records } from '../../src/ledger/records.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { type Log, silentLog as log } from '../../src/plumbing/log.ts';
import { Dockerd, type DockerdSettings, ownPluginName, PLUGINS } from '../fakes/dockerd.ts';
import { EtcdCluster } from '../fakes/etcd.ts';
import { lay } from '../ledger/opened.ts';

export const NODE = 'node-1';
/** Bounds what would hang; on a machine that stalls everything takes its time. */
export const soon = (withinMs = 180_000): AbortSignal => AbortSignal.timeout(withinMs);

export interface RigSettings {
  readonly pools: Record<string, unknown>;
  /** Every pool is in network `prod` unless given. */
  readonly networks?: Record<string, unknown>;
  readonly agent?: Partial<AgentSettings>;
  readonly dockerd?: DockerdSettings;
  readonly log?: Log;
  readonly parts?: readonly StartPart[];
  /** How arping is run in the namespace of that name; see AgentDeps. */
  readonly arping?: (netns: string) => readonly string[];
}

/**
 * Whatever the agent is asked in a rig, plain: no rest of minutes, and none of Docker's questions refused because
 * the machine stood still for a moment.
 */
const PLAIN: Partial<AgentSettings> = {
  ...{ coolDownMs: 0, pressedCoolDownMs: 0, spare: 0 },
  answerWithinMs: 15_000,
};

/** One node, all real: a dockerd, an etcd, and the agent between them in this process. */
export class Rig {
  readonly dockerd: Dockerd;
  readonly etcd: EtcdCluster;
  /** The test's own client of the ledger, patient; the agent has another. */
  readonly store: Store;
  readonly settings: AgentSettings;
  readonly plugin: string;
  /** What the next agent takes for the machine's; another one and the machine has booted. */
  bootId: string;
  readonly #options: RigSettings;
  readonly #directory: string;
  readonly #ofAgent: Store;
  #agent: Agent | undefined;

  private constructor(
    parts: { dockerd: Dockerd; etcd: EtcdCluster; store: Store },
    directory: string,
    options: RigSettings,
  ) {
    this.dockerd = parts.dockerd;
    this.etcd = parts.etcd;
    this.store = parts.store;
    this.#ofAgent = openEtcdStore({ hosts: parts.etcd.urls, clock, log });
    this.plugin = ownPluginName();
    this.bootId = `boot-${this.plugin}`;
    this.#directory = directory;
    this.#options = options;
    const { agent } = settingsSchema.validate({}).value as { agent: AgentSettings };
    this.settings = {
      ...agent,
      ...PLAIN,
      node: NODE,
      plugin: this.plugin,
      pluginDirectory: PLUGINS,
      docker: { socket: parts.dockerd.socket },
      stateDirectory: join(directory, 'state'),
      socket: join(directory, 'agent.sock'),
      ...options.agent,
    };
  }

  static async start(options: RigSettings): Promise<Rig> {
    const directory = await mkdtemp(join(tmpdir(), 'corral-rig-'));
    const [dockerd, etcd] = await Promise.all([
      Dockerd.start(options.dockerd),
      EtcdCluster.start(1),
    ]);
    const store = openEtcdStore({ hosts: etcd.urls, clock, log, callWithinMs: 120_000 });
    await lay(store, {
      pools: options.pools,
      networks: options.networks ?? { prod: { pools: Object.keys(options.pools) } },
      nodes: { [NODE]: { link: '1gbit' } },
    });
    const rig = new Rig({ dockerd, etcd, store }, directory, options);
    await rig.startAgent();
    return rig;
  }

  get agent(): Agent {
    if (!this.#agent) throw new Error('no agent runs');
    return this.#agent;
  }

  async startAgent(): Promise<void> {
    const { settings } = this;
    const store = this.#ofAgent;
    const { coolDownMs, pressedCoolDownMs } = settings;
    const desk = openDesk(store, { node: NODE, clock, log, coolDownMs, pressedCoolDownMs });
    const agent = await startAgent({
      ...{ settings, node: NODE, bootId: this.bootId, store, desk, clock },
      log: this.#options.log ?? log,
      monotonic: () => performance.now(),
      newName: () => randomBytes(12).toString('hex'),
      ...(this.#options.parts && { parts: this.#options.parts }),
      ...(this.#options.arping && { arping: this.#options.arping(this.dockerd.place.name) }),
    });
    const stop = async (): Promise<void> => {
      await agent.stop();
      await desk.close();
    };
    this.#agent = { ...agent, stop };
  }

  async stopAgent(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    await agent?.stop();
  }

  /** A Docker network by Corral's driver. @returns how the command ended */
  network(name: string, ...options: readonly string[]) {
    return this.dockerd.docker(
      ...['network', 'create', '--ipam-driver', this.plugin, ...options, name],
    );
  }

  /** The same of network `prod`; it must succeed. */
  async made(name: string, subnet: string, ...options: readonly string[]): Promise<void> {
    const ended = await this.network(
      ...[name, '--subnet', subnet, '--ipam-opt', 'network=prod', ...options],
    );
    if (ended.code !== 0) throw new Error(ended.err);
  }

  /** Leases of this node, by address. */
  async leases(): Promise<ReadonlyMap<string, LeaseRecord>> {
    const { entries } = await listAll(this.store, prefixes.leasesOf(NODE), { signal: soon() });
    return new Map(
      entries.map((entry) => [
        decodeURIComponent(entry.key.slice(prefixes.leasesOf(NODE).length)),
        records.lease.decode(entry),
      ]),
    );
  }

  /** Addresses that this node holds, sorted. */
  async held(): Promise<readonly string[]> {
    return [...(await this.leases()).keys()].sort();
  }

  /** Waits until the node holds exactly so many. */
  async holds(count: number, withinMs = 180_000): Promise<void> {
    const until = Date.now() + withinMs;
    for (;;) {
      const held = await this.held();
      if (held.length === count) return;
      if (Date.now() > until) throw new Error(`holds ${held.join(', ')}, not ${count}`);
      await clock.sleep(50, soon());
    }
  }

  /** Waits until the node holds these and no others: what Docker gave up may be told a moment later. */
  async holdsOnly(...addresses: readonly string[]): Promise<void> {
    const wanted = [...addresses].sort().join(', ');
    for (const late = soon(); ; await clock.sleep(50, soon())) {
      const held = (await this.held()).join(', ');
      if (held === wanted) return;
      if (late.aborted) throw new Error(`holds ${held}, not ${wanted}`);
    }
  }

  /** One figure of the agent's, by its line without the value. */
  async figure(line: string): Promise<number> {
    const all = await this.agent.context.registry.metrics();
    const found = all.split('\n').find((one) => one.startsWith(`${line} `));
    return Number(found?.slice(line.length));
  }

  /** What the ledger's own check finds amiss. */
  async findings(): Promise<readonly unknown[]> {
    return (await checkLedger(this.store, soon())).findings;
  }

  /** Removes all containers and the networks of the names. */
  async clear(...networks: readonly string[]): Promise<void> {
    const ids = (await this.dockerd.must('ps', '-aq')).split('\n').filter((id) => id !== '');
    await this.dockerd.remove(...ids);
    for (const name of networks) await this.dockerd.must('network', 'rm', name);
  }

  async stop(): Promise<void> {
    await this.dockerd.stop();
    await this.stopAgent();
    await this.#ofAgent.close();
    await this.store.close();
    await this.etcd.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** One call of Docker's plugin protocol, over the socket as Docker makes it. */
export function call(
  socketPath: string,
  path: string,
  body: string | object,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, method: 'POST' }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          body: JSON.parse(text) as Record<string, unknown>,
        }),
      );
    });
    asked.on('error', reject);
    asked.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}
