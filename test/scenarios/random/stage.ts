import { ledgerAddresses } from '../../../src/cli/sim-addresses.ts';
import type { Settings } from '../../../src/config/settings.ts';
import { Refusal } from '../../../src/core/errors.ts';
import { readTopology } from '../../../src/core/topology-read.ts';
import type { Store } from '../../../src/ledger/store.ts';
import { applyTopology } from '../../../src/ledger/topology.ts';
import type { Clock } from '../../../src/plumbing/clock.ts';
import type { AddressSource } from '../../../src/sim/addresses.ts';
import { createWorld, type World as SimWorld } from '../../../src/sim/world.ts';
import { SimulatedLedger } from '../../fakes/simulated-store.ts';
import type { World } from '../../fakes/simulated-world.ts';
import type { RandomCluster } from './cluster.ts';
import { type Heard, type RandomGate, settingsFrom, startGate } from './gate.ts';
import { askMarathon, type Request } from './inside.ts';
import { Looker } from './looker.ts';
import { type Mode, settingsOf } from './modes.ts';

export const never = new AbortController().signal;

/** A pretend cluster on a virtual clock, its ledger, and the gates before it. */
export interface Stage {
  readonly world: World;
  readonly sim: SimWorld;
  readonly ledger: SimulatedLedger;
  /** Of the nodes and of the people, who never die. */
  readonly store: Store;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly looker: Looker;
  readonly gates: readonly RandomGate[];
  /** How wrong the gates' clocks are. */
  readonly skew: { ms: number };
  /** Starts one more gate process and waits until it knows the ledger. */
  startGate(): Promise<RandomGate>;
  /** A client's request: to the first gate that lives, or to Marathon itself where there is none. */
  ask(request: Request): Promise<Heard>;
}

/** What a client hears whose gate dies. */
const brokenOff = ({ life }: RandomGate): Promise<Heard> =>
  new Promise((resolve) => {
    life.onEnd.add(() => resolve({ status: 502, verdict: 'broken off' }));
  });

/** What cannot be given back now is given back later, and nobody waits for it: as an agent's journal does. */
const journalled = (addresses: AddressSource, clock: Clock): AddressSource => ({
  take: (request) => addresses.take(request),
  give: async (request) => {
    await addresses.give(request).catch((fault: unknown) => {
      if (!(fault instanceof Refusal)) throw fault;
      void untilDone(() => addresses.give(request), clock);
    });
  },
});

const AGAIN_AFTER_MS = 1_000;

/** Tries again for as long as the ledger is away. */
export async function untilDone(work: () => Promise<unknown>, clock: Clock): Promise<void> {
  for (;;)
    try {
      await work();
      return;
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      await clock.sleep(AGAIN_AFTER_MS, never);
    }
}

/** A gate has learned of every node by then, ms. */
const KNOWS_ALL_AFTER_MS = 3_000;

export interface StageOptions {
  readonly cluster: RandomCluster;
  readonly mode: Mode;
  /** Of the fence; its default unless given. */
  readonly margin?: number | undefined;
}

/** With one gate, except in the mode `nothing`. */
export async function openStage(
  world: World,
  { cluster, mode, margin }: StageOptions,
): Promise<Stage> {
  const ledger = new SimulatedLedger(world);
  const ever = { name: 'cluster', over: false, onEnd: new Set<() => void>(), end: () => undefined };
  const clock = world.clockOf(ever);
  const store = ledger.client(ever);
  await applyTopology(store, readTopology(cluster.topology), { signal: never, clock });
  const sim = createWorld({
    clock,
    seed: world.seed,
    nodes: cluster.nodes,
    addresses: journalled(ledgerAddresses({ store, clock, coolDownMs: cluster.coolDownMs }), clock),
    onFault: (fault) => world.fail(fault),
  });
  sim.agenda.run().catch((fault: unknown) => world.fail(fault));
  const looker = new Looker({ sim, ledger, world });
  const settings = settingsFrom(settingsOf(mode, margin));
  const gates: RandomGate[] = [];
  const skew = { ms: 0 };
  const stage: Stage = {
    ...{ world, sim, ledger, store, clock, settings, looker, gates, skew },
    startGate: async () => {
      const gate = startGate({ ledger, sim, settings, looker, skew }, `gate-${gates.length + 1}`);
      gates.push(gate);
      await gate.inside.opened;
      return gate;
    },
    ask: (request) => {
      const gate = gates.find(({ life }) => !life.over);
      if (!gate) return Promise.resolve({ status: askMarathon(sim, request).status });
      return Promise.race([gate.request(request), brokenOff(gate)]);
    },
  };
  if (mode !== 'nothing') await stage.startGate();
  await clock.sleep(KNOWS_ALL_AFTER_MS, never);
  return stage;
}
