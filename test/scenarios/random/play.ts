import { World } from '../../fakes/simulated-world.ts';
import { told } from './actions.ts';
import { Events } from './events.ts';
import { breaches } from './laws.ts';
import type { Mode } from './modes.ts';
import type { Scenario } from './script.ts';
import { never, openStage, type Stage, type StageOptions } from './stage.ts';
import { type Figures, figuresOf, NOTHING_SEEN } from './figures.ts';
import { watchStranded } from './stranded.ts';

/**
 * Longest that an admitted instance takes to run once nothing else happens, ms, as far as it has room. It
 * adds up: a closed node waits 30 s of room to open, an address 60 s to be given again; what is held grows
 * within 2 s; one launch takes up to 13 s (5 s between revives, 1 s of allocation, 6 s of pull, 1 s to
 * start); a rolling upgrade may launch instances one after another.
 */
export const BOUND_MS = 180_000;

/** What came of a scenario. */
export interface Played {
  readonly figures: Figures;
  /** Promises that were broken, in words. */
  readonly breaches: readonly string[];
  readonly trace: readonly string[];
}

/** Plays a scenario, waits until all that was started is over and the bound has passed, and looks. */
export async function play(scenario: Scenario, mode: Mode, margin?: number): Promise<Played> {
  const world = new World(scenario.seed);
  return world.run(played(world, scenario, { mode, margin })).catch((fault: unknown) => {
    const says = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    return { figures: NOTHING_SEEN, breaches: [`fault: ${says}`], trace: world.trace };
  });
}

async function played(
  world: World,
  scenario: Scenario,
  { mode, margin }: Omit<StageOptions, 'cluster'>,
): Promise<Played> {
  const stage = await openStage(world, { cluster: scenario.cluster, mode, margin });
  const stranding = watchStranded(stage);
  await happened(stage, scenario);
  await stage.clock.sleep(BOUND_MS, never);
  const found = await breaches(stage, scenario, mode);
  return { figures: figuresOf(stage, stranding.now()), breaches: found, trace: world.trace };
}

/** Resolves when the last of it is over. */
async function happened(stage: Stage, { steps }: Scenario): Promise<void> {
  const { world, clock } = stage;
  const events = new Events(stage);
  const startMs = world.now();
  const under: Promise<void>[] = [];
  for (const step of steps) {
    await clock.sleep(startMs + step.atMs - world.now(), never);
    world.say(told(step));
    under.push(events.happen(step.action).catch((fault: unknown) => world.fail(fault)));
  }
  await Promise.all(under);
}
