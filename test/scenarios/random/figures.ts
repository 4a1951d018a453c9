import { keys } from '../../../src/ledger/keys.ts';
import { missing } from './laws.ts';
import { type Episode, MOST_FAILURES } from './looker.ts';
import type { Stage } from './stage.ts';
import type { Stranding } from './stranded.ts';

/** What is counted of one scenario. */
export interface Figures {
  readonly launches: number;
  /** For lack of an address. */
  readonly failed: number;
  /** Failed launches of the longest episode. */
  readonly longest: number;
  /** Apps that were in a loop. */
  readonly loops: number;
  /** Instances that were admitted and do not run at the end. */
  readonly missing: number;
  /** Instances that wait in the queue of held apps at the end. */
  readonly waiting: number;
  readonly longestWaitMs: number;
  /** Addresses that nobody holds, on average over time; and those that no node is offered with. */
  readonly free: number;
  readonly stranded: number;
  readonly events: number;
}

/** Of a scenario that ended in a fault. */
export const NOTHING_SEEN: Figures = {
  ...{ launches: 0, failed: 0, longest: 0, loops: 0, missing: 0, waiting: 0 },
  ...{ longestWaitMs: 0, free: 0, stranded: 0, events: 0 },
};

const countApps = (episodes: readonly Episode[]): number =>
  new Set(episodes.map(({ app }) => app)).size;

export function figuresOf(stage: Stage, stranding: Stranding): Figures {
  const { looker, ledger, world } = stage;
  const { launches, failures, episodes, longestWaitMs } = looker;
  const lengths = episodes.map(({ failedMs }) => failedMs.length);
  const looping = episodes.filter(({ failedMs }) => failedMs.length > MOST_FAILURES);
  const absent = missing(stage);
  const held = absent.filter(({ spec }) => ledger.state.get(keys.held(spec.id)));
  const sum = (some: readonly { readonly count: number }[]): number =>
    some.reduce((total, { count }) => total + count, 0);
  return {
    ...{ launches, failed: failures, longestWaitMs, events: world.happened },
    ...stranding,
    longest: Math.max(0, ...lengths),
    loops: countApps(looping),
    missing: sum(absent) - sum(held),
    waiting: sum(held),
  };
}
