import Joi from 'joi';
import { count, milliseconds, text } from './kinds.ts';

export interface FenceSettings {
  readonly mode: 'off' | 'watch' | 'on';
  readonly margin: number;
  readonly reopenExtra: number;
  readonly reopenAfterMs: number;
  readonly patienceMs: number;
  readonly netInBelowKbit: number;
  readonly netOutBelowKbit: number;
  readonly flipsPerMinute: number;
  readonly atOnce: number;
  readonly everyMs: number;
  readonly callWithinMs: number;
  readonly token?: string;
}

const MOST_KBIT = 1_000_000_000;

export const fenceSchema = Joi.object<FenceSettings, true>({
  mode: Joi.string()
    .valid('off', 'watch', 'on')
    .default('watch')
    .description(
      'take nodes without room out of Mesos offers; watch only records what it would do, off reopens all',
    ),
  margin: count({ from: 0, to: 100, otherwise: 5 }, 'launches').description(
    'close a node with fewer addresses than one accepted offer may launch; 0 or 1 closes empty ones only',
  ),
  reopenExtra: count({ from: 0, to: 1_000, otherwise: 0 }, 'addresses').description(
    'addresses beyond the margin that a closed node must have to open again',
  ),
  reopenAfterMs: milliseconds({ from: 0, to: 3_600_000, otherwise: 30_000 }).description(
    'how long a closed node must have room before it opens again',
  ),
  patienceMs: milliseconds({ from: 1_000, to: 600_000, otherwise: 10_000 }).description(
    'how long launches wait for roomy nodes before nodes below the margin open for them',
  ),
  netInBelowKbit: count({ from: 0, to: MOST_KBIT, otherwise: 1_000 }, 'kbit/s').description(
    'close a node with less net_in left than this',
  ),
  netOutBelowKbit: count({ from: 0, to: MOST_KBIT, otherwise: 1_000 }, 'kbit/s').description(
    'close a node with less net_out left than this',
  ),
  flipsPerMinute: count({ from: 2, to: 1_000, otherwise: 4 }, 'switches').description(
    'most openings and closings of one node within a minute; only openings wait for it',
  ),
  atOnce: count({ from: 1, to: 1_000, otherwise: 16 }, 'nodes').description(
    'most nodes switched in one pass; Mesos writes them to its registry together',
  ),
  everyMs: milliseconds({ from: 500, to: 60_000, otherwise: 5_000 }).description(
    'how often Mesos is asked for its agents; changes of the ledger are looked at sooner',
  ),
  callWithinMs: milliseconds({ from: 500, to: 30_000, otherwise: 5_000 }).description(
    'longest one switch at Mesos may take',
  ),
  token: text()
    .pattern(/^[A-Za-z][A-Za-z0-9_.-]*$/)
    .description(
      'resource that agents of Mesos 1.7 to 1.9 carry for this fence; src/fence/README.md has the set-up',
    ),
});
