import { told } from './actions.ts';
import { FULL, type Mode } from './modes.ts';
import { play, type Played } from './play.ts';
import { faultyScenario, randomScenario, type Scenario } from './script.ts';
import { shrunk } from './shrink.ts';

/** A seed that broke a promise, with the shortest script that was found to break one. */
export class ScenarioFailed extends Error {
  readonly trace: readonly string[];

  constructor(mode: Mode, { seed, cluster, steps, faults }: Scenario, played: Played) {
    const again = faults === true ? 'soak -- --play faults' : `scenarios -- --mode "${mode}"`;
    super(
      `seed ${seed} with ${mode}: ${played.breaches.join('; ')}\n` +
        `${cluster.nodes.length} nodes, ${JSON.stringify(cluster.topology)}\n` +
        `${steps.map(told).join('\n')}\n` +
        `play it again: npm run ${again} --from ${seed} --seeds 1 --trace`,
    );
    this.trace = played.trace;
  }
}

/** What a kept seed came to. */
export interface Kept {
  readonly events: number;
  /** Launches that got their addresses. */
  readonly takes: number;
}

/** Plays a seed. @throws ScenarioFailed */
export const keeps = (seed: number, mode: Mode = FULL): Promise<Kept> =>
  kept(randomScenario(seed), mode);

/** Plays a seed with faults at random times. @throws ScenarioFailed */
export const keepsInFaults = (seed: number): Promise<Kept> => kept(faultyScenario(seed), FULL);

async function kept(scenario: Scenario, mode: Mode): Promise<Kept> {
  const { breaches, figures } = await play(scenario, mode);
  const { events, launches, failed } = figures;
  if (breaches.length === 0) return { events, takes: launches - failed };
  const fails = async (one: Scenario): Promise<boolean> =>
    (await play(one, mode)).breaches.length > 0;
  const short = await shrunk(scenario, fails);
  throw new ScenarioFailed(mode, short, await play(short, mode));
}
