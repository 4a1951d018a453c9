import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { openEmbeddedStore } from '../../../src/ledger/embedded/store.ts';
import { openEtcdStore } from '../../../src/ledger/etcd/store.ts';
import type { Store } from '../../../src/ledger/store.ts';
import { systemClock } from '../../../src/plumbing/clock.ts';
import { silentLog } from '../../../src/plumbing/log.ts';
import { EtcdCluster } from '../../fakes/etcd.ts';
import { fill } from '../scale/fill.ts';
import { startMesos } from '../scale/mesos.ts';
import { digits, head, heading, p50, p99, row } from './figures.ts';
import { end, ready, startGate, startMarathon } from './processes.ts';

/**
 * What being judged costs a POST of an app: directly to a Marathon that answers at once, and through
 * the gate with either ledger. Each request launches another app; promises end as they would.
 */
const SIZE = { nodes: 100, pools: 2, leases: 2_000, spare: 60_000 };
const CLIENTS = [1, 16, 64] as const;
const WARM = 200;
const REQUESTS = 600;

const deps = { clock: systemClock, log: silentLog };
const agent = new Agent({ connections: 64 });

interface Way {
  readonly url: string;
  readonly name: string;
}
interface Times {
  readonly times: readonly number[];
  readonly perSecond: number;
}

const definition = (id: string): string =>
  JSON.stringify({
    id,
    cmd: 'sleep 3600',
    instances: 2,
    cpus: 0.1,
    mem: 32,
    networks: [{ mode: 'container', name: 'prod' }],
    container: { type: 'MESOS' },
    env: { net_in: '1mbit', net_out: '1mbit' },
  });

const apps = { made: 0 };
const nextApp = (): string => `/bench/app-${(apps.made += 1)}`;

interface Call {
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly path: string;
  readonly body?: string;
  readonly status: number;
}

async function call({ url }: Way, { method, path, body, status }: Call): Promise<number> {
  const start = performance.now();
  const headers = { 'content-type': 'application/json' };
  const answer = await request(url + path, {
    method,
    headers,
    dispatcher: agent,
    ...(body !== undefined && { body }),
  });
  const text = await answer.body.text();
  if (answer.statusCode !== status) throw new Error(`${path}: ${answer.statusCode} ${text}`);
  return performance.now() - start;
}

const posted = (way: Way): Promise<number> =>
  call(way, { method: 'POST', path: '/v2/apps', body: definition(nextApp()), status: 201 });
const read = (way: Way): Promise<number> =>
  call(way, { method: 'GET', path: '/v2/info', status: 200 });
const dropped = (way: Way): Promise<number> =>
  call(way, { method: 'DELETE', path: '/v2/apps/bench/none', status: 200 });

async function run(way: Way, act: typeof posted, clients: number): Promise<Times> {
  const times: number[] = [];
  const left = { count: REQUESTS };
  const start = performance.now();
  const client = async (): Promise<void> => {
    while (left.count-- > 0) times.push(await act(way));
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { times, perSecond: REQUESTS / ((performance.now() - start) / 1000) };
}

async function measure(way: Way, direct?: Times): Promise<Times> {
  for (let turn = 0; turn < WARM; turn++) await posted(way);
  const posts: Times[] = [];
  for (const clients of CLIENTS) posts.push(await run(way, posted, clients));
  const [alone] = posts;
  if (alone === undefined) throw new RangeError('nothing was measured');
  const gets = await run(way, read, 1);
  const drops = await run(way, dropped, 1);
  const both = (times: readonly number[]): string =>
    `${digits(p50(times))} / ${digits(p99(times))}`;
  const ratio = p50(alone.times) / p50((direct ?? alone).times);
  row([
    way.name,
    both(alone.times),
    ratio.toFixed(1),
    ...posts.map(({ perSecond }) => Math.round(perSecond).toString()),
    both(gets.times),
    both(drops.times),
  ]);
  return alone;
}

/** A gate on a filled ledger, for as long as it is measured. */
async function throughGate(
  name: string,
  settings: Readonly<Record<string, string>>,
  direct: Times,
): Promise<void> {
  const gate = await startGate({
    CORRAL_GATE_MARATHON: marathon.url,
    CORRAL_GATE_MESOS: mesos.url.href,
    ...settings,
  });
  try {
    await ready(gate);
    await measure({ url: gate.url, name }, direct);
  } finally {
    await end(gate.process);
  }
}

async function filled(store: Store): Promise<void> {
  await fill(store, SIZE);
  await store.close();
}

const directory = mkdtempSync(join(tmpdir(), 'corral-bench-'));
const etcd = await EtcdCluster.start();
const mesos = await startMesos(SIZE);
const marathon = await startMarathon();
try {
  heading(`Judged POST, ${SIZE.nodes} nodes, ${REQUESTS} requests each`);
  const alone = ['1 client', '16', '64'].map((clients) => `POST/s, ${clients}`);
  head(['', 'POST p50 / p99 ms', '× direct', ...alone, 'GET ms', 'DELETE ms']);
  const direct = await measure({ url: marathon.url, name: 'direct' });
  const ledger = join(directory, 'ledger');
  await filled(await openEmbeddedStore({ directory: ledger, ...deps }));
  const own = { CORRAL_LEDGER_DIRECTORY: ledger, CORRAL_LEDGER_SOCKET: join(directory, 'sock') };
  await throughGate('gate, embedded ledger', own, direct);
  await filled(openEtcdStore({ hosts: etcd.urls, ...deps }));
  const remote = { CORRAL_LEDGER_KIND: 'etcd', CORRAL_LEDGER_HOSTS: etcd.urls.join(',') };
  await throughGate('gate, etcd', remote, direct);
} finally {
  await end(marathon.process);
  await mesos.close();
  await agent.close();
  await etcd.stop();
  rmSync(directory, { recursive: true, force: true });
}
