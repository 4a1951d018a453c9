import { bytes, count, milliseconds } from './kinds.ts';

/** What the gate takes on at most, and for how long. */
export interface GateBounds {
  readonly decideWithinMs: number;
  readonly bodyWithinMs: number;
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  readonly maxConcurrentJudged: number;
  readonly reservationWithinMs: number;
  readonly reservationKeptMs: number;
  readonly forgetNodesAfterMs: number;
}

const DAY_MS = 86_400_000;
const MIB = 1_048_576;

export const gateBounds = {
  decideWithinMs: milliseconds({ from: 50, to: 30_000, otherwise: 2_000 }).description(
    'longest a change may wait for its verdict; clients give up after 10 s',
  ),
  bodyWithinMs: milliseconds({ from: 100, to: 600_000, otherwise: 10_000 }).description(
    'longest a client may take to send a body that is judged',
  ),
  maxBodyBytes: bytes({ from: 1_024, to: 256 * MIB, otherwise: 4 * MIB }).description(
    'largest body that is judged; others stream through at any size',
  ),
  maxHeaderBytes: bytes({ from: 1_024, to: MIB, otherwise: 32_768 }).description(
    'largest sum of the headers of one request',
  ),
  maxConcurrentJudged: count({ from: 1, to: 10_000, otherwise: 256 }, 'requests').description(
    'most changes judged at once; one more is answered 429',
  ),
  reservationWithinMs: milliseconds({
    from: 10_000,
    to: 7 * DAY_MS,
    otherwise: 1_800_000,
  }).description('longest that room is kept for an admitted change whose tasks do not start'),
  reservationKeptMs: milliseconds({ from: 1_000, to: DAY_MS, otherwise: 60_000 }).description(
    'how long room is kept when Marathon did not say whether it took the change',
  ),
  forgetNodesAfterMs: milliseconds({
    from: 600_000,
    to: 30 * DAY_MS,
    otherwise: DAY_MS,
  }).description('how long nobody must have known of a node before it counts as gone'),
};
