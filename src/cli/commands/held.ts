import type { Command } from 'commander';
import { canonicalId } from '../../cluster/marathon/path-id.ts';
import { Refusal } from '../../core/errors.ts';
import { released } from '../../core/held-queue.ts';
import type { HeldRecord } from '../../core/held-record.ts';
import type { AuditRecord } from '../../core/limit-record.ts';
import { auditId, auditWrite } from '../../ledger/audit.ts';
import { changeHeld, heldApps } from '../../ledger/held.ts';
import { type CliDeps, withStore } from '../deps.ts';
import type { EditorDeps } from '../limit-editor.ts';
import { json, table } from '../table.ts';

/** An app that nobody holds cannot be let go. */
export class NotHeld extends Refusal {
  readonly code = 'not-held';
  readonly remedy = 'see which apps are: corral held list';
  constructor(readonly app: string) {
    super(`app "${app}" is not held`);
  }
}

type Operator = Pick<EditorDeps, 'who' | 'random'>;

/** `corral held list|release|forget`: the queue of apps that wait for room. */
export function registerHeld(program: Command, deps: CliDeps, operator: Operator): void {
  const held = program
    .command('held')
    .description('apps that run with fewer instances than asked until there is room')
    .addHelpText('after', '\nExample:\n  corral held list --json\n  corral held release /shop/web');
  registerList(held, deps);
  const changing = changer(deps, operator);
  held
    .command('release')
    .description('let an app try again at once, also one that was stopped; it starts over')
    .argument('<app>', 'its id')
    .option('--why <text>', 'the reason, for those who wonder')
    .addHelpText('after', '\nExample:\n  corral held release /shop/web --why "rack r7 is up again"')
    .action(async (app: string, reason: Reason) => {
      const said = { ...reason, act: 'held released' } as const;
      const { allowed, wanted } = await changing(app, said, released);
      deps.out(`${canonicalId(app)} grows from ${allowed} to ${wanted} as there is room`);
    });
  held
    .command('forget')
    .description('hold an app no longer: what runs goes on, and nothing is added')
    .argument('<app>', 'its id')
    .option('--why <text>', 'the reason, for those who wonder')
    .addHelpText('after', '\nExample:\n  corral held forget /shop/web')
    .action(async (app: string, reason: Reason) => {
      const said = { ...reason, act: 'held forgotten' } as const;
      const { allowed } = await changing(app, said, () => undefined);
      deps.out(`${canonicalId(app)} stays at ${allowed}`);
    });
}

interface Reason {
  readonly why?: string;
}

type Said = Reason & Pick<AuditRecord, 'act'>;

/** Changes a held app, and says in the same commit who did: @returns the record as it was. @throws NotHeld */
const changer =
  (deps: CliDeps, operator: Operator) =>
  async (
    app: string,
    said: Said,
    change: (record: HeldRecord) => HeldRecord | undefined,
  ): Promise<HeldRecord> => {
    const id = canonicalId(app);
    let before: HeldRecord | undefined;
    const to = (record: HeldRecord | undefined): HeldRecord | undefined => {
      before = record;
      return record && change(record);
    };
    const atMs = deps.clock.now();
    const record: AuditRecord = { v: 1, atMs, who: operator.who(), by: 'cli', app: id, ...said };
    const writes = [auditWrite({ id: auditId(atMs, operator.random()), record })];
    await withStore(deps, (store) => changeHeld(store, id, { to, writes }, deps.signal));
    if (!before) throw new NotHeld(id);
    return before;
  };

function registerList(held: Command, deps: CliDeps): void {
  held
    .command('list', { isDefault: true })
    .description('list them, the oldest first')
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  corral held list --json')
    .action(async (flags: { readonly json?: true }) => {
      const { notes, faults } = await withStore(deps, (store) => heldApps.list(store, deps.signal));
      for (const fault of faults) deps.err(`warning: ${fault.message}`);
      const oldestFirst = [...notes].sort((a, b) => a.record.sinceMs - b.record.sinceMs);
      deps.out(
        flags.json
          ? json(oldestFirst.map(({ app, record }) => ({ app, ...record })))
          : text(oldestFirst),
      );
    });
}

const text = (held: readonly { readonly app: string; readonly record: HeldRecord }[]): string =>
  table(
    ['app', 'allowed', 'wanted', 'state', 'by', 'priority', 'since', 'why'],
    held.map(({ app, record }) => [
      app,
      record.allowed,
      record.wanted,
      record.stoppedMs === undefined ? 'waiting' : 'stopped',
      record.by ?? 'gate',
      record.priority ?? 0,
      new Date(record.sinceMs).toISOString(),
      record.why,
    ]),
    'no app waits for room',
  );
