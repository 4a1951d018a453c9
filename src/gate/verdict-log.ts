import type { VerdictRecord } from '../core/verdict-record.ts';
import { verdictId } from '../ledger/verdicts.ts';
import type { Log } from '../plumbing/log.ts';

/** Says each verdict once, and keeps it where it can be asked for. */
export interface VerdictLog {
  /** @returns the verdict's id, at once; it is written behind */
  add(record: VerdictRecord): string;
  /** Waits until all verdicts so far are written, or could not be. */
  flushed(): Promise<void>;
}

export interface VerdictLogDeps {
  readonly append: (record: VerdictRecord, random: string, signal: AbortSignal) => Promise<string>;
  /** Text of [0-9a-z]. */
  readonly random: () => string;
  readonly log: Log;
  /** For counts by answer. */
  readonly onVerdict?: (record: VerdictRecord) => void;
}

/** Longest a verdict may take to be written, ms. */
const WRITE_WITHIN_MS = 5_000;
/** Verdicts that may wait to be written; beyond it they are only logged. */
const MOST_WAITING = 1_000;

/** A verdict must not wait for its own record: it is history, and no promise rests on it. */
export function createVerdictLog({ append, random, log, onVerdict }: VerdictLogDeps): VerdictLog {
  const waiting: { readonly record: VerdictRecord; readonly text: string }[] = [];
  let writing: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      await append(next.record, next.text, AbortSignal.timeout(WRITE_WITHIN_MS)).catch(
        (fault: unknown) => log.warn('a verdict was not written', { fault: String(fault) }),
      );
    writing = undefined;
  };
  return {
    add(record) {
      const text = random();
      const id = verdictId(record.atMs, text);
      const { change, answer, message, sequence } = record;
      log.info('verdict', { id, change, answer, message, sequence });
      onVerdict?.(record);
      if (waiting.length < MOST_WAITING) waiting.push({ record, text });
      writing ??= write();
      return id;
    },
    async flushed() {
      await writing;
    },
  };
}
