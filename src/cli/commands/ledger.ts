import type { Command } from 'commander';
import { Refusal } from '../../core/errors.ts';
import { checkLedger } from '../../ledger/check.ts';
import type { CliDeps } from '../deps.ts';
import { withStore } from '../deps.ts';
import { json, table } from '../table.ts';

/** What the ledger says contradicts itself; standard output has the findings. */
export class LedgerUnsound extends Refusal {
  readonly code = 'ledger-unsound';
  readonly remedy =
    'let the agents reconcile (a minute), check again, and set right or report what remains';
  constructor(readonly findings: number) {
    super(`the ledger has ${findings} ${findings === 1 ? 'finding' : 'findings'}`);
  }
}

/** `corral ledger check`. */
export function registerLedger(program: Command, deps: CliDeps): void {
  program
    .command('ledger')
    .description('look after the ledger as a whole')
    .addHelpText('after', '\nExample:\n  corral ledger check')
    .command('check')
    .description(
      'compare blocks, leases, stock, limits and sums at one moment; ends with 1 on findings',
    )
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  corral ledger check --json')
    .action(({ json: asJson }: { json?: true }) => check(deps, asJson === true));
}

const check = (deps: CliDeps, asJson: boolean): Promise<void> =>
  withStore(deps, async (store) => {
    const checked = await checkLedger(store, deps.signal);
    const { findings, leases, revision } = checked;
    if (asJson) deps.out(json(checked));
    else
      deps.out(
        table(
          ['key', 'finding'],
          findings.map(({ key, says }) => [key, says]),
          `the ledger is sound: ${leases} leases at revision ${revision}`,
        ),
      );
    if (findings.length > 0) throw new LedgerUnsound(findings.length);
  });
