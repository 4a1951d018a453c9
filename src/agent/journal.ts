import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../plumbing/log.ts';
import { JournalUnusable } from './journal-errors.ts';
import type { JournalLine, PendingRelease, ReleaseName } from './journal-lines.ts';
import { lineOf, nameOf, replay } from './journal-lines.ts';

export type { PendingRelease, ReleaseName } from './journal-lines.ts';

/** Releases that the ledger has not heard of yet, kept on the node's disk. */
export interface Journal {
  /**
   * On disk (fsync) once it resolves; those that wait together share the fsync. Adding again while it is
   * pending is as good as once, and the later time counts.
   *
   * @throws JournalUnusable when the disk does not take it; it is pending even so, as long as this
   *         process lives, and is written as soon as the disk takes something again
   */
  add(entry: PendingRelease): Promise<void>;
  /** In the order they were added. */
  pending(): readonly PendingRelease[];
  /**
   * No longer pending, unless it was added again at another time: that one is still to be told. Never fails:
   * a release that is replayed once too often changes nothing.
   */
  settle(entry: ReleaseName & Pick<PendingRelease, 'atMs'>): Promise<void>;
  state(): JournalState;
  /** Ends once what was called has ended. Idempotent. */
  close(): Promise<void>;
}

export interface JournalState {
  readonly pending: number;
  /** Why the last write failed; absent when it went well. */
  readonly fault?: string;
}

export interface JournalDeps {
  readonly log: Log;
}

const FILE = 'releases.journal';
/** The file is written anew when it has more lines than this and most of them are settled. */
const LINES_BEFORE_COMPACTION = 1_000;
const FULL = new Set(['ENOSPC', 'EDQUOT']);

/**
 * Opens the journal in `directory`, which is made when missing, and replays what is in it. A full disk
 * is no reason not to: what is pending can be replayed, and state() tells.
 *
 * @throws JournalUnusable
 */
export async function openJournal(directory: string, { log }: JournalDeps): Promise<Journal> {
  const file = join(directory, FILE);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const { pending, damaged } = replay(await contentOf(file));
    if (damaged > 0) log.warn('the journal had damaged lines', { file, damaged });
    const journal = new FileJournal(directory, pending);
    await journal.begin();
    return journal;
  } catch (fault) {
    throw new JournalUnusable(file, textOf(fault), { cause: fault });
  }
}

const textOf = (fault: unknown): string => (fault instanceof Error ? fault.message : String(fault));

const contentOf = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((fault: unknown) => {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw fault;
  });

interface Waiting {
  readonly line: JournalLine;
  readonly done: () => void;
  readonly failed: (fault: JournalUnusable) => void;
}

class FileJournal implements Journal {
  readonly #directory: string;
  readonly #file: string;
  readonly #pending: Map<string, PendingRelease>;
  #handle: FileHandle | undefined;
  #lines = 0;
  /** The file's end is unknown after a failed write, so nothing more is appended to it. */
  #doubtful = false;
  #fault: string | undefined;
  #queue: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #closed = false;

  constructor(directory: string, pending: readonly PendingRelease[]) {
    this.#directory = directory;
    this.#file = join(directory, FILE);
    this.#pending = new Map(pending.map((entry) => [nameOf(entry), entry]));
  }

  add(entry: PendingRelease): Promise<void> {
    if (this.#closed) return Promise.reject(new JournalUnusable(this.#file, 'it was closed'));
    this.#pending.set(nameOf(entry), entry);
    return this.#written({ added: entry });
  }

  pending(): readonly PendingRelease[] {
    return [...this.#pending.values()];
  }

  async settle({ address, incarnation, atMs }: PendingRelease): Promise<void> {
    const settled = { address, incarnation, atMs };
    if (this.#pending.get(nameOf(settled))?.atMs !== atMs) return;
    this.#pending.delete(nameOf(settled));
    if (!this.#closed) await this.#written({ settled }).catch(() => undefined); // state() shows it
  }

  state(): JournalState {
    const fault = this.#fault === undefined ? {} : { fault: this.#fault };
    return { pending: this.#pending.size, ...fault };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  /** Drops what is settled and what was torn, so that the file is clean when the first line joins it. */
  async begin(): Promise<void> {
    await this.#rewrite().catch((fault: unknown) => {
      if (!FULL.has((fault as NodeJS.ErrnoException).code ?? '')) throw fault;
      this.#doubtful = true;
      this.#fault = textOf(fault);
    });
  }

  /** The file anew, with what is pending and nothing else: whole or not at all. */
  async #rewrite(): Promise<void> {
    const entries = this.pending();
    const fresh = await open(`${this.#file}.new`, 'w', 0o600);
    try {
      await fresh.writeFile(entries.map((added) => lineOf({ added })).join(''));
      await fresh.sync();
      await rename(`${this.#file}.new`, this.#file);
      await synced(this.#directory);
    } catch (fault) {
      await fresh.close();
      throw fault;
    }
    await this.#handle?.close().catch(() => undefined); // the file it was of is gone
    this.#handle = fresh;
    this.#lines = entries.length;
    this.#doubtful = false;
  }

  #written(line: JournalLine): Promise<void> {
    return new Promise<void>((done, failed) => {
      this.#queue.push({ line, done, failed });
      this.#draining ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    await Promise.resolve(); // those that are called in one go share the first fsync too
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0);
      try {
        await this.#put(batch.map(({ line }) => line));
        this.#fault = undefined;
        for (const { done } of batch) done();
      } catch (cause) {
        this.#doubtful = true;
        this.#fault = textOf(cause);
        const fault = new JournalUnusable(this.#file, this.#fault, { cause });
        for (const { failed } of batch) failed(fault);
      }
    }
    this.#draining = undefined; // in the same turn as the last look at the queue
  }

  async #put(lines: readonly JournalLine[]): Promise<void> {
    const crowded = this.#lines > LINES_BEFORE_COMPACTION && this.#lines > 2 * this.#pending.size;
    if (this.#doubtful || crowded || this.#handle === undefined) return this.#rewrite();
    await this.#handle.appendFile(lines.map(lineOf).join(''));
    await this.#handle.datasync();
    this.#lines += lines.length;
  }
}

/** A rename is durable once its directory is. */
async function synced(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
