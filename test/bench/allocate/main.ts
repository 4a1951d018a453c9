import process from 'node:process';
import { Stock } from '../../../src/agent/stock.ts';
import { openDesk } from '../../../src/ledger/open-desk.ts';
import type { Desk } from '../../../src/ledger/desk.ts';
import type { Store } from '../../../src/ledger/store.ts';
import { systemClock } from '../../../src/plumbing/clock.ts';
import { silentLog } from '../../../src/plumbing/log.ts';
import { digits, head, heading, p50, p99, row } from '../judged/figures.ts';
import { type Backend, backends } from './backends.ts';
import { nodesFor, POOLS, topology } from './topology.ts';

/** Addresses a second that a node's desk takes and gives back, beside what the ledger can do at all. */
const SECONDS = Number(process.env['SECONDS'] ?? 2);
const WRITERS = [1, 8, 64];
const HANDED_OUT = 300;
/** What is measured at once: whatever else the machine does falls on all subjects alike. */
const SLICE_MS = 250;

/** One way of using the ledger, and what it came to. */
interface Subject {
  readonly cells: readonly string[];
  readonly writers: number;
  /** Operations in one round of work. */
  readonly opsEach: number;
  /** One round. @returns what its take, or its commit, took, ms */
  readonly work: (writer: number, round: number) => Promise<number>;
  /** What is known at the end: commits an op, the first rush. */
  readonly after: () => readonly (string | number)[];
  readonly close: () => Promise<void>;
  readonly times: number[];
  errors: number;
  rounds: number;
  ms: number;
  cpuMs: number;
}

const nothingYet = { errors: 0, rounds: 0, ms: 0, cpuMs: 0 };

/** `work` again and again in each of so many places at once, for a slice of time. */
async function slice(subject: Subject): Promise<void> {
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const writer = async (me: number): Promise<void> => {
    while (performance.now() < begun + SLICE_MS)
      try {
        subject.times.push(await subject.work(me, subject.rounds++));
      } catch {
        subject.errors += 1;
      }
  };
  await Promise.all(Array.from({ length: subject.writers }, (_, me) => writer(me)));
  subject.ms += performance.now() - begun;
  const { user, system } = process.cpuUsage(cpu);
  subject.cpuMs += (user + system) / 1_000;
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
};

const patience = (): AbortSignal => AbortSignal.timeout(60_000);

/** Commits of the size of an allocation's that meet no other. */
function raw(store: Store, writers: number): Subject {
  const value = (bytes: number): string => 'x'.repeat(bytes);
  const work: Subject['work'] = (me, round) => {
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
  };
  return {
    ...{ cells: ['raw transactions', String(writers), '-'], writers, opsEach: 1, work },
    ...{ after: () => ['1.00', '-', '-'], close: () => Promise.resolve() },
    ...{ ...nothingYet, times: [] },
  };
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

const open = (store: Store, node: string): Desk =>
  openDesk(store, {
    ...{ node, clock: systemClock, log: silentLog, chance: Math.random },
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

interface Cell {
  readonly network: string;
  readonly size: string;
  readonly writers: number;
  readonly nodes: number;
}

/** Desks that have had their first rush. */
async function dealers(store: Store, { network, size, writers, nodes }: Cell): Promise<Subject> {
  const counted = counting(store);
  const names = await nodesFor(store, `${network}-${writers}-${nodes}`, nodes);
  const desks = names.map((name) => open(counted.store, name));
  const deal = dealing(desks, network);
  const rushMs = await rush(writers, deal);
  const atFirst = counted.tries();
  const who = nodes === 1 ? 'one node' : `${nodes} nodes`;
  const subject: Subject = {
    ...{ cells: [who, String(writers), size], writers, opsEach: 2, work: deal },
    after: () => [
      ((counted.tries() - atFirst) / (2 * subject.times.length)).toFixed(2),
      rushMs.toFixed(0),
      (atFirst / (2 * writers)).toFixed(2),
    ],
    close: async () => {
      await Promise.all(desks.map((desk) => desk.close()));
    },
    ...{ ...nothingYet, times: [] },
  };
  return subject;
}

async function measure({ name, store }: Backend): Promise<void> {
  await topology(store);
  heading(`allocations, ${name}`);
  head([
    ...['who', 'writers', 'pool', 'ops/s', 'of raw', 'take p50 / p99 ms', 'p99 of raw'],
    ...['CPU us an op', 'errors', 'commits an op', 'first rush: ms', 'commits an op'],
  ]);
  for (const writers of WRITERS) await compared(store, writers);
}

/** All subjects of so many writers, in turns. */
async function compared(store: Store, writers: number): Promise<void> {
  const subjects = [raw(store, writers)];
  for (const nodes of writers > 1 ? [1, writers] : [1])
    for (const { network, size } of POOLS)
      subjects.push(await dealers(store, { network, size, writers, nodes }));
  const rounds = Math.ceil((SECONDS * 1_000) / SLICE_MS);
  for (let round = 0; round < rounds; round++)
    // each comes after each other one in turn
    for (let at = 0; at < subjects.length; at++)
      await slice(subjects[(round + at) % subjects.length] as Subject);
  for (const one of subjects) {
    row([...one.cells, ...figures(one, subjects[0] as Subject), ...one.after()]);
    await one.close();
  }
}

const perSecond = ({ times, opsEach, ms }: Subject): number =>
  (times.length * opsEach * 1_000) / ms;

const figures = (one: Subject, limit: Subject): (string | number)[] => [
  perSecond(one),
  (perSecond(one) / perSecond(limit)).toFixed(2),
  `${digits(p50(one.times))} / ${digits(p99(one.times))}`,
  (p99(one.times) / p99(limit.times)).toFixed(2),
  ((one.cpuMs * 1_000) / (one.times.length * one.opsEach)).toFixed(0),
  String(one.errors),
];

/** How long the answer takes that comes out of stock, ms. */
async function stocked({ name, store }: Backend): Promise<(string | number)[]> {
  const [node] = await nodesFor(store, 'stocked', 1);
  const desk = open(store, node as string);
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
