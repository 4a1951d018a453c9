import type { Command } from 'commander';
import { heldApps } from '../../ledger/held.ts';
import { type CliDeps, withStore } from '../deps.ts';
import { json, table } from '../table.ts';

/** `corral held`: the queue of apps that wait for room. */
export function registerHeld(program: Command, deps: CliDeps): void {
  program
    .command('held')
    .description('apps that run with fewer instances than asked until there is room')
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  corral held --json')
    .action(async (flags: { readonly json?: true }) => {
      const { notes, faults } = await withStore(deps, (store) => heldApps.list(store, deps.signal));
      for (const fault of faults) deps.err(`warning: ${fault.message}`);
      const oldestFirst = [...notes].sort((a, b) => a.record.sinceMs - b.record.sinceMs);
      const waiting = oldestFirst.map(({ app, record }) => ({ app, ...record }));
      deps.out(
        flags.json
          ? json(waiting)
          : table(
              ['app', 'allowed', 'wanted', 'since', 'why'],
              oldestFirst.map(({ app, record }) => [
                app,
                record.allowed,
                record.wanted,
                new Date(record.sinceMs).toISOString(),
                record.why,
              ]),
              'no app waits for room',
            ),
      );
    });
}
