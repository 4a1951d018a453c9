import { World } from '../fakes/simulated-world.ts';
import { playAgents } from './agent-play.ts';
import { playDesks } from './desk-play.ts';
import { deskDealer, plainDealer } from './desks.ts';

export interface Played {
  /** Events of the world. */
  readonly events: number;
  /** Addresses given. */
  readonly takes: number;
}

/** What a seed can be played on. A seed and a name say exactly what happens. */
export const plays: Readonly<Record<string, (world: World) => Promise<Played>>> = {
  /** takeAddress and releaseAddress on nodes that are killed, each deal its own commit. */
  ledger: (world) => playDesks(world, plainDealer),
  /** Desks, whose requests share commits. */
  desk: (world) => playDesks(world, deskDealer),
  /** Whole agents on a Docker, of which all are killed. */
  agent: playAgents,
};

/** A seed that broke a promise. */
export class SeedFailed extends Error {
  constructor(
    readonly play: string,
    readonly seed: number,
    readonly trace: readonly string[],
    cause: unknown,
  ) {
    const says = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    super(
      `seed ${seed} of "${play}": ${says}\n` +
        `play it again: npm run soak -- --play ${play} --from ${seed} --seeds 1 --trace`,
      { cause },
    );
  }
}

/** @throws SeedFailed */
export async function playSeed(play: string, seed: number): Promise<Played> {
  const world = new World(seed);
  try {
    return await plays[play]!(world);
  } catch (fault) {
    throw new SeedFailed(play, seed, world.trace, fault);
  }
}
