import type { Command } from 'commander';
import { type FailureEntry, listFailures } from '../../ledger/failures.ts';
import { type CliDeps, withStore } from '../deps.ts';
import { numberOf } from '../options.ts';
import { json, table } from '../table.ts';

interface Flags {
  readonly limit?: number;
  readonly node?: string;
  readonly app?: string;
  readonly json?: true;
}

const SHOWN = 50;
const READ_AT_ONCE = 500;

/** `corral failures list`. */
export function registerFailures(program: Command, deps: CliDeps): void {
  program
    .command('failures')
    .description('launches that nodes refused for lack of an address or bandwidth')
    .command('list')
    .description('list them, the newest minute first; one line is an app on a node in a minute')
    .option('--limit <count>', `most lines, ${SHOWN} unless given`, numberOf('--limit'))
    .option('--node <name>', 'on this node only')
    .option('--app <id>', 'of this app only')
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  corral failures list --app /shop/web')
    .action((flags: Flags) =>
      withStore(deps, async (store) => {
        const { limit = SHOWN } = flags;
        const found: FailureEntry[] = [];
        for (let before: string | undefined, more = true; more && found.length < limit;) {
          const query = { limit: READ_AT_ONCE, ...(before !== undefined && { before }) };
          const page = await listFailures(store, query, deps.signal);
          for (const fault of page.faults) deps.err(`warning: ${fault.message}`);
          found.push(...page.failures.filter((entry) => isMeant(entry, flags)));
          before = page.next;
          more = before !== undefined;
        }
        const shown = found.slice(0, limit);
        deps.out(
          flags.json ? json(shown.map(({ id, record }) => ({ id, ...record }))) : text(shown),
        );
      }),
    );
}

const isMeant = ({ record }: FailureEntry, { node, app }: Flags): boolean =>
  (node ?? record.node) === record.node && (app === undefined || app === record.app);

const text = (entries: readonly FailureEntry[]): string =>
  table(
    ['last', 'count', 'app', 'node', 'network', 'short', 'why'],
    entries.map(({ record }) => [
      new Date(record.atMs).toISOString(),
      record.count,
      record.app ?? '-',
      record.node,
      record.network,
      record.short,
      record.why,
    ]),
    'no launch was refused',
  );
