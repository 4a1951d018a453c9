import { randomBytes, randomUUID } from 'node:crypto';
import { Registry } from 'prom-client';
import type { MesosClient, MesosStreams } from '../cluster/mesos/client.ts';
import type { Settings } from '../config/settings.ts';
import { watchFailures } from '../gate/brake-watch.ts';
import { createDecide } from '../gate/decide.ts';
import { Flights } from '../gate/flights.ts';
import { createJudge, type Judge, type JudgeDeps } from '../gate/judge.ts';
import { createPlanner, type Planner } from '../gate/planner.ts';
import { createSettling } from '../gate/settle.ts';
import { createTurnstile } from '../gate/turnstile.ts';
import { createVerdictLog } from '../gate/verdict-log.ts';
import { NODES_KEPT } from '../gate/verdict-of.ts';
import type { WeighOptions } from '../gate/weigh.ts';
import type { Store } from '../ledger/store.ts';
import { VerdictLog as LedgerVerdicts } from '../ledger/verdicts.ts';
import { startView, type View } from '../ledger/view.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { Loop } from '../plumbing/loop.ts';
import { type FactsFeed, feedFacts } from './facts.ts';
import { type Fence, isFencedBy, openBook, startFence } from './fence.ts';
import { loopsBeside } from './gate-loops.ts';
import type { GateParts } from './gate-parts.ts';
import type { OwnMarathon } from './marathon.ts';
import { verdictMetrics } from './metrics.ts';

export interface GateInsideDeps {
  readonly settings: Settings;
  readonly marathon: OwnMarathon;
  /** Absent: no master is configured. */
  readonly mesos: (MesosClient & Partial<MesosStreams>) | undefined;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Random ones unless given. */
  readonly names?: Names;
}

/** New names, each unlike all others. */
export interface Names {
  /** For an operation. */
  readonly id: () => string;
  /** Tells apart what happens in one millisecond, of [0-9a-z]. */
  readonly mark: () => string;
}

const RANDOM: Names = { id: randomUUID, mark: () => randomBytes(5).toString('hex') };

/** A gate without its port: what it knows, how it judges, and all that it does by itself. */
export interface GateInside {
  readonly view: View;
  /** Resolves when the ledger has been read. */
  readonly opened: Promise<void>;
  readonly judge: Judge;
  readonly planner: Planner;
  readonly registry: Registry;
  readonly facts: FactsFeed;
  readonly loops: readonly Loop[];
  /** Absent: no master is configured. */
  readonly fence?: Fence;
  stop(): Promise<void>;
}

/** Longest constraint that is added to an app, characters: Mesos bounds a regex to 4 KiB of memory. */
const CONSTRAINT_LENGTH = 2_000;
/** How long room is kept for killed instances to come back, ms. */
const RELAUNCH_KEPT_MS = 300_000;

/** Wires a gate to its ledger, its Marathon and its Mesos; time is the clock's alone. */
export function startGateInside(deps: GateInsideDeps): GateInside {
  const { settings, store, clock, log, marathon, mesos } = deps;
  const ending = new AbortController();
  const { view, opened } = startView(store, { clock, log }, ending.signal);
  opened.catch(() => undefined);
  const book = openBook({ store, clock, log }, ending.signal);
  const isFenced = (node: string): boolean => isFencedBy(book, node);
  const facts = feedFacts({ ...deps, gate: settings.gate, view, isFenced });
  const registry = new Registry();
  const options = weighOptions(settings);
  const judge = judgeFor(deps, { view, registry, options });
  const planner = createPlanner({
    read: readBy(marathon),
    context: marathon.context,
    view,
    options: { ...options, mostNodes: NODES_KEPT },
  });
  const failures = watchFailures({ store, clock, log }, ending.signal);
  const shared = { settings, store, clock, log, view, marathon, registry, failures };
  const parts: GateParts = { ...shared, judge, planner };
  const fence = mesos && startFence({ ...shared, mesos }, { book, facts }, ending.signal);
  const loops = [...loopsBeside(parts, facts, ending.signal), ...(fence ? [fence.loop] : [])];
  return {
    ...{ view, opened, judge, planner, registry, facts, loops },
    ...(fence && { fence }),
    stop: async () => {
      ending.abort(new Error('the gate was stopped'));
      await Promise.all([...loops.map((loop) => loop.stop()), facts.stop()]);
    },
  };
}

const readBy =
  ({ client }: OwnMarathon): JudgeDeps['read'] =>
  (wanted, signal) =>
    client.read(wanted, signal);

const weighOptions = ({ gate }: Settings): WeighOptions => ({
  reroute: gate.reroute,
  maxConstraintLength: CONSTRAINT_LENGTH,
  hold: gate.hold,
  demand: { rateNames: gate.rateNames, secretPolicy: gate.secretPolicy },
});

interface Judging {
  readonly view: View;
  readonly registry: Registry;
  readonly options: WeighOptions;
}

function judgeFor(deps: GateInsideDeps, { view, registry, options }: Judging): Judge {
  const { settings, store, clock, log, marathon, names = RANDOM } = deps;
  const ledger = new LedgerVerdicts(store);
  const verdicts = createVerdictLog({
    append: (record, random, signal) => ledger.append(record, random, signal),
    random: names.mark,
    log,
    onVerdict: verdictMetrics(registry),
  });
  const decide = createDecide({
    view,
    store,
    turnstile: createTurnstile(),
    options: { ...options, mostNodes: NODES_KEPT },
    keptMs: settings.gate.reservationWithinMs,
    relaunchKeptMs: RELAUNCH_KEPT_MS,
    sentWithinMs: settings.gate.reservationKeptMs / 2,
    settling: createSettling({ store, view, log }),
    verdicts,
    lockedBy: marathon.lockedBy,
    clock,
    newId: names.id,
  });
  return createJudge({
    read: readBy(marathon),
    context: marathon.context,
    decide,
    sequence: () => view.sequence,
    flights: new Flights(clock),
    whenLedgerDown: settings.gate.whenLedgerDown,
    withinMs: settings.gate.decideWithinMs,
    clock,
    log,
  });
}
