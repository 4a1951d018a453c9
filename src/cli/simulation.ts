import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { SimSettings } from '../config/sim.ts';
import { readTopology } from '../core/topology-read.ts';
import type { Store } from '../ledger/store.ts';
import { applyTopology } from '../ledger/topology.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { createSim, type Sim } from '../sim/sim.ts';
import { demoNodes } from '../sim/topology.ts';
import { ledgerAddresses } from './sim-addresses.ts';

export interface SimulationDeps {
  readonly settings: SimSettings;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a released address rests, ms. */
  readonly coolDownMs?: number;
}

const DEMO = fileURLToPath(new URL('../../config/demo.yaml', import.meta.url));
const WITHIN_MS = 30_000;

/** The demo's networks, pools and nodes into the ledger; saying it twice changes nothing. */
export async function loadDemoTopology(store: Store, clock: Clock): Promise<number> {
  const wanted = readTopology(parse(readFileSync(DEMO, 'utf8')) as unknown);
  const signal = AbortSignal.timeout(WITHIN_MS);
  const { steps } = await applyTopology(store, wanted, { signal, clock, prune: false });
  return steps.length;
}

/** A pretend cluster whose containers take their addresses from the ledger. */
export function createSimulation(deps: SimulationDeps): Sim {
  const { settings, store, clock, log, coolDownMs } = deps;
  return createSim({
    clock,
    seed: settings.seed,
    nodes: moreNodes(settings.nodes),
    addresses: ledgerAddresses({ store, clock, ...(coolDownMs !== undefined && { coolDownMs }) }),
    marathon: settings.marathon,
    mesos: settings.mesos,
    onFault: (fault) => log.error('the simulated cluster stumbled', { fault: String(fault) }),
  });
}

/** The demo's six, or as many alike as the settings ask for. */
function moreNodes(count: number): ReturnType<typeof demoNodes> {
  const six = demoNodes();
  return Array.from({ length: count }, (_, at) => {
    const like = six[at % six.length] ?? six[0];
    if (like === undefined) throw new RangeError('the demo has no nodes');
    const name = `node-${at + 1}.example.org`;
    return { ...like, name, address: `192.0.2.${(at % 254) + 1}` };
  });
}
