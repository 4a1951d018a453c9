import process from 'node:process';
import { Stock } from '../../../src/agent/stock.ts';
import { openDesk } from '../../../src/ledger/open-desk.ts';
import type { Desk } from '../../../src/ledger/desk.ts';
import type { Store } from '../../../src/ledger/store.ts';
import { systemClock } from '../../../src/plumbing/clock.ts';
import { silentLog } from '../../../src/plumbing/log.ts';
import { digits, head, heading, p50, p99, row } from '../judged/figures.ts';
import { type Backend, backends } from './backends.ts';
import { nodeName, POOLS, topology } from './topology.ts';

/** Addresses a second that a node's desk takes and gives back, beside what the ledger can do at all. */
const SECONDS = Number(process.env['SECONDS'] ?? 2);
const WRITERS = [1, 8, 64];
const HANDED_OUT = 300;

interface Rate {
  /** Of takes and releases, or of commits. */
  readonly perSecond: number;
  /** Of takes, or of commits, ms. */
  readonly times: readonly number[];
  readonly errors: number;
}

/** `work` again and again in each of so many places at once. It returns what its take took, ms. */
async function rate(
  writers: number,
  opsEach: number,
  work: (writer: number, round: number) => Promise<number>,
): Promise<Rate> {
  const times: number[] = [];
  let errors = 0;
  const begun = performance.now();
  const until = begun + SECONDS * 1_000;
  const writer = async (me: number): Promise<void> => {
    for (let round = 0; performance.now() < until; round++)
      try {
        times.push(await work(me, round));
      } catch {
        errors += 1;
      }
  };
  await Promise.all(Array.from({ length: writers }, (_, me) => writer(me)));
  const seconds = (performance.now() - begun) / 1_000;
  return { perSecond: (times.length * opsEach) / seconds, times, errors };
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
};

const patience = (): AbortSignal => AbortSignal.timeout(60_000);

/** Commits of the size of an allocation's that meet no other. */
async function raw(store: Store, writers: number): Promise<Rate> {
  const value = (bytes: number): string => 'x'.repeat(bytes);
  return rate(writers, 1, (me, round) => {
    const key = (what: string): string => `/bench/${what}/${me}`;
    return timed(() =>
      store.commit(
        {
          guards: ['a', 'b', 'c', 'd', 'e'].map((what) => ({
            key: key(`none-${what}`),
            revision: 0,
          })),
          writes: [
            { put: key('block'), value: value(300) },
            { put: key('tally'), value: value(100) },
            { put: key('lease'), value: value(200) + String(round) },
            { put: key('limit'), value: value(70) },
          ],
        },
        patience(),
      ),
    );
  });
}

/** The store, and how many commits were tried on it. */
function counting(store: Store): { readonly store: Store; readonly tries: () => number } {
  let tries = 0;
  const commit: Store['commit'] = (change, signal) => {
    tries += 1;
    return store.commit(change, signal);
  };
  return {
    store: new Proxy(store, {
      get: (target, name) => {
        if (name === 'commit') return commit;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    }),
    tries: () => tries,
  };
}

const open = (store: Store, node: number): Desk =>
  openDesk(store, {
    ...{ node: nodeName(node), clock: systemClock, log: silentLog, chance: Math.random },
    ...{ coolDownMs: 0, pressedCoolDownMs: 0 },
  });

type Deal = (me: number, round: number) => Promise<number>;

/** Take and give back, each writer at its desk. @returns what the take took, ms */
const dealing =
  (desks: readonly Desk[], network: string): Deal =>
  async (me, round) => {
    const desk = desks[me % desks.length] as Desk;
    const incarnation = `${network}-${desks.length}-${me}-${round}`;
    let address = '';
    const tookMs = await timed(async () => {
      ({ address } = await desk.take({ network, incarnation, by: 'docker' }, patience()));
    });
    await desk.release(address, incarnation, patience());
    return tookMs;
  };

/** All at once, for the first time: nobody has an address yet, so that all want the same blocks. */
async function rush(writers: number, deal: Deal): Promise<number> {
  const begun = performance.now();
  await Promise.all(Array.from({ length: writers }, (_, me) => deal(me, -1)));
  return performance.now() - begun;
}

const figures = ({ perSecond, times, errors }: Rate, of: number): (string | number)[] => [
  perSecond,
  (perSecond / of).toFixed(2),
  `${digits(p50(times))} / ${digits(p99(times))}`,
  errors === 0 ? '0' : String(errors),
];

async function measure({ name, store }: Backend): Promise<void> {
  await topology(store);
  heading(`allocations, ${name}`);
  head([
    ...['who', 'writers', 'pool', 'ops/s', 'of raw', 'take p50 / p99 ms', 'errors'],
    ...['commits an op', 'first rush: ms', 'commits an op'],
  ]);
  for (const writers of WRITERS) {
    const limit = await raw(store, writers);
    row([
      ...['raw transactions', String(writers), '-', ...figures(limit, limit.perSecond)],
      ...['1.00', '-', '-'],
    ]);
    for (const { network, size } of POOLS)
      await line(store, { network, size, writers, nodes: 1, of: limit.perSecond });
    for (const { network, size } of writers > 1 ? POOLS : [])
      await line(store, { network, size, writers, nodes: writers, of: limit.perSecond });
  }
}

async function line(
  store: Store,
  {
    network,
    size,
    writers,
    nodes,
    of,
  }: { network: string; size: string; writers: number; nodes: number; of: number },
): Promise<void> {
  const counted = counting(store);
  const desks = Array.from({ length: nodes }, (_, node) => open(counted.store, node));
  const deal = dealing(desks, network);
  const rushMs = await rush(writers, deal);
  const atFirst = counted.tries();
  const dealt = await rate(writers, 2, deal);
  await Promise.all(desks.map((desk) => desk.close()));
  const who = nodes === 1 ? 'one node' : `${nodes} nodes`;
  const tries = (counted.tries() - atFirst) / (2 * dealt.times.length);
  row([
    ...[who, String(writers), size, ...figures(dealt, of), tries.toFixed(2)],
    ...[rushMs.toFixed(0), (atFirst / (2 * writers)).toFixed(2)],
  ]);
}

/** How long the answer takes that comes out of stock, ms. */
async function stocked({ name, store }: Backend): Promise<(string | number)[]> {
  const desk = open(store, 0);
  const stock = new Stock({
    desk,
    clock: systemClock,
    log: silentLog,
    spare: 8,
    holds: () => true,
  });
  stock.checked();
  const { network, pool } = POOLS[1];
  stock.use(pool);
  const times: number[] = [];
  for (let n = 0; times.length < HANDED_OUT; n++) {
    const ask = { network, pool, incarnation: `stock-${n}`, by: 'docker' } as const;
    const begun = performance.now();
    const given = await stock.take(ask);
    if (given) times.push(performance.now() - begun);
    else await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await stock.stop();
  await desk.close();
  return [name, p50(times).toFixed(4), p99(times).toFixed(4)];
}

const answers: (string | number)[][] = [];
for await (const backend of backends()) {
  await measure(backend);
  answers.push(await stocked(backend));
}
heading('answers out of spare stock');
head(['ledger', 'p50 ms', 'p99 ms']);
for (const answer of answers) row(answer);
