import { type Chance, seededChance } from '../../../src/sim/chance.ts';
import type { Action, Fault, Step } from './actions.ts';
import { type RandomCluster, randomCluster } from './cluster.ts';
import { apps, changeOf, type Known } from './changes.ts';

/** A cluster and what happens on it. Everything else follows from the seed. */
export interface Scenario {
  readonly seed: number;
  readonly cluster: RandomCluster;
  readonly steps: readonly Step[];
  /** Nothing but clients' changes: what is admitted must run. */
  readonly calm: boolean;
  /** Corral's own processes, or what they rest on, are hurt. */
  readonly faults?: boolean;
}

const LONGEST_PAUSE_MS = 20_000;

/** The scenario of a seed. */
export function randomScenario(seed: number): Scenario {
  const chance = seededChance(seed);
  const cluster = randomCluster(chance);
  const calm = chance.next() < 0.25;
  const known: Known = { chance, cluster, apps: apps(chance) };
  const steps: Step[] = [];
  let atMs = 0;
  for (let n = chance.between(8, 26); n > 0; n -= 1) {
    const action = calm || chance.next() < 0.62 ? changeOf(known) : eventOf(known);
    steps.push({ atMs, action });
    atMs += Math.round(chance.next() ** 2 * LONGEST_PAUSE_MS);
  }
  return { seed, cluster, steps, calm };
}

const pick = <T>(chance: Chance, from: readonly T[]): T =>
  from[chance.between(0, from.length - 1)]!;

/** What no admission can know of beforehand. */
function eventOf(known: Known): Action {
  const { chance, cluster } = known;
  const node = pick(chance, cluster.nodes).name;
  const network = pick(chance, cluster.networks);
  const forMs = chance.between(5, 90) * 1_000;
  const drawn = chance.next();
  if (drawn < 0.3) return { do: 'outside', node, network, forMs };
  if (drawn < 0.46)
    return { do: 'foreign', node, network, cpus: chance.between(1, 20) / 10, forMs };
  if (drawn < 0.56) return { do: 'raise', nth: chance.between(0, 30), by: chance.between(2, 6) };
  if (drawn < 0.68) return { do: 'partition', node, forMs };
  if (drawn < 0.78) return { do: 'deactivate', node, forMs };
  if (drawn < 0.83) return { do: 'drain', node, forMs };
  if (drawn < 0.87) return { do: 'renew', node };
  if (drawn < 0.91) return { do: 'failover' };
  return { do: 'crash', app: pick(chance, known.apps).id, count: chance.between(1, 3) };
}

/** The scenario of a seed, with one to three faults at random times. */
export function faultyScenario(seed: number): Scenario {
  const scenario = randomScenario(seed);
  const chance = seededChance(seed + 1_000_000);
  const lastMs = scenario.steps.at(-1)?.atMs ?? 0;
  const faults = Array.from({ length: chance.between(1, 3) }, () => ({
    atMs: Math.round(chance.next() * lastMs),
    action: faultOf(chance),
  }));
  const steps = [...scenario.steps, ...faults].sort((a, b) => a.atMs - b.atMs);
  return { ...scenario, steps, faults: true };
}

function faultOf(chance: Chance): Fault {
  const forMs = chance.between(1, 60) * 1_000;
  const kinds: readonly Fault[] = [
    { do: 'kill gate', forMs },
    { do: 'lose ledger', forMs },
    {
      do: 'set clock',
      byMs: (chance.next() < 0.5 ? -1 : 1) * chance.between(1, 7_200) * 1_000,
      forMs,
    },
    { do: 'trouble', what: pick(chance, ['lost', 'dropped', 'busy'] as const) },
    { do: 'amid a switch', then: { do: 'kill gate', forMs } },
    { do: 'amid a switch', then: { do: 'failover' } },
    { do: 'amid a switch', then: { do: 'lose ledger', forMs } },
  ];
  return pick(chance, kinds);
}
