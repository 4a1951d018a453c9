import type { Foreign } from '../core/fence-action.ts';
import type { Fences } from '../ledger/fences.ts';
import type { FenceForce } from './means.ts';
import type { PassReport } from './turn.ts';

/** What the fence of this process last found; only the one that leads has looked. */
export interface FenceState {
  /** Absent until this process led and looked. */
  readonly force?: FenceForce;
  readonly foreign: readonly Foreign[];
  /** Nodes that are to be switched and wait for their turn or for the flip limit. */
  readonly waiting: number;
  /** Since this process began. */
  readonly closings: number;
  readonly openings: number;
  readonly refusals: number;
}

/** Keeps what passes report. */
export class FenceStates {
  #state: FenceState = { foreign: [], waiting: 0, closings: 0, openings: 0, refusals: 0 };

  get now(): FenceState {
    return this.#state;
  }

  take({ force, steps, done }: PassReport): void {
    const count = (verb: string, outcomes: readonly string[]): number =>
      done.filter(({ action, outcome }) => action.do === verb && outcomes.includes(outcome)).length;
    const { closings, openings, refusals } = this.#state;
    const ill = ['refused', 'unreachable'];
    this.#state = {
      force,
      foreign: steps.foreign,
      waiting: steps.waiting,
      closings: closings + count('close', ['done', 'pending']),
      openings: openings + count('open', ['done', 'pending']),
      refusals: refusals + count('close', ill) + count('open', ill),
    };
  }
}

/** How many nodes are out of offers by us, and how many only would be. */
export function countFenced({ records }: Fences): {
  readonly fenced: number;
  readonly noted: number;
} {
  const all = [...records.values()].map(({ record }) => record);
  const noted = all.filter(({ mode }) => mode === 'watch').length;
  const yielded = all.filter(({ state }) => state === 'yielded').length;
  return { fenced: all.length - noted - yielded, noted };
}
