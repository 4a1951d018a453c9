import { MODES } from './modes.ts';

/** Scenarios that `npm test` plays. */
export const SEEDS = 300;
/** What they are played with: all there is. */
export const TESTED = MODES.at(-1)!;
