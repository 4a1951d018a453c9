import type { Command } from 'commander';
import { parseRate } from '../../core/rate.ts';
import { parseAddress } from '../../core/address.ts';
import type { Holding } from '../../ledger/limit-change.ts';
import { NoSuchHolding } from '../../ledger/limit-errors.ts';
import type { LimitSeen } from '../../ledger/limit-list.ts';
import { listLimits } from '../../ledger/limit-list.ts';
import { findHoldings, targetOf } from '../../ledger/limit-target.ts';
import type { Store } from '../../ledger/store.ts';
import type { CliDeps } from '../deps.ts';
import { withStore } from '../deps.ts';
import type { EditorDeps } from '../limit-editor.ts';
import { editAndWait } from '../limit-editor.ts';
import { factsOf, fieldsOf, limitTable } from '../limit-text.ts';
import { json } from '../table.ts';
import { BadOption } from '../topology-errors.ts';

interface Filter {
  readonly node?: string;
  readonly app?: string;
  readonly forced?: true;
  readonly json?: true;
}

interface EditFlags {
  readonly in?: string;
  readonly out?: string;
  readonly node?: string;
  readonly force?: true;
  readonly why?: string;
  readonly wait: boolean;
  readonly json?: true;
}

/** `corral limit list|show|set|reset`. */
export function registerLimit(program: Command, deps: CliDeps, editor: EditorDeps): void {
  const group = program
    .command('limit')
    .description('show and change how fast containers may send and receive')
    .addHelpText('after', '\nExample:\n  corral limit set 198.51.100.7 --in 100mbit --out 50mbit');
  group
    .command('list')
    .description('limits in force, and what became of edits')
    .option('--node <name>', 'of this node only')
    .option('--app <id>', 'of this app only')
    .option('--forced', 'only those forced past the link')
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  corral limit list --app /shop/web')
    .action((filter: Filter) => withStore(deps, (store) => list(deps, store, filter)));
  group
    .command('show')
    .argument('<target>', 'an address, a container (its id or the start of it), or an app')
    .description('show limits with what was asked for and what became of the last edit')
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  corral limit show 198.51.100.7')
    .action((target: string, flags: { readonly json?: true }) =>
      withStore(deps, (store) => show(deps, store, target, flags.json === true)),
    );
  registerEdits(group, deps, editor);
}

function registerEdits(group: Command, deps: CliDeps, editor: EditorDeps): void {
  const shared = (command: Command): Command =>
    command
      .argument('<target>', 'an address, a container (its id or the start of it), or an app')
      .option('--node <name>', 'only on this node')
      .option('--force', "even past the node's link; it is marked wherever it shows")
      .option('--why <text>', 'for the audit')
      .option('--no-wait', "do not wait for the node's agent")
      .option('--json', 'for programs');
  shared(group.command('set'))
    .option('--in <rate>', 'towards the container: 100mbit, 12.5mbps, or a number of kbit/s')
    .option('--out <rate>', 'from the container')
    .description('set limits; what is not given stays')
    .addHelpText('after', '\nExample:\n  corral limit set /shop/web --in 100mbit --why "sale"')
    .action((target: string, flags: EditFlags) =>
      withStore(deps, async (store) => {
        const wish = { ...ratesOf(flags), ...(flags.force && { force: true }) };
        await edit(deps, editor, store, { target, flags, wish });
      }),
    );
  shared(group.command('reset'))
    .description('back to what the app asked for, or else to the default of the network')
    .addHelpText('after', '\nExample:\n  corral limit reset 198.51.100.7')
    .action((target: string, flags: EditFlags) =>
      withStore(deps, (store) => edit(deps, editor, store, { target, flags, wish: 'reset' })),
    );
}

/** @throws BadRate, BadOption when none is given */
function ratesOf({ in: inward, out }: EditFlags) {
  if (inward === undefined && out === undefined)
    throw new BadOption('--in', '', 'give --in, --out or both');
  return {
    ...(inward !== undefined && { netInKbit: parseRate(inward) }),
    ...(out !== undefined && { netOutKbit: parseRate(out) }),
  };
}

interface Asked {
  readonly target: string;
  readonly flags: EditFlags;
  readonly wish: Parameters<typeof editAndWait>[2]['wish'];
}

async function edit(
  deps: CliDeps,
  editor: EditorDeps,
  store: Store,
  { target, flags, wish }: Asked,
): Promise<void> {
  const found = await findHoldings(store, targetOf(target), deps.signal);
  const holdings = found.filter(({ node }) => (flags.node ?? node) === node);
  if (holdings.length === 0)
    throw new NoSuchHolding(`"${target}" on node "${flags.node ?? 'any'}"`);
  await editAndWait({ ...deps, ...editor, store }, holdings, {
    wish,
    ...(flags.force && { force: true }),
    ...(flags.why !== undefined && { why: flags.why }),
    waits: flags.wait,
    json: flags.json === true,
  });
}

async function list(deps: CliDeps, store: Store, filter: Filter): Promise<void> {
  const { limits, faults } = await listLimits(store, filter, deps.signal);
  for (const fault of faults) deps.err(`warning: ${fault.message}`);
  const shown = [...limits]
    .filter(({ lease }) => filter.app === undefined || filter.app === lease.app)
    .filter(({ counted }) => filter.forced === undefined || counted?.forced === true)
    .sort(byAddress);
  deps.out(filter.json ? json(shown.map(fieldsOf)) : limitTable(shown));
}

const byAddress = (one: Holding, other: Holding): number =>
  parseAddress(one.address).value < parseAddress(other.address).value ? -1 : 1;

async function show(deps: CliDeps, store: Store, target: string, asJson: boolean): Promise<void> {
  const holdings = await findHoldings(store, targetOf(target), deps.signal);
  const shown: LimitSeen[] = [];
  for (const node of new Set(holdings.map((holding) => holding.node))) {
    const meant = new Set(holdings.flatMap((one) => (one.node === node ? [one.address] : [])));
    const { limits } = await listLimits(store, { node }, deps.signal);
    shown.push(...limits.filter(({ address }) => meant.has(address)));
  }
  deps.out(asJson ? json(shown.map(fieldsOf)) : shown.map(factsOf).join('\n\n'));
}
