import { describe, it } from 'node:test';
import { keeps, keepsInFaults } from './random/failed.ts';

/** Seeds beyond those of `npm test` that once broke a promise, and how. */
const BREACHED: readonly (readonly [seed: number, how: string])[] = [
  [647, 'a node that was opened for another app was open to a burst as well'],
  [1025, 'eight instances were killed at once, and launched again while their addresses rested'],
  [1035, 'a node that its constraints excluded was taken for one that could take the launch'],
  [1462, 'a held app was changed to take no address, and waited for one'],
  [2299, 'a node was lost with four instances that were starting, and all were replaced at once'],
  [
    2312,
    'a node of a new agent and one that an operator gave back were open to a burst for seconds',
  ],
  [3409, 'an upgrade replaced seven instances at once, while their addresses rested'],
  [3446, 'all instances were killed at once, while other networks kept the nodes open'],
  [3761, 'an operator drained an empty node between our look at it and its reactivation'],
  [3948, 'an upgrade replaced eight instances at once'],
  [3474, 'what an upgrade that stood still was promised closed the node'],
];
const BREACHED_IN_FAULTS: typeof BREACHED = [
  [358, 'an address had rested three seconds before the end, and that was no room yet'],
  [671, 'a held app never grew: what fits of all is more than GROUP_BY lets fit by itself'],
];

describe('random scenarios that once broke a promise', { timeout: 300_000 }, () => {
  for (const [seed, how] of BREACHED) it(`${seed}: ${how}`, async () => void (await keeps(seed)));
  for (const [seed, how] of BREACHED_IN_FAULTS)
    it(`${seed}, with faults: ${how}`, async () => void (await keepsInFaults(seed)));
});
