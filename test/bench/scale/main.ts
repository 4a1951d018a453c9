import { openEtcdStore } from '../../../src/ledger/etcd/store.ts';
import { systemClock } from '../../../src/plumbing/clock.ts';
import { silentLog } from '../../../src/plumbing/log.ts';
import { EtcdCluster } from '../../fakes/etcd.ts';
import { digits, head, heading, p50, p99, row } from '../judged/figures.ts';
import { end, type Gate, memoryOf, ready, startGate, startMarathon } from '../judged/processes.ts';
import { asks } from './asks.ts';
import { fill } from './fill.ts';
import { oneTally, openPicture, replaced, type Times, weighed } from './inside.ts';
import { startMesos } from './mesos.ts';
import type { Size } from './records.ts';

/** A gate on ledgers of two sizes: how long it takes to start, what it weighs, how fast it decides. */
const SIZES: readonly Size[] = [
  { nodes: 1_000, pools: 20, leases: 20_000 },
  { nodes: 10_000, pools: 200, leases: 200_000 },
];
const WARM = 10;
const PLANS = 60;
/** Mesos is asked every 2 s: some readings later memory has found its level. */
const SETTLED_MS = 12_000;

interface Outcome {
  readonly size: Size;
  readonly readyMs: number;
  readonly memory: { readonly start: number; readonly now: number; readonly most: number };
  readonly plans: ReadonlyMap<string, Times>;
  readonly inside: ReadonlyMap<string, Times>;
  readonly tally: Omit<Times, 'answer'>;
  readonly replaced: string;
}

const outcomes: Outcome[] = [];
const marathon = await startMarathon();
try {
  for (const size of SIZES) outcomes.push(await measure(size));
} finally {
  await end(marathon.process);
}
print();

async function measure(size: Size): Promise<Outcome> {
  const etcd = await EtcdCluster.start(1, { extra: ['--quota-backend-bytes', String(4 << 30)] });
  const store = openEtcdStore({ hosts: etcd.urls, clock: systemClock, log: silentLog });
  const mesos = await startMesos(size);
  const ending = new AbortController();
  try {
    await fill(store, size);
    const gate = await startGate({
      CORRAL_LEDGER_KIND: 'etcd',
      CORRAL_LEDGER_HOSTS: etcd.urls.join(','),
      CORRAL_GATE_MARATHON: marathon.url,
      CORRAL_GATE_MESOS: mesos.url.href,
    });
    const outside = await besides(gate).finally(() => end(gate.process));
    const view = await openPicture(store, mesos.url.href, ending.signal);
    const inside = await weighed(view);
    const { snapshot } = view;
    return { size, ...outside, inside, replaced: replaced(snapshot), tally: oneTally(snapshot) };
  } finally {
    ending.abort(new Error('measured'));
    await store.close();
    await mesos.close();
    await etcd.stop();
  }
}

async function besides(gate: Gate): Promise<Pick<Outcome, 'readyMs' | 'memory' | 'plans'>> {
  const readyMs = await ready(gate);
  const start = memoryOf(gate.process).now;
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  const plans = new Map<string, Times>();
  for (const [kind, app] of Object.entries(asks)) plans.set(kind, await planned(gate, app));
  return { readyMs, memory: { start, ...memoryOf(gate.process) }, plans };
}

async function planned({ console: url }: Gate, app: object): Promise<Times> {
  const times: number[] = [];
  let answer = '';
  for (let turn = 0; turn < WARM + PLANS; turn++) {
    const start = performance.now();
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(app);
    const reply = await fetch(`${url}/v1/plan`, { method: 'POST', headers, body });
    const plan = (await reply.json()) as { answer?: string };
    if (reply.status !== 200) throw new Error(`no plan: ${JSON.stringify(plan)}`);
    if (turn >= WARM) times.push(performance.now() - start);
    answer = plan.answer ?? '';
  }
  return { p50: p50(times), p99: p99(times), answer };
}

function print(): void {
  heading('A gate on a large cluster, etcd');
  head(['', ...outcomes.map(({ size }) => `${size.nodes} nodes, ${size.leases} leases`)]);
  const line = (name: string, of: (outcome: Outcome) => string): void =>
    row([name, ...outcomes.map(of)]);
  line('start to ready, s', ({ readyMs }) => digits(readyMs / 1_000));
  line('RSS when ready / after the plans / at most, MiB', ({ memory: { start, now, most } }) =>
    [start, now, most].map((mib) => mib.toFixed(0)).join(' / '),
  );
  line('one tally changed, room read: p50 / p99 us', ({ tally }) => pair(tally));
  line('made anew by it', (outcome) => outcome.replaced);
  console.log('');
  const sizes = outcomes.map(({ size }) => `${size.nodes} nodes`);
  const names = ['weigh()', 'POST /v1/plan'].flatMap((what) =>
    sizes.map((size) => `${what}, ${size}`),
  );
  head(['p50 / p99 ms', ...names, 'weigh() grows']);
  for (const kind of Object.keys(asks)) {
    const inside = outcomes.map((outcome) => outcome.inside.get(kind));
    const plans = outcomes.map((outcome) => outcome.plans.get(kind));
    const grows = (inside[1]?.p50 ?? NaN) / (inside[0]?.p50 ?? NaN);
    row([
      `${kind} (${inside[0]?.answer})`,
      ...[...inside, ...plans].map(pair),
      `×${digits(grows)}`,
    ]);
  }
}

function pair(times: Omit<Times, 'answer'> | undefined): string {
  return times ? `${digits(times.p50)} / ${digits(times.p99)}` : '-';
}
