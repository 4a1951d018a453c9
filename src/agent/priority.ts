import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import process from 'node:process';
import type { Log } from '../plumbing/log.ts';

/** Of this process, as the kernel sees it. @see proc(5), /proc/pid/stat: after the name in brackets */
const SESSION_FIELD = 3;

/**
 * Lets this process, and those that it starts, come before the containers that it limits: one that floods
 * must not be what keeps its own limit from being set. Where the kernel schedules by session (autogroup)
 * a nice value counts only within the session, so the session's own is set too, if it is ours alone.
 *
 * @param nice  -20 (first) to 19
 */
export function comeFirst(nice: number, log: Log): void {
  try {
    setPriority(nice);
    if (sessionOf() === process.pid) writeFileSync('/proc/self/autogroup', String(nice));
  } catch (fault) {
    log.warn('the priority of the agent could not be set', { nice, fault: String(fault) });
  }
}

function sessionOf(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[SESSION_FIELD]);
}
