import type { Command } from 'commander';
import type { AuditEntry } from '../../ledger/audit.ts';
import { listAudit } from '../../ledger/audit.ts';
import type { AuditedLimit } from '../../core/limit-record.ts';
import { type CliDeps, withStore } from '../deps.ts';
import { rateText } from '../limit-text.ts';
import { numberOf } from '../options.ts';
import { json, table } from '../table.ts';

interface Flags {
  readonly limit?: number;
  readonly node?: string;
  readonly address?: string;
  readonly app?: string;
  readonly json?: true;
}

const SHOWN = 50;
const READ_AT_ONCE = 500;

/** `corral audit list`. */
export function registerAudit(program: Command, deps: CliDeps): void {
  program
    .command('audit')
    .description('who changed what, when and why')
    .command('list')
    .description('list changes, the newest first')
    .option('--limit <count>', `most entries, ${SHOWN} unless given`, numberOf('--limit'))
    .option('--node <name>', 'on this node only')
    .option('--address <address>', 'of this address only')
    .option('--app <id>', 'of this app only')
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  corral audit list --app /shop/web')
    .action((flags: Flags) =>
      withStore(deps, async (store) => {
        const { limit = SHOWN } = flags;
        const found: AuditEntry[] = [];
        for (let before: string | undefined, more = true; more && found.length < limit;) {
          const query = { limit: READ_AT_ONCE, ...(before !== undefined && { before }) };
          const page = await listAudit(store, query, deps.signal);
          for (const fault of page.faults) deps.err(`warning: ${fault.message}`);
          found.push(...page.entries.filter((entry) => isMeant(entry, flags)));
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

const isMeant = ({ record }: AuditEntry, { node, address, app }: Flags): boolean =>
  (node === undefined || node === record.node) &&
  (address === undefined || address === record.address) &&
  (app === undefined || app === record.app);

const text = (entries: readonly AuditEntry[]): string =>
  table(
    ['when', 'who', 'by', 'act', 'address', 'node', 'app', 'net_in', 'net_out', 'why'],
    entries.map(({ record: { before, after, ...entry } }) => [
      new Date(entry.atMs).toISOString(),
      entry.who,
      entry.by,
      after?.forced ? `${entry.act}, forced` : entry.act,
      entry.address ?? '-',
      entry.node ?? '-',
      entry.app ?? '-',
      moved(before, after, 'netInKbit'),
      moved(before, after, 'netOutKbit'),
      entry.why ?? '-',
    ]),
    'nothing was changed',
  );

function moved(
  before: AuditedLimit | undefined,
  after: AuditedLimit | undefined,
  way: 'netInKbit' | 'netOutKbit',
): string {
  const [from, to] = [rateText(before?.[way]), rateText(after?.[way])];
  return from === to ? to : `${from} -> ${to}`;
}
