import { once } from 'node:events';
import type { Settings } from '../config/settings.ts';
import type { Log } from '../plumbing/log.ts';
import type { CliDeps } from './deps.ts';

/** What long-running commands need beside what every command needs. */
export interface CliContext extends CliDeps {
  /** Checked settings: files, then environment. @throws BadSettings */
  readonly settings: () => Settings;
  readonly log: Log;
}

/** Resolves when the process is told to stop. */
export async function untilStopped(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
