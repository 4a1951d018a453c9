import { ledgerAddresses } from '../../src/cli/sim-addresses.ts';
import { readTopology } from '../../src/core/topology-read.ts';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import type { Store } from '../../src/ledger/store.ts';
import { applyTopology } from '../../src/ledger/topology.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { createSim, type Sim } from '../../src/sim/sim.ts';
import { EtcdCluster } from '../fakes/etcd.ts';
import type { Seen } from '../fakes/upstream.ts';
import { type Answer, askAt } from '../sim/stage.ts';
import { bearing, FAST, smallNodes, smallTopology } from './cluster.ts';
import { type GateProcess, startGateProcess } from './gate-process.ts';
import { type Recorder, startRecorder } from './recorder.ts';

/** One gate process, and all that it says to Marathon and to Mesos. */
export interface Member {
  readonly gate: GateProcess;
  readonly marathon: Recorder;
  readonly mesos: Recorder;
  /** Requests that change something, in order. */
  acted(): readonly Seen[];
}

export interface HaRigOptions {
  readonly gates?: number;
  readonly addresses: number;
  readonly nodes?: number;
  /** As GateProcessOptions has them, for every gate. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Several gate processes on one etcd, before one simulated cluster. */
export interface HaRig {
  readonly members: readonly Member[];
  readonly sim: Sim;
  readonly store: Store;
  /** One request to Marathon itself, past every gate. */
  direct(method: string, path: string, body?: unknown): Promise<Answer>;
  until<T>(
    holds: () => T | undefined | false | Promise<T | undefined | false>,
    what: string,
  ): Promise<T>;
  stop(): Promise<void>;
}

type Undo = () => Promise<unknown>;

/** Many times as long as it takes on an idle machine. */
const WITHIN_MS = 180_000;

/** Starts all of it, and ends what it started when one part does not start. */
export async function startHaRig(options: HaRigOptions): Promise<HaRig> {
  const undo: Undo[] = [];
  const stop = async (): Promise<void> => {
    for (let next = undo.pop(); next; next = undo.pop()) await next();
  };
  try {
    const rig = await start(options, undo);
    return { ...rig, until: untilIn(rig.members), stop };
  } catch (fault) {
    await stop();
    throw fault;
  }
}

async function start(
  { gates = 3, addresses, nodes = 3, settings = {} }: HaRigOptions,
  undo: Undo[],
): Promise<Omit<HaRig, 'until' | 'stop'>> {
  const etcd = await EtcdCluster.start();
  undo.push(() => etcd.stop());
  const store = openEtcdStore({ hosts: etcd.urls, clock: systemClock, log: silentLog });
  undo.push(() => store.close());
  const topology = readTopology(smallTopology(addresses, nodes));
  await applyTopology(store, topology, {
    signal: AbortSignal.timeout(180_000),
    clock: systemClock,
  });
  const sim = createSim({
    ...{ clock: systemClock, seed: 7, nodes: smallNodes(nodes), timing: FAST },
    addresses: ledgerAddresses({ store, clock: systemClock, coolDownMs: 0 }),
    marathon: { port: 0 },
    mesos: { port: 0 },
  });
  const { marathonUrl, mesosUrl } = await sim.start();
  undo.push(() => sim.stop());
  const ledger = { LEDGER_KIND: 'etcd', LEDGER_HOSTS: etcd.urls.join(',') };
  const joining = { marathonUrl, mesosUrl, undo, settings: { ...ledger, ...settings } };
  const started = await Promise.allSettled(
    Array.from({ length: gates }, () => startMember(joining)),
  );
  const members = started.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  return { members, sim, store, direct: (...asked) => askAt(marathonUrl, ...asked) };
}

interface Joining {
  readonly marathonUrl: string;
  readonly mesosUrl: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly undo: Undo[];
}

async function startMember({ marathonUrl, mesosUrl, settings, undo }: Joining): Promise<Member> {
  const [marathon, mesos] = await Promise.all([
    startRecorder(marathonUrl),
    startRecorder(mesosUrl),
  ]);
  undo.push(
    () => marathon.close(),
    () => mesos.close(),
  );
  const urls = { GATE_MARATHON: marathon.url, GATE_MESOS: mesos.url };
  const gate = await startGateProcess({
    settings: { GATE_DECIDE_WITHIN_MS: '30000', ...settings, ...urls },
  });
  undo.push(() => {
    gate.resume(); // one that stands still cannot be told to stop
    return gate.stop();
  });
  const acted = () => [...marathon.seen.filter(isChange), ...mesos.seen.filter(isSwitch)];
  return { gate, marathon, mesos, acted };
}

const isChange = ({ method }: Seen): boolean => method !== 'GET';
const SWITCHES =
  /"type":"(?:DEACTIVATE_AGENT|REACTIVATE_AGENT|RESERVE_RESOURCES|UNRESERVE_RESOURCES)"/;
const isSwitch = ({ body }: Seen): boolean => SWITCHES.test(body.toString());

const LINES_TOLD = 20;
const lastWords = (members: readonly Member[]): string =>
  members
    .map(({ gate }, at) => [`gate ${at + 1}:`, ...gate.logged.slice(-LINES_TOLD)].join('\n  '))
    .join('\n');

const untilIn =
  (members: readonly Member[]): HaRig['until'] =>
  async (holds, what) => {
    const late = AbortSignal.timeout(WITHIN_MS);
    for (;;) {
      const found = await bearing(holds);
      if (found !== undefined && found !== false) return found;
      if (late.aborted) {
        const words = lastWords(members);
        throw new Error(`in ${WITHIN_MS} ms it did not come to pass: ${what}\n${words}`);
      }
      await systemClock.sleep(20, late).catch(() => undefined);
    }
  };
