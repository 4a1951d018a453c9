import type { NodeFacts } from '../../core/facts.ts';
import type { Clock } from '../../plumbing/clock.ts';
import type { Log } from '../../plumbing/log.ts';
import { type LoopState, startLoop } from '../../plumbing/loop.ts';
import type { MesosClient } from './client.ts';
import { type Inventory, takeInventory } from './inventory.ts';

export interface WatchFactsOptions {
  readonly client: MesosClient;
  readonly roles: readonly string[];
  readonly everyMs: number;
  /** Longest one reading may take. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Told after every good reading, in whole. */
  readonly onFacts: (facts: ReadonlyMap<string, NodeFacts>, homeRegion: string | undefined) => void;
}

/** For /ready. */
export interface FactsState extends LoopState {
  /** How old the last good reading is; absent before the first. */
  readonly ageMs?: number;
  readonly nodes: number;
  /** Agents of the last reading that could not be read. */
  readonly unreadable: readonly string[];
}

export interface FactsWatch {
  /** The last good reading; kept while Mesos is away. Empty before the first. */
  facts(): ReadonlyMap<string, NodeFacts>;
  state(): FactsState;
  /** Reads again at once. */
  wake(): void;
  stop(): Promise<void>;
}

const NONE: ReadonlyMap<string, NodeFacts> = new Map();
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 5_000;

/** Reads what Mesos says again and again. Mesos tells of no agent's change by itself, so it is asked. */
export function watchFacts(options: WatchFactsOptions): FactsWatch {
  const { client, roles, everyMs, deadlineMs, clock, log } = options;
  let last: Inventory | undefined;
  const read = async (signal: AbortSignal): Promise<void> => {
    last = await takeInventory(client, { roles, ...(last && { before: last }) }, signal);
    options.onFacts(last.facts, last.homeRegion);
  };
  const backoff = { backoffMs: FIRST_BACKOFF_MS, backoffCapMs: LONGEST_BACKOFF_MS };
  const loop = startLoop('mesos facts', read, { everyMs, ...backoff, deadlineMs, clock, log });
  return {
    facts: () => last?.facts ?? NONE,
    state: () => {
      const state = loop.state();
      const { lastOkMs } = state;
      const age = lastOkMs !== undefined && { ageMs: clock.now() - lastOkMs };
      const { facts = NONE, faults = [] } = last ?? {};
      return { ...state, ...age, nodes: facts.size, unreadable: faults };
    },
    wake: () => loop.wake(),
    stop: () => loop.stop(),
  };
}
