import { mkdtempSync, rmSync } from 'node:fs';
import { Agent as HttpAgent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Agent } from '../../../src/agent/service.ts';
import { startAgentService } from '../../../src/cli/agent-service.ts';
import { type Settings, settingsSchema } from '../../../src/config/settings.ts';
import { openEmbeddedStore } from '../../../src/ledger/embedded/store.ts';
import { openEtcdStore } from '../../../src/ledger/etcd/store.ts';
import type { Store } from '../../../src/ledger/store.ts';
import { systemClock as clock } from '../../../src/plumbing/clock.ts';
import { silentLog as log } from '../../../src/plumbing/log.ts';
import { Dockerd, IMAGE, ownPluginName, PLUGINS } from '../../fakes/dockerd.ts';
import { EtcdCluster } from '../../fakes/etcd.ts';
import { lay } from '../../ledger/opened.ts';
import { head, heading, p50, p99, row } from '../judged/figures.ts';

/**
 * What a container's start costs with Corral's addresses, beside Docker's own: `docker run` of the same
 * image on three bridges of one dockerd, in turn; then the driver's answer alone, over its socket.
 */
const ROUNDS = Number(process.env['ROUNDS'] ?? 24);
const CALLS = Number(process.env['CALLS'] ?? 400);
const WARM = 4;

const directory = mkdtempSync(join(tmpdir(), 'corral-bench-docker-'));
const dockerd = await Dockerd.start();
const etcd = await EtcdCluster.start(1);

interface Subject {
  readonly name: string;
  readonly network: string;
  readonly runs: number[];
  readonly removals: number[];
}

/** An agent as `corral agent` wires it, on a ledger of its own, and a Docker network by it. */
async function corralOn(name: string, store: Store, third: number): Promise<Corral> {
  const plugin = ownPluginName();
  const subnet = `10.${third}.0.0/16`;
  await lay(store, {
    pools: { wide: { cidr: subnet, gateway: `10.${third}.0.1` } },
    networks: { prod: { pools: ['wide'] } },
    nodes: { 'node-1': { link: '1gbit' } },
  });
  const { value } = settingsSchema.validate({
    agent: {
      ...{ node: 'node-1', plugin, pluginDirectory: PLUGINS, coolDownMs: 0, pressedCoolDownMs: 0 },
      ...{ docker: { socket: dockerd.socket }, socket: join(directory, `${name}.sock`) },
      stateDirectory: join(directory, name),
    },
  });
  const agent = await startAgentService({ settings: value as Settings, store, clock, log });
  await dockerd.must(
    ...['network', 'create', '--ipam-driver', plugin, '--subnet', subnet],
    ...['--ipam-opt', 'network=prod', name],
  );
  return { agent, store, subnet, subject: subjectOf(`corral, ${name}`, name) };
}

interface Corral {
  readonly agent: Agent;
  readonly store: Store;
  readonly subnet: string;
  readonly subject: Subject;
}

const subjectOf = (name: string, network: string): Subject => ({
  ...{ name, network, runs: [], removals: [] },
});

async function runOnce({ network, runs, removals }: Subject, counts: boolean): Promise<void> {
  const run = await dockerd.docker('run', '-d', '--net', network, IMAGE, 'sleep', '1000');
  if (run.code !== 0) throw new Error(run.err);
  const removed = await dockerd.docker('rm', '-f', run.out);
  if (!counts) return;
  runs.push(run.tookMs);
  removals.push(removed.tookMs);
}

const connections = new HttpAgent({ keepAlive: true });

function call(socketPath: string, name: string, body: object): Promise<Record<string, string>> {
  return new Promise((resolve, reject) => {
    const path = `/IpamDriver.${name}`;
    const asked = request({ socketPath, path, method: 'POST', agent: connections }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve(JSON.parse(text) as Record<string, string>));
    });
    asked.on('error', reject).end(JSON.stringify(body));
  });
}

/** Time of RequestAddress, `clients` at once, ms. Each address goes back before the client's next call. */
async function askTimes({ agent, subnet }: Corral, clients: number): Promise<readonly number[]> {
  const socket = agent.pluginSocket;
  const ask = { Pool: subnet, Options: { network: 'prod' } };
  const { PoolID } = await call(socket, 'RequestPool', ask);
  const times: number[] = [];
  const client = async (calls: number): Promise<void> => {
    for (let n = 0; n < calls; n += 1) {
      const started = performance.now();
      const { Address, Error: error } = await call(socket, 'RequestAddress', {
        PoolID,
        Address: '',
      });
      times.push(performance.now() - started);
      if (Address === undefined) throw new Error(error);
      await call(socket, 'ReleaseAddress', { PoolID, Address: Address.split('/')[0] });
    }
  };
  await client(50);
  times.length = 0;
  const each = Math.ceil(CALLS / clients);
  await Promise.all(Array.from({ length: clients }, () => client(each)));
  return times;
}

const corrals: Corral[] = [];
try {
  const embedded = await openEmbeddedStore({ directory: join(directory, 'ledger'), clock, log });
  corrals.push(await corralOn('embedded', embedded, 71));
  corrals.push(await corralOn('etcd', openEtcdStore({ hosts: etcd.urls, clock, log }), 72));
  await dockerd.must('network', 'create', '--subnet', '10.73.0.0/16', 'own');
  const own = subjectOf("Docker's own", 'own');
  const subjects = [own, ...corrals.map(({ subject }) => subject)];
  for (let round = 0; round < WARM + ROUNDS; round += 1)
    for (let at = 0; at < subjects.length; at += 1) {
      const subject = subjects[(at + round) % subjects.length]; // nobody is always first
      if (subject) await runOnce(subject, round >= WARM);
    }
  heading(`docker run -d and rm -f, ${ROUNDS} each, in turn`);
  head(['addresses', 'run p50 ms', 'of own', 'rm p50 ms', 'of own']);
  for (const { name, runs, removals } of subjects)
    row([
      ...[name, p50(runs), p50(runs) / p50(own.runs)],
      ...[p50(removals), p50(removals) / p50(own.removals)],
    ]);
  heading(`RequestAddress over the socket, ${CALLS} calls`);
  head(['ledger', 'at once', 'p50 ms', 'p99 ms']);
  for (const corral of corrals)
    for (const clients of [1, 8]) {
      const times = await askTimes(corral, clients);
      row([corral.subject.network, String(clients), p50(times), p99(times)]);
    }
} finally {
  await dockerd.stop();
  for (const { agent, store } of corrals) {
    await agent.stop();
    await store.close();
  }
  await etcd.stop();
  connections.destroy();
  rmSync(directory, { recursive: true, force: true });
}
