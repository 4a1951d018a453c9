import { keeps, keepsInFaults } from '../scenarios/random/failed.ts';
import type { Played } from './plays.ts';

/** Whole clusters before gate, fence and brake; beside `plays`, which are about the ledger. */
export const scenarioPlays: Readonly<Record<string, (seed: number) => Promise<Played>>> = {
  /** Random scripts of clients, operators and others. */
  scenarios: keeps,
  /** The same, while gates die, the ledger is lost, clocks are set and Mesos fails over, at random times. */
  faults: keepsInFaults,
};
