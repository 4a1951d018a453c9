import { told } from './actions.ts';
import type { Mode } from './modes.ts';
import { play } from './play.ts';
import { randomScenario, type Scenario } from './script.ts';
import { shrunk } from './shrink.ts';

/** A seed that broke a promise, with the shortest script that was found to break one. */
export class ScenarioFailed extends Error {
  constructor(mode: Mode, scenario: Scenario, breaches: readonly string[]) {
    const { seed, cluster, steps } = scenario;
    const short = steps.map(told).join('\n');
    super(
      `seed ${seed} with ${mode}: ${breaches.join('; ')}\n` +
        `${cluster.nodes.length} nodes, ${JSON.stringify(cluster.topology)}\n${short}\n` +
        `play it again: npm run scenarios -- --mode ${mode} --from ${seed} --seeds 1 --trace`,
    );
  }
}

/** Plays a seed. @throws ScenarioFailed */
export async function keeps(seed: number, mode: Mode): Promise<void> {
  const scenario = randomScenario(seed);
  const { breaches } = await play(scenario, mode);
  if (breaches.length === 0) return;
  const fails = async (one: Scenario): Promise<boolean> =>
    (await play(one, mode)).breaches.length > 0;
  const short = await shrunk(scenario, fails);
  throw new ScenarioFailed(mode, short, (await play(short, mode)).breaches);
}
