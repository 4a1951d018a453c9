import { type Chance, seededChance } from '../../../src/sim/chance.ts';
import type { Action, Step } from './actions.ts';
import { type RandomCluster, randomCluster } from './cluster.ts';
import { apps, changeOf, type Known } from './changes.ts';

/** A cluster and what happens on it. Everything else follows from the seed. */
export interface Scenario {
  readonly seed: number;
  readonly cluster: RandomCluster;
  readonly steps: readonly Step[];
  /** Nothing but clients' changes: what is admitted must run. */
  readonly calm: boolean;
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
