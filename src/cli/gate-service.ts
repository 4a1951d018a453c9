import { randomBytes, randomUUID } from 'node:crypto';
import { Registry } from 'prom-client';
import type { Settings } from '../config/settings.ts';
import { createPermits } from '../gate/bounds.ts';
import { createDecide, NODES_KEPT } from '../gate/decide.ts';
import { createForwarder, type Forwarder } from '../gate/forward.ts';
import { createJudge, type Judge, type JudgeDeps } from '../gate/judge.ts';
import { createPlanner, type Planner } from '../gate/planner.ts';
import { createGate, createGateServer } from '../gate/server.ts';
import { createSettling } from '../gate/settle.ts';
import { createTurnstile } from '../gate/turnstile.ts';
import { createVerdictLog } from '../gate/verdict-log.ts';
import type { WeighOptions } from '../gate/weigh.ts';
import type { Store } from '../ledger/store.ts';
import { VerdictLog as LedgerVerdicts } from '../ledger/verdicts.ts';
import { startView, type View } from '../ledger/view.ts';
import type { Clock } from '../plumbing/clock.ts';
import { type Listening, listen } from '../plumbing/listen.ts';
import type { Log } from '../plumbing/log.ts';
import type { Loop } from '../plumbing/loop.ts';
import { type FactsFeed, feedFacts } from './facts.ts';
import { type GateParts, loopsBeside } from './gate-loops.ts';
import { openMarathon, type OwnMarathon } from './marathon.ts';
import { verdictMetrics } from './metrics.ts';

export interface GateServiceDeps {
  readonly settings: Settings;
  readonly marathonUrls: readonly string[];
  readonly mesosUrls: readonly string[];
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

/** A gate at work. */
export interface GateService {
  readonly url: string;
  readonly port: number;
  readonly view: View;
  /** Resolves when the ledger has been read. */
  readonly opened: Promise<void>;
  readonly planner: Planner;
  readonly marathon: OwnMarathon;
  readonly registry: Registry;
  readonly facts: FactsFeed;
  readonly loops: readonly Loop[];
  stop(): Promise<void>;
}

/** Longest constraint that is added to an app, characters: Mesos bounds a regex to 4 KiB of memory. */
const CONSTRAINT_LENGTH = 2_000;
/** How long room is kept for killed instances to come back, ms. */
const RELAUNCH_KEPT_MS = 300_000;
const CONNECTIONS = 64;

/** Wires a gate to its ledger and its Marathon, and opens its port. @throws CannotListen */
export async function startGateService(deps: GateServiceDeps): Promise<GateService> {
  const { settings, store, clock, log } = deps;
  const ending = new AbortController();
  const { view, opened } = startView(store, { clock, log }, ending.signal);
  const marathon = openMarathon(deps.marathonUrls, { gate: settings.gate, clock });
  opened.catch(() => undefined);
  const facts = feedFacts({ ...deps, gate: settings.gate, view });
  const registry = new Registry();
  const options = weighOptions(settings);
  const forwarder = forwarderFor(deps, marathon);
  const judge = judgeFor(deps, { view, marathon, registry, options });
  const planner = createPlanner({
    read: readBy(marathon),
    context: marathon.context,
    view,
    options: { ...options, mostNodes: NODES_KEPT },
  });
  const parts: GateParts = { settings, store, clock, log, view, marathon, judge, planner };
  const loops = loopsBeside(parts, facts, ending.signal);
  const listening = await openPort(deps, { forwarder, judge });
  const { host } = settings.gate.listen;
  return {
    url: `http://${host}:${listening.port}`,
    port: listening.port,
    view,
    opened,
    planner,
    marathon,
    registry,
    facts,
    loops,
    stop: async () => {
      await listening.close(5_000);
      ending.abort(new Error('the gate was stopped'));
      await Promise.all([...loops.map((loop) => loop.stop()), facts.stop()]);
      await forwarder.close();
      marathon.client.close();
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

const forwarderFor = ({ settings, log }: GateServiceDeps, { endpoints }: OwnMarathon): Forwarder =>
  createForwarder({
    endpoints,
    connections: CONNECTIONS,
    headersWithinMs: 30_000,
    trustForwarded: settings.gate.trustForwarded,
    log,
  });

interface Judging {
  readonly view: View;
  readonly marathon: OwnMarathon;
  readonly registry: Registry;
  readonly options: WeighOptions;
}

function judgeFor(deps: GateServiceDeps, { view, marathon, registry, options }: Judging): Judge {
  const { settings, store, clock, log } = deps;
  const ledger = new LedgerVerdicts(store);
  const verdicts = createVerdictLog({
    append: (record, random, signal) => ledger.append(record, random, signal),
    random: () => randomBytes(5).toString('hex'),
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
    settling: createSettling({ store, view, log }),
    verdicts,
    lockedBy: marathon.lockedBy,
    clock,
    newId: randomUUID,
  });
  return createJudge({
    read: readBy(marathon),
    context: marathon.context,
    decide,
    whenLedgerDown: settings.gate.whenLedgerDown,
    withinMs: settings.gate.decideWithinMs,
    clock,
    log,
  });
}

async function openPort(
  { settings, log }: GateServiceDeps,
  { forwarder, judge }: { forwarder: Forwarder; judge: Judge },
): Promise<Listening> {
  const { gate } = settings;
  const app = createGate({
    forwarder,
    judge,
    permits: createPermits(gate.maxConcurrentJudged),
    log,
    bounds: {
      maxTarget: 8_192,
      maxHeaders: 200,
      maxBytes: gate.maxBodyBytes,
      withinMs: gate.bodyWithinMs,
    },
    plugins: gate.plugins,
  });
  const server = createGateServer(app, {
    maxHeadBytes: gate.maxHeaderBytes,
    headWithinMs: 10_000,
    requestWithinMs: 0,
    keepAliveMs: 75_000,
    stallMs: 300_000,
  });
  return listen(server, gate.listen);
}
