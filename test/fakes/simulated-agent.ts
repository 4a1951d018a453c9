import { Allocator } from '../../src/agent/allocator.ts';
import { Driver } from '../../src/agent/docker/driver.ts';
import { events } from '../../src/agent/docker/events.ts';
import { presence } from '../../src/agent/presence.ts';
import { startReconcile } from '../../src/agent/reconcile.ts';
import { replayTurn } from '../../src/agent/replay.ts';
import { openSpares } from '../../src/agent/spares.ts';
import { startWitness } from '../../src/agent/witness.ts';
import { factName } from '../../src/core/container-facts.ts';
import { openDesk } from '../../src/ledger/open-desk.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { startLoop } from '../../src/plumbing/loop.ts';
import type { Plugin, SimulatedDocker } from './simulated-docker.ts';
import { type Disk, simulatedJournal } from './simulated-journal.ts';
import type { SimulatedLedger } from './simulated-store.ts';
import type { Life } from './simulated-world.ts';

export interface SimulatedAgentDeps {
  readonly ledger: SimulatedLedger;
  readonly docker: SimulatedDocker;
  readonly disk: Disk;
  readonly node: string;
  readonly bootId: string;
  /** The agent before on this node was killed. */
  readonly afterKill: boolean;
  readonly coolDownMs: number;
  readonly pressedCoolDownMs: number;
  /** Addresses kept at hand. */
  readonly spare: number;
  /** Between two looks of the reconcile, and the least that looks which found nobody must span. */
  readonly looksMs: { readonly everyMs: number; readonly apartMs: number };
}

export const PLUGIN = 'corral';
const FACTS = {
  rates: { in: 'net_in', out: 'net_out' },
  app: [factName('env:MARATHON_APP_ID')],
  task: [],
};
const PACE = { backoffMs: 200, backoffCapMs: 5_000, deadlineMs: 30_000 };
const HEARTBEAT_TTL_MS = 15_000;

/** The agent's own code on a world's ledger, Docker and disk, wired as agent/service.ts wires it. */
export function simulatedAgent(deps: SimulatedAgentDeps, life: Life): Plugin {
  const { ledger, docker, disk, node, bootId } = deps;
  const { world } = ledger;
  const clock = world.clockOf(life);
  const log = silentLog;
  const store = ledger.client(life);
  const { coolDownMs, pressedCoolDownMs } = deps;
  const chance = () => world.chance.next();
  const plainDesk = openDesk(store, { node, clock, log, chance, coolDownMs, pressedCoolDownMs });
  const journal = simulatedJournal(world, life, disk);
  const engine = docker.engineFor(life);
  const names = { next: 0 };
  const newName = () => `${life.name.replaceAll('.', '')}x${(names.next += 1)}`;
  const { desk, stock } = openSpares(
    { desk: plainDesk, store, node, clock, log, settings: { spare: deps.spare } },
    (address, incarnation) => allocator.held.get(address)?.incarnation === incarnation,
  );
  const allocator = new Allocator({
    ...{ desk, stock, journal, node, bootId, clock, log, newName, afterKill: deps.afterKill },
  });
  const common = { desk, engine, clock, log, node, bootId, plugin: PLUGIN, factNames: FACTS };
  const reconcile = startReconcile({
    ...common,
    ...{ store, journal, holdings: allocator, steadyMs: world.now, ...deps.looksMs },
  });
  // a signal of its own, which goes with this life
  reconcile.looked(new AbortController().signal).then(
    () => stock.checked(),
    () => undefined,
  );
  const pace = { ...PACE, clock, log };
  const living = presence({ store, node, bootId, clock, ttlMs: HEARTBEAT_TTL_MS });
  startLoop('presence', living.turn, { ...pace, everyMs: HEARTBEAT_TTL_MS / 3 });
  startLoop('journal', replayTurn({ journal, desk }), { ...pace, everyMs: 1_000 });
  startLoop(
    'leases',
    async (signal) => {
      if (!allocator.known) await allocator.learn(signal);
    },
    { ...pace, everyMs: 60_000 },
  );
  startWitness({
    ...{ ...common, store },
    events: (signal) => events({ engine, clock, log }, signal),
    holdingAt: (address) => allocator.held.get(address),
    onMissed: () => reconcile.wake(),
  });
  const driver = new Driver({
    ...{ desk, allocator, node, clock, newNonce: newName, answerWithinMs: 2_800 },
  });
  return { life, driver };
}
