import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../plumbing/log.ts';
import { replaceFile } from '../plumbing/write-file.ts';

/** A file that is there as long as an agent runs: found at a start, the one before was killed. */
export interface RunningMark {
  readonly afterKill: boolean;
  /** An agent runs from now on. Never fails: a full disk keeps none from starting. */
  set(): Promise<void>;
  /** It ended by itself. */
  clear(): Promise<void>;
}

const FILE = 'running';

/** @param directory where it is; it must exist */
export async function runningMark(directory: string, log: Log): Promise<RunningMark> {
  const path = join(directory, FILE);
  const afterKill = await access(path).then(
    () => true,
    () => false,
  );
  return {
    afterKill,
    set: () =>
      replaceFile(path, '').catch((fault: unknown) => {
        log.warn('that an agent runs could not be marked', { path, fault: String(fault) });
      }),
    clear: () => rm(path, { force: true }),
  };
}
