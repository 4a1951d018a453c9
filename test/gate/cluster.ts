import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GateService, startGateService } from '../../src/cli/gate-service.ts';
import { ledgerAddresses } from '../../src/cli/sim-addresses.ts';
import { type Settings, settingsSchema } from '../../src/config/settings.ts';
import type { LeaseRecord } from '../../src/core/lease-record.ts';
import type { ReservationRecord } from '../../src/core/promise-record.ts';
import { readTopology } from '../../src/core/topology-read.ts';
import { openEmbeddedStore } from '../../src/ledger/embedded/store.ts';
import { LedgerUnreachable } from '../../src/ledger/errors.ts';
import { prefixes } from '../../src/ledger/keys.ts';
import { listAll } from '../../src/ledger/listing.ts';
import { records } from '../../src/ledger/records.ts';
import type { Store } from '../../src/ledger/store.ts';
import { applyTopology } from '../../src/ledger/topology.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { type Log, silentLog } from '../../src/plumbing/log.ts';
import type { NodeOptions } from '../../src/sim/nodes.ts';
import { createSim, type Sim, type SimOptions } from '../../src/sim/sim.ts';
import type { Timing } from '../../src/sim/timing.ts';
import { createVirtualClock, type VirtualClock } from '../../src/sim/virtual-clock.ts';
import type { Seen } from '../fakes/upstream.ts';
import { type Answer, askAt } from '../sim/stage.ts';
import { type Intercept, startRecorder } from './recorder.ts';

type Deep<T> = T extends readonly unknown[] ? T : { readonly [K in keyof T]?: Deep<T[K]> };

export interface TestClusterOptions {
  /** As people write it (config/topology.example.yaml); `smallTopology()` unless given. */
  readonly topology?: unknown;
  /** Machines of the simulated Mesos; `smallNodes()` unless given. */
  readonly nodes?: readonly NodeOptions[];
  /** Laid over the defaults, section by section. */
  readonly settings?: Deep<Settings>;
  /** An opened store to use instead of a fresh embedded one; closing it is left to whoever opened it. */
  readonly store?: Store;
  /** The simulated cluster stands still until `clock.advance`; the gate keeps real time. */
  readonly virtual?: boolean;
  /** Gates in front of the same Marathon and ledger; 1 unless given. */
  readonly gates?: number;
  readonly timing?: Partial<Timing>;
  readonly sim?: Partial<SimOptions>;
  readonly log?: Log;
}

/** A gate before a simulated cluster, all real but the machines. */
export interface TestCluster {
  readonly gate: GateService;
  readonly gates: readonly GateService[];
  readonly settings: Settings;
  readonly sim: Sim;
  readonly store: Store;
  /** Moves the simulated cluster's time; present with `virtual`. */
  readonly clock: VirtualClock | undefined;
  /** One request through the (first) gate. A body that is no text is sent as JSON. */
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** One request to Marathon itself, past the gate. */
  direct(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Promises in the ledger, by app. */
  reservations(): Promise<ReadonlyMap<string, ReservationRecord>>;
  /** Leases in the ledger. */
  leases(): Promise<readonly LeaseRecord[]>;
  /** Why launches failed on the nodes, in order. */
  refusals(): readonly string[];
  /** Requests that reached Marathon through a gate and were no reads, in order. */
  arrived(): readonly Seen[];
  /** Answers in Marathon's place from now on; undefined ends that. */
  intercept(by: Intercept | undefined): void;
  /** Waits until Marathon carries out nothing: until then it takes no further change without force. */
  idle(): Promise<void>;
  /** Waits until it holds. @throws after `withinMs` (180 s), naming what was waited for */
  until(holds: () => boolean | Promise<boolean>, what?: string, withinMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Delays short enough that a deployment takes a few dozen milliseconds. */
export const FAST: Partial<Timing> = {
  pullMs: [0, 0],
  startMs: 5,
  failMs: 5,
  killMs: 5,
  healthMs: 5,
  allocationMs: 10,
  offerMs: 1,
  declineMs: 20,
  reviveMs: 10,
  scaleCheckMs: 200,
};

/** Three nodes in racks r1, r1, r2: node-1..node-3.example.org, 4 cpus and 4 GiB each. */
export const smallNodes = (count = 3): NodeOptions[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `node-${i + 1}.example.org`,
    cpus: 4,
    mem: 4_096,
    disk: 10_240,
    attributes: { rack: i < 2 ? 'r1' : 'r2' },
    address: `192.0.2.${i + 1}`,
  }));

/** One network "prod" of `addresses` addresses that every node reaches, and links of 1 Gbit/s. */
export const smallTopology = (addresses = 8, nodes = 3): unknown => ({
  pools: {
    'prod-a': {
      cidr: '198.51.100.0/24',
      ranges: [`198.51.100.10-198.51.100.${9 + addresses}`],
      gateway: '198.51.100.1',
    },
  },
  networks: { prod: { pools: ['prod-a'], default: '10mbit' } },
  nodes: Object.fromEntries(
    Array.from({ length: nodes }, (_, i) => [`node-${i + 1}.example.org`, { link: '1gbit' }]),
  ),
});

const port0 = { host: '127.0.0.1', port: 0 };

function settingsFrom(stated: Deep<Settings> = {}): Settings {
  const raw = {
    ...stated,
    gate: { listen: port0, decideWithinMs: 30_000, ...stated.gate }, // a busy machine is no fault
    console: { listen: port0, ...stated.console },
  };
  const { value, error } = settingsSchema.validate(raw);
  if (error) throw error;
  return value;
}

type Undo = () => Promise<unknown>;

/** Starts all of it, and ends what it started when one part does not start. */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const undo: Undo[] = [];
  const stop = async (): Promise<void> => {
    for (let next = undo.pop(); next; next = undo.pop()) await next();
  };
  try {
    return await start(options, undo, stop);
  } catch (fault) {
    await stop();
    throw fault;
  }
}

async function start(
  options: TestClusterOptions,
  undo: Undo[],
  stop: () => Promise<void>,
): Promise<TestCluster> {
  const { topology = smallTopology(), log = silentLog } = options;
  const settings = settingsFrom(options.settings);
  const store = options.store ?? (await freshStore(undo));
  await load(store, topology);
  const clock = options.virtual ? createVirtualClock() : undefined;
  const sim = simFor(options, { store, clock });
  const { marathonUrl } = await sim.start();
  undo.push(() => sim.stop());
  const refusals: string[] = [];
  sim.world.fleet.watch({ refused: (_container, why) => refusals.push(why) });
  const recorders = await Promise.all(sim.marathonUrls.map((url) => startRecorder(url)));
  for (const one of recorders) undo.push(() => one.close());
  const gates: GateService[] = [];
  for (let n = 0; n < (options.gates ?? 1); n += 1) {
    const gate = await startGateService({
      settings,
      marathonUrls: recorders.map(({ url }) => url),
      mesosUrls: sim.mesosUrls,
      store,
      clock: systemClock,
      log,
    });
    undo.push(() => gate.stop());
    gates.push(gate);
  }
  const [gate] = gates;
  if (!gate) throw new RangeError('a test cluster has at least one gate');
  const machines = sim.world.options.nodes.length;
  for (const one of gates) {
    await one.opened;
    await until(() => factsOf(one) >= machines, 'the gate knows every machine');
  }
  return {
    ...{ gate, gates, settings, sim, store, clock, until, stop },
    idle: () => until(() => isIdle(marathonUrl), 'no deployment is at work'),
    request: (...asked) => askAt(gate.url, ...asked),
    direct: (...asked) => askAt(marathonUrl, ...asked),
    reservations: () => reservationsIn(store),
    leases: () => leasesIn(store),
    refusals: () => [...refusals],
    arrived: () => recorders.flatMap(({ seen }) => seen).filter(({ method }) => !READS.has(method)),
    intercept: (by) => {
      for (const one of recorders) one.intercept = by;
    },
  };
}

const isIdle = async (marathonUrl: string): Promise<boolean> =>
  (await askAt(marathonUrl, 'GET', '/v2/deployments')).json.length === 0;
const READS = new Set(['GET', 'HEAD', 'OPTIONS']);
const factsOf = ({ view }: GateService): number =>
  [...view.snapshot.nodes()].filter(({ facts }) => facts !== undefined).length;

function simFor(
  { nodes = smallNodes(), timing, sim }: TestClusterOptions,
  { store, clock }: { store: Store; clock: VirtualClock | undefined },
): Sim {
  return createSim({
    clock: clock ?? systemClock,
    seed: 7,
    nodes,
    // Addresses rest for no time: tests give them back and take them again.
    addresses: ledgerAddresses({ store, clock: systemClock, coolDownMs: 0 }),
    marathon: port0,
    mesos: port0,
    timing: { ...FAST, ...timing },
    ...sim,
  });
}

async function freshStore(undo: Undo[]): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), 'corral-gate-'));
  undo.push(() => rm(directory, { recursive: true, force: true }));
  const store = await openEmbeddedStore({ directory, clock: systemClock, log: silentLog });
  undo.push(() => store.close());
  return store;
}

async function load(store: Store, topology: unknown): Promise<void> {
  const signal = AbortSignal.timeout(180_000);
  await applyTopology(store, readTopology(topology), { signal, clock: systemClock });
}

async function reservationsIn(store: Store): Promise<ReadonlyMap<string, ReservationRecord>> {
  const signal = AbortSignal.timeout(180_000);
  const { entries } = await listAll(store, prefixes.reservations, { signal });
  return new Map(
    entries.map((entry) => [
      decodeURIComponent(entry.key.slice(prefixes.reservations.length)),
      records.reservation.decode(entry),
    ]),
  );
}

async function leasesIn(store: Store): Promise<readonly LeaseRecord[]> {
  const signal = AbortSignal.timeout(180_000);
  const { entries } = await listAll(store, prefixes.leases, { signal });
  return entries.map((entry) => records.lease.decode(entry));
}

/** What holds, or undefined where the ledger was too slow to tell: on a machine that stands still it will. */
export async function bearing<T>(holds: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await holds();
  } catch (fault) {
    if (fault instanceof LedgerUnreachable) return undefined;
    throw fault;
  }
}

async function until(
  holds: () => boolean | Promise<boolean>,
  what = String(holds),
  withinMs = 180_000,
): Promise<void> {
  const late = AbortSignal.timeout(withinMs);
  while (!(await bearing(holds))) {
    if (late.aborted) throw new Error(`in ${withinMs} ms it did not come to pass: ${what}`);
    await systemClock.sleep(5, late).catch(() => undefined);
  }
}
