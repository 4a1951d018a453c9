import type { Command } from 'commander';
import type { VerdictRecord } from '../../core/verdict-record.ts';
import { Refusal } from '../../core/errors.ts';
import { getVerdict, listVerdicts, type Verdict } from '../../ledger/verdicts.ts';
import { type CliDeps, withStore } from '../deps.ts';
import { facts, json, table } from '../table.ts';
import { reasons } from './plan.ts';

/** The decision log is bounded, so a verdict can be too old to be found. */
export class NoSuchVerdict extends Refusal {
  readonly code = 'no-such-verdict';
  readonly remedy = 'list what is remembered with "corral verdict"';
  constructor(readonly id: string) {
    super(`there is no verdict "${id}"`);
  }
}

interface VerdictFlags {
  readonly limit: string;
  readonly json?: true;
}

/** `corral verdict [id]`: the decision log, or one verdict whole. */
export function registerVerdict(program: Command, deps: CliDeps): void {
  program
    .command('verdict')
    .description('what the gate decided and why: the newest, or one of them whole')
    .argument('[id]', 'as the Corral-Verdict header names it')
    .option('-n, --limit <count>', 'how many to list', '20')
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  corral verdict\n  corral verdict 2o4m5k0x1-a1b2c3d4e5')
    .action((id: string | undefined, flags: VerdictFlags) =>
      id === undefined ? list(deps, flags) : show(deps, id, flags),
    );
}

async function list(deps: CliDeps, flags: VerdictFlags): Promise<void> {
  const limit = Math.min(1_000, Math.max(1, Math.trunc(Number(flags.limit)) || 20));
  const { verdicts, faults } = await withStore(deps, (store) =>
    listVerdicts(store, { limit }, deps.signal),
  );
  for (const fault of faults) deps.err(`warning: ${fault.message}`);
  deps.out(
    flags.json ? json(verdicts.map(({ id, record }) => ({ id, ...record }))) : text(verdicts),
  );
}

const text = (verdicts: readonly Verdict[]): string =>
  table(
    ['id', 'time', 'answer', 'apps', 'message'],
    verdicts.map(({ id, record }) => [
      id,
      new Date(record.atMs).toISOString(),
      record.answer,
      record.apps.join(' '),
      record.message,
    ]),
    'no verdicts',
  );

async function show(deps: CliDeps, id: string, flags: VerdictFlags): Promise<void> {
  const record = await withStore(deps, (store) => getVerdict(store, id, deps.signal));
  if (!record) throw new NoSuchVerdict(id);
  deps.out(flags.json ? json({ id, ...record }) : whole(id, record));
}

function whole(id: string, record: VerdictRecord): string {
  const head = facts([
    ['verdict', id],
    ['time', new Date(record.atMs).toISOString()],
    ['change', record.change],
    ['answer', record.answer],
    ['why', record.message],
    ['computed on', `revision ${record.revision}, admission ${record.sequence}`],
    ...record.asks.map((ask) => ['asked', `${ask.instances} instances of ${ask.app}`] as const),
  ]);
  return record.nodes.length > 0 ? `${head}\n\n${reasons(record.nodes)}` : head;
}
