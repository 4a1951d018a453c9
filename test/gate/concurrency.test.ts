import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { EtcdCluster } from '../fakes/etcd.ts';
import { askAt, type Answer } from '../sim/stage.ts';
import { smallNodes, smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import { type GateProcess, startGateProcess } from './gate-process.ts';
import { webApp } from './specs.ts';

const CLIENTS = 64;
/** Clients, gates, Marathon and etcd share the machine of the tests, which may have others to serve. */
const DECIDE_WITHIN_MS = 30_000;

interface Scarcity {
  readonly of: string;
  /** Apps of one instance that fit. */
  readonly room: number;
  readonly addresses: number;
  /** Each with 950 of 1000 Mbit/s for containers. */
  readonly nodes: number;
  readonly spec: Readonly<Record<string, unknown>>;
  /** What a refusal says. */
  readonly says: RegExp;
}

const SCARCE: readonly Scarcity[] = [
  {
    of: 'addresses',
    ...{ room: 11, addresses: 11, nodes: 3, spec: {} },
    says: /cannot launch 1 instance .* no address is free in 1 pool reachable by 3 nodes, 1 short/,
  },
  {
    // One node: Mesos knows nothing of bandwidth, so on several an app may land beside its promise.
    of: 'bandwidth',
    ...{
      room: 19,
      addresses: 200,
      nodes: 1,
      spec: { env: { net_in: '1mbit', net_out: '50mbit' } },
    },
    says: /net_out is exhausted \(50 Mbit\/s needed each, .* left on a node\)/,
  },
];

const clusterWith = ({ addresses, nodes }: Scarcity, store?: Store): Promise<TestCluster> =>
  startTestCluster({
    topology: smallTopology(addresses, nodes),
    nodes: smallNodes(nodes),
    settings: { gate: { decideWithinMs: DECIDE_WITHIN_MS } },
    ...(store && { store }),
  });

/** 64 clients ask at once, each for one instance of an app of its own, at the gates in turn. */
async function rush(urls: readonly string[], spec: Scarcity['spec']): Promise<readonly Answer[]> {
  const clients = Array.from({ length: CLIENTS }, (_, n) => n);
  const ask = async (n: number): Promise<Answer> => {
    const app = webApp(`/rush/app-${n}`, spec);
    const answer = await askAt(urls[n % urls.length] ?? '', 'POST', '/v2/apps', app);
    // a machine that is too slow for all of them at once is no fault
    const isLate = answer.headers.get('corral-refusal') === 'cannot-judge';
    return isLate ? ask(n) : answer;
  };
  return Promise.all(clients.map(ask));
}

interface Rushed {
  readonly cluster: TestCluster;
  readonly urls: readonly string[];
  readonly scarce: Scarcity;
}

async function admitsExactly({ cluster, urls, scarce }: Rushed, t: TestContext): Promise<void> {
  const { room, spec, says } = scarce;
  const startedMs = performance.now();
  const answers = await rush(urls, spec);
  const tookMs = Math.round(performance.now() - startedMs);
  t.diagnostic(`${CLIENTS} clients at ${urls.length} gates for ${room} ${scarce.of}: ${tookMs} ms`);
  const by = (status: number) => answers.filter((answer) => answer.status === status);
  const others = answers.filter(({ status }) => status !== 201 && status !== 422);
  assert.deepEqual(
    others.map(({ text }) => text),
    [],
  );
  for (const refused of by(422)) assert.match(refused.json.message, says);
  assert.equal(by(201).length, room);
  await cluster.until(
    async () => (await cluster.leases()).length === room,
    'every admitted instance has its address',
  );
  assert.equal(cluster.sim.launchFailures().total, 0, cluster.refusals().join('\n'));
  await isWholeAgain({ cluster, urls, scarce });
}

async function isWholeAgain({ cluster, urls, scarce }: Rushed): Promise<void> {
  const [url = ''] = urls;
  const removed = await askAt(url, 'DELETE', '/v2/groups/rush?force=true');
  assert.equal(removed.status, 200);
  await cluster.until(
    async () => (await cluster.leases()).length + (await cluster.reservations()).size === 0,
    'nothing is held and nothing is promised',
  );
  const { room, spec } = scarce;
  const all = webApp('/all', { ...spec, instances: room });
  await cluster.until(
    async () => (await askAt(url, 'POST', '/v2/apps', all)).status === 201,
    'the gate has heard that all came back, and admits as much',
  );
  const more = await askAt(url, 'POST', '/v2/apps', webApp('/more', spec));
  assert.equal(more.status, 422);
}

describe('64 clients at two gate processes on one etcd', { timeout: 400_000 }, () => {
  for (const scarce of SCARCE)
    it(`trap 29: admits exactly as many as there are ${scarce.of} for`, async (t) => {
      const etcd = await EtcdCluster.start();
      const store = openEtcdStore({ hosts: etcd.urls, clock: systemClock, log: silentLog });
      const cluster = await clusterWith(scarce, store);
      const gates: GateProcess[] = [];
      try {
        const settings = settingsFor(cluster, etcd);
        const two = [startGateProcess({ settings }), startGateProcess({ settings })];
        const started = await Promise.allSettled(two);
        for (const one of started) if (one.status === 'fulfilled') gates.push(one.value);
        for (const one of started) if (one.status === 'rejected') throw one.reason;
        await admitsExactly({ cluster, urls: gates.map(({ url }) => url), scarce }, t);
      } finally {
        await Promise.all(gates.map((gate) => gate.stop()));
        await cluster.stop();
        await store.close();
        await etcd.stop();
      }
    });
});

const settingsFor = ({ sim }: TestCluster, { urls }: EtcdCluster) => ({
  GATE_MARATHON: sim.marathonUrls.join(','),
  GATE_DECIDE_WITHIN_MS: String(DECIDE_WITHIN_MS),
  GATE_MESOS: sim.mesosUrls.join(','),
  LEDGER_KIND: 'etcd',
  LEDGER_HOSTS: urls.join(','),
});

describe('64 clients at one gate on the embedded store', { timeout: 400_000 }, () => {
  for (const scarce of SCARCE)
    it(`trap 29: admits exactly as many as there are ${scarce.of} for`, async (t) => {
      const cluster = await clusterWith(scarce);
      try {
        await admitsExactly({ cluster, urls: [cluster.gate.url], scarce }, t);
      } finally {
        await cluster.stop();
      }
    });
});
