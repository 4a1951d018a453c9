import type { VerdictRecord } from '../core/verdict-record.ts';
import type { BadRecord } from './errors.ts';
import { type HistoryQuery, listHistory } from './history.ts';
import { keys, prefixes } from './keys.ts';
import { records } from './records.ts';
import type { Read, Store } from './store.ts';

/** How many verdicts are remembered when nobody says. */
export const VERDICTS_KEPT = 1_000;

export interface Verdict {
  readonly id: string;
  readonly record: VerdictRecord;
}

export interface VerdictPage {
  /** Newest first. */
  readonly verdicts: readonly Verdict[];
  readonly faults: readonly BadRecord[];
  /** Hand it back as `before` for the page that follows; absent on the last one. */
  readonly next?: string;
}

/**
 * The id of a verdict: the smaller, the newer, so that the newest are read first without reading all.
 *
 * @param random  text of [0-9a-z] that tells apart verdicts of one millisecond
 */
export const verdictId = (atMs: number, random: string): string =>
  `${(FAR_FUTURE_MS - atMs).toString(36).padStart(9, '0')}-${random}`;

/** Year 5138; what is left until then shrinks as time passes, in nine digits of base 36. */
const FAR_FUTURE_MS = 99_999_999_999_999;

/** @throws BadRecord, LedgerUnreachable */
export async function getVerdict(
  read: Read,
  id: string,
  signal: AbortSignal,
): Promise<VerdictRecord | undefined> {
  const entry = await read.get(keys.verdict(id), signal);
  return entry && records.verdict.decode(entry);
}

const history = { prefix: prefixes.verdicts, key: keys.verdict, codec: records.verdict };

/** One page of the log, newest first. */
export async function listVerdicts(
  read: Read,
  query: HistoryQuery,
  signal: AbortSignal,
): Promise<VerdictPage> {
  const { entries: verdicts, ...rest } = await listHistory(read, history, query, signal);
  return { verdicts, ...rest };
}

const LISTED_AT_ONCE = 100;
const DROPPED_AT_ONCE = 100;

/**
 * The writer's side of the bounded log. It knows the keys that are there, so that a commit that adds a
 * verdict drops the one too many; it looks again once per `most` verdicts, for others write too.
 */
export class VerdictLog {
  readonly #store: Store;
  readonly #most: number;
  /** Newest first. Absent before the first look. */
  #known: string[] | undefined;
  #looking: Promise<string[]> | undefined;
  #sinceLook = 0;

  constructor(store: Store, { most = VERDICTS_KEPT }: { readonly most?: number } = {}) {
    this.#store = store;
    this.#most = most;
  }

  /** @returns the id. @throws BadRecord, LedgerUnreachable */
  async append(record: VerdictRecord, random: string, signal: AbortSignal): Promise<string> {
    const id = verdictId(record.atMs, random);
    const value = records.verdict.encode(record);
    const known = await this.#knownKeys(signal);
    this.#sinceLook++;
    known.unshift(keys.verdict(id));
    const excess = known.splice(Math.max(this.#most, known.length - DROPPED_AT_ONCE));
    const drops = excess.map((drop) => ({ drop }));
    const writes = [{ put: keys.verdict(id), value }, ...drops];
    await this.#store.commit({ guards: [], writes }, signal);
    return id;
  }

  async #knownKeys(signal: AbortSignal): Promise<string[]> {
    if (this.#known && this.#sinceLook < this.#most) return this.#known;
    this.#looking ??= this.#look(signal).finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #look(signal: AbortSignal): Promise<string[]> {
    const found: string[] = [];
    for (let after: string | undefined, more = true; more;) {
      const query = { prefix: prefixes.verdicts, limit: LISTED_AT_ONCE };
      const page = await this.#store.range(
        after === undefined ? query : { ...query, after },
        signal,
      );
      found.push(...page.entries.map(({ key }) => key));
      after = found.at(-1);
      more = page.more;
    }
    this.#known = found;
    this.#sinceLook = 0;
    return found;
  }
}
