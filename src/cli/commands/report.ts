import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { takeInventory } from '../../cluster/mesos/inventory.ts';
import { csvOf, reportCsv } from '../../core/capacity-csv.ts';
import { reportHeadShape, reportShape } from '../../core/capacity-json.ts';
import type { CapacityReport } from '../../core/capacity-record.ts';
import { reportText } from '../../core/capacity-text.ts';
import type { NodeFacts } from '../../core/facts.ts';
import type { Delivery, ReportRecord } from '../../core/report-record.ts';
import { NoSuchReport, ReportRowsGone } from '../../ledger/report-errors.ts';
import { trimReports } from '../../ledger/report-trim.ts';
import {
  ASKED,
  getReport,
  getWholeReport,
  keepReport,
  listReports,
  newestReport,
  reportId,
  reportPlace,
} from '../../ledger/reports.ts';
import { makeReport } from '../../report/make.ts';
import type { CliContext } from '../context.ts';
import { withStore } from '../deps.ts';
import { openMesos } from '../facts.ts';
import { json, table } from '../table.ts';

interface Form {
  readonly json?: true;
  readonly csv?: true;
}
interface NowFlags extends Form {
  readonly schedule?: string;
  readonly keep?: true;
}
interface ListFlags extends Form {
  readonly schedule?: string;
  readonly limit: string;
}

/** `corral report now|list|show`. */
export function registerReport(program: Command, context: CliContext): void {
  const group = program
    .command('report')
    .description('capacity: what is leased, promised, free and fenced, and where');
  const formed = (command: Command): Command =>
    command.option('--json', 'for programs').option('--csv', 'for spreadsheets');
  formed(group.command('now'))
    .description('of this moment; it needs no schedule and no gate')
    .option('--schedule <name>', 'compare with the newest report of this schedule')
    .option('--keep', `keep it in the ledger, under "${ASKED}"`)
    .addHelpText('after', '\nExample:\n  corral report now\n  corral report now --csv > now.csv')
    .action((flags: NowFlags) => now(context, flags));
  formed(group.command('list'))
    .description('reports that are remembered, newest first, and what became of their deliveries')
    .option('--schedule <name>', 'only of this schedule')
    .option('-n, --limit <count>', 'how many', '20')
    .addHelpText('after', '\nExample:\n  corral report list --schedule daily')
    .action((flags: ListFlags) => list(context, flags));
  formed(group.command('show'))
    .argument('<id>', 'as "corral report list" has it')
    .description('one report with every row')
    .addHelpText('after', '\nExample:\n  corral report show daily-2o4m5k0x1 --json')
    .action((id: string, flags: Form) => show(context, id, flags));
}

const shown = (report: CapacityReport, flags: Form): string => {
  if (flags.json) return json(reportShape(report));
  return (flags.csv ? reportCsv(report) : reportText(report)).trimEnd();
};

async function now(context: CliContext, flags: NowFlags): Promise<void> {
  const { clock, signal, out } = context;
  const settings = context.settings().report;
  const nodeFacts = await mesosFacts(context);
  await withStore(context, async (store) => {
    const before = await newestReport(store, flags.schedule, signal);
    const nowMs = clock.now();
    const place = reportPlace(ASKED, nowMs, randomBytes(5).toString('hex'));
    const id = reportId(place);
    const ask = { id, schedule: ASKED, nowMs, settings };
    const report = await makeReport(
      store,
      { ...ask, ...(before && { before }), ...(nodeFacts && { nodeFacts }) },
      signal,
    );
    if (flags.keep) {
      await keepReport(store, { place, report, deliveries: [], guards: [], writes: [] }, signal);
      const kept = { history: settings.history, rows: settings.rowsKept };
      await trimReports(store, ASKED, kept, signal);
    }
    out(shown(report, flags));
  });
}

const WITHIN_MS = 10_000;

/** What Mesos says of the nodes' attributes; without it the ledger's own have to do. */
async function mesosFacts(
  context: CliContext,
): Promise<ReadonlyMap<string, NodeFacts> | undefined> {
  const { gate } = context.settings();
  const client = openMesos(gate.mesos, gate, WITHIN_MS);
  if (!client) return undefined;
  try {
    const { facts } = await takeInventory(client, { roles: gate.marathonRoles }, context.signal);
    return facts;
  } catch (fault) {
    context.signal.throwIfAborted();
    const why = fault instanceof Error ? fault.message : String(fault);
    context.err(`warning: ${why}; racks and reaches rest on the ledger's attributes alone`);
    return undefined;
  } finally {
    client.close();
  }
}

async function list(context: CliContext, flags: ListFlags): Promise<void> {
  const limit = Math.min(1_000, Math.max(1, Math.trunc(Number(flags.limit)) || 20));
  const query = { limit, ...(flags.schedule !== undefined && { schedule: flags.schedule }) };
  const heads = await withStore(context, async (store) => {
    const { reports, faults } = await listReports(store, query, context.signal);
    for (const fault of faults) context.err(`warning: ${fault.message}`);
    const whole = await Promise.all(reports.map(({ id }) => getReport(store, id, context.signal)));
    return whole.filter((head) => head !== undefined);
  });
  if (flags.json) context.out(json(heads.map(reportHeadShape)));
  else if (flags.csv) context.out(csvOf([HEADERS, ...heads.map(line)]).trimEnd());
  else context.out(table(HEADERS, heads.map(line), 'no reports'));
}

const HEADERS = [
  'id',
  'time',
  'leased',
  'free',
  'fenced',
  'refused',
  'failed',
  'delivered',
  'note',
];

const line = ({ id, atMs, figures, late, missed = 0, doubts, deliveries = [] }: ReportRecord) => [
  id,
  new Date(atMs).toISOString(),
  ...[figures.leased, figures.free, figures.fenced, figures.refused, figures.failed].map(
    (figure) => figure ?? 0,
  ),
  deliveredText(deliveries),
  [
    ...(late ? [missed > 0 ? `made up, ${missed} more were missed` : 'made up'] : []),
    ...(doubts.length > 0 ? [`${doubts.length} doubts`] : []),
  ].join('; '),
];

const deliveredText = (deliveries: readonly Delivery[]): string =>
  deliveries
    .map(({ to, name, state, attempts }) =>
      state === 'done' ? `${to} ${name}` : `${to} ${name}: ${state} after ${attempts} attempts`,
    )
    .join(', ');

async function show(context: CliContext, id: string, flags: Form): Promise<void> {
  const report = await withStore(context, async (store) => {
    const whole = await getWholeReport(store, id, context.signal);
    if (whole) return whole;
    const head = await getReport(store, id, context.signal);
    throw head ? new ReportRowsGone(id) : new NoSuchReport(id);
  });
  context.out(shown(report, flags));
}
