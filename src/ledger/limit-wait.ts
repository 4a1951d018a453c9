import type { Clock } from '../plumbing/clock.ts';
import { keys } from './keys.ts';
import type { Holding } from './limit-change.ts';
import { readStatus } from './limit-status.ts';
import { records } from './records.ts';
import type { Read } from './store.ts';

/**
 * What became of an edit: `replaced` by a later one before anybody said; `gone` with its lease; `waiting`
 * when the time was over first, and whether an agent lives there at all.
 */
export type Outcome =
  | { readonly state: 'enforced' }
  | { readonly state: 'failed' | 'invalid'; readonly reason: string }
  | { readonly state: 'replaced' | 'gone' }
  | { readonly state: 'waiting'; readonly alive: boolean };

export interface WaitOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly withinMs: number;
}

const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 400;

/** Waits until the agent of the node said what became of an edit. @throws LedgerUnreachable */
export async function outcomeOf(
  read: Read,
  { edit, ...place }: Holding & { readonly edit: string },
  { clock, signal, withinMs }: WaitOptions,
): Promise<Outcome> {
  const untilMs = clock.now() + withinMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    const outcome = await outcomeNow(read, { ...place, edit }, signal);
    if (outcome) return outcome;
    if (clock.now() >= untilMs) break;
    await clock.sleep(Math.min(pauseMs, untilMs - clock.now()), signal);
  }
  const alive = await read.get(keys.alive(place.node), signal);
  return { state: 'waiting', alive: alive !== undefined };
}

async function outcomeNow(
  read: Read,
  { edit, ...place }: Holding & { readonly edit: string },
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  // the limit first: its edit is taken away in the commit that writes the status
  const limit = await read.get(keys.limit(place.node, place.address), signal);
  const status = await readStatus(read, place, signal);
  if (status?.edit === edit)
    return status.state === 'enforced'
      ? { state: 'enforced' }
      : { state: status.state, reason: status.reason ?? '' };
  if (!limit) return { state: 'gone' };
  const now = records.limit.decodeAll([limit]).good[0]?.record.edit;
  return now === undefined || now === edit ? undefined : { state: 'replaced' };
}
