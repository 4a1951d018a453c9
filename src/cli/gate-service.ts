import type { Registry } from 'prom-client';
import type { Settings } from '../config/settings.ts';
import { createPermits } from '../gate/bounds.ts';
import { createForwarder, type Forwarder } from '../gate/forward.ts';
import type { Judge } from '../gate/judge.ts';
import type { Planner } from '../gate/planner.ts';
import { createGate, createGateServer } from '../gate/server.ts';
import type { Store } from '../ledger/store.ts';
import type { View } from '../ledger/view.ts';
import type { Clock } from '../plumbing/clock.ts';
import { type Listening, listen } from '../plumbing/listen.ts';
import type { Log } from '../plumbing/log.ts';
import type { Loop } from '../plumbing/loop.ts';
import { accessFrom } from './access.ts';
import { type FactsFeed, openMesos } from './facts.ts';
import type { Fence } from './fence.ts';
import { startGateInside } from './gate-inside.ts';
import { openMarathon, type OwnMarathon } from './marathon.ts';

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
  /** Absent: no Mesos master is configured. */
  readonly fence?: Fence;
  stop(): Promise<void>;
}

const CONNECTIONS = 64;

/** Wires a gate to its ledger and its Marathon, and opens its port. @throws CannotListen */
export async function startGateService(deps: GateServiceDeps): Promise<GateService> {
  const { settings, clock } = deps;
  const marathon = openMarathon(deps.marathonUrls, { gate: settings.gate, clock });
  const mesos = openMesos(deps.mesosUrls, settings.gate);
  const forwarder = forwarderFor(deps, marathon);
  const inside = startGateInside({ ...deps, marathon, mesos });
  const listening = await openPort(deps, { forwarder, judge: inside.judge });
  const { host } = settings.gate.listen;
  return {
    ...inside,
    url: `http://${host}:${listening.port}`,
    port: listening.port,
    marathon,
    stop: async () => {
      await listening.close(5_000);
      await inside.stop();
      await forwarder.close();
      marathon.client.close();
      mesos?.close();
    },
  };
}

/** Clients bring their own credentials. */
function forwarderFor(
  { settings: { gate }, log }: GateServiceDeps,
  { endpoints }: OwnMarathon,
): Forwarder {
  const { ca } = accessFrom(gate);
  return createForwarder({
    endpoints,
    connections: CONNECTIONS,
    headersWithinMs: 30_000,
    trustForwarded: gate.trustForwarded,
    ...(ca !== undefined && { ca }),
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
