import { Command, CommanderError } from 'commander';
import { Refusal } from '../core/errors.ts';
import { BadTopology } from '../core/topology-errors.ts';
import type { CliDeps } from './deps.ts';

/** A program whose commands never end the process by themselves and speak through `deps`. */
export const newProgram = (name: string, deps: Pick<CliDeps, 'out' | 'err'>): Command =>
  new Command(name)
    .exitOverride()
    .showHelpAfterError('(add --help for the options and an example)')
    .configureOutput({
      writeOut: (text) => deps.out(text.trimEnd()),
      writeErr: (text) => deps.err(text.trimEnd()),
    });

/**
 * Runs one command line (without node and script).
 *
 * @returns the exit code: 0 done, 1 refused, 2 not understood. A bug is thrown on.
 */
export async function run(
  program: Command,
  argv: readonly string[],
  deps: Pick<CliDeps, 'err'>,
): Promise<number> {
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (fault) {
    if (fault instanceof CommanderError) return fault.exitCode === 0 ? 0 : 2;
    if (!(fault instanceof Refusal)) throw fault;
    explain(fault, deps);
    return 1;
  }
}

/** A refusal for people: what, and the way out. Several faults get a line each. */
export function explain(refusal: Refusal, { err }: Pick<CliDeps, 'err'>): void {
  if (refusal instanceof BadTopology)
    for (const { where, says, remedy } of refusal.faults)
      err(`error: ${where}: ${says}\n  way out: ${remedy}`);
  else err(`error: ${refusal.message}\n  way out: ${refusal.remedy}`);
}
