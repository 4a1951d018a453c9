import type { Command } from 'commander';
import type { NodeAnswer, RebuildDeps } from '../../ledger/rebuild.ts';
import { beginRebuild, endRebuild, rebuildAnswers } from '../../ledger/rebuild.ts';
import type { CliDeps } from '../deps.ts';
import { withStore } from '../deps.ts';
import { NodesSilent } from '../node-errors.ts';
import { gathered, numberOf } from '../options.ts';
import { json, table } from '../table.ts';
import { BadOption } from '../topology-errors.ts';

interface Flags {
  readonly without?: readonly string[];
  readonly within: number | string;
  readonly cancel?: true;
  readonly json?: true;
}

const LOOK_EVERY_MS = 500;

/** `corral ledger rebuild`, beside what `ledger` has already. */
export const registerLedgerRebuild = (program: Command, deps: CliDeps): void =>
  void (program.commands.find((one) => one.name() === 'ledger') ?? program.command('ledger'))
    .command('rebuild')
    .description('fill a ledger that was lost, or is from a backup, from what runs on the nodes')
    .option('--without <node>', 'do not wait for this node; may be repeated', gathered)
    .option('--within <seconds>', 'longest to wait for the nodes', numberOf('--within'), 600)
    .option('--cancel', 'end a rebuild as it is: addresses are given out again')
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      '\nNetworks, pools and nodes must be there first: corral apply -f topology.yaml.' +
        '\nUntil every node has said what runs on it, no address is given out.' +
        '\n\nExample:\n  corral ledger rebuild --without node-7.example.org',
    )
    .action((flags: Flags) => rebuild(deps, flags));

const rebuild = (deps: CliDeps, flags: Flags): Promise<void> =>
  withStore(deps, async (store) => {
    const { clock, signal } = deps;
    if (typeof flags.within !== 'number' || !(flags.within > 0))
      throw new BadOption('--within', String(flags.within), 'give a number of seconds');
    if (flags.cancel) {
      await endRebuild({ store, signal });
      deps.out('addresses are given out again');
      return;
    }
    const told = flags.json ? { ...deps, out: () => undefined } : deps;
    const { id, joined } = await beginRebuild({ store, clock, signal }, `${clock.now()}`);
    told.out(
      joined ? 'a rebuild goes on already: joined it' : 'nothing new is given out from now on',
    );
    const answers = await allAnswers(told, { store, clock, signal }, { ...flags, id });
    const silent = silentIn(answers, flags.without);
    if (silent.length > 0) throw new NodesSilent(silent);
    await endRebuild({ store, signal });
    deps.out(flags.json ? json(answers) : textOf(answers));
  });

/** Waits until all have answered, or as long as it is worth; says who did as they do. */
async function allAnswers(
  { out }: Pick<CliDeps, 'out'>,
  deps: RebuildDeps,
  { id, within, without }: Flags & { readonly id: string },
): Promise<readonly NodeAnswer[]> {
  const { clock, signal } = deps;
  const untilMs = clock.now() + Number(within) * 1_000;
  const heard = new Set<string>();
  for (;;) {
    const answers = await rebuildAnswers(deps, id);
    for (const { node, said } of answers)
      if (said && !heard.has(node)) {
        heard.add(node);
        out(
          `${node}: ${said.running} addresses run, ${said.adopted} adopted, ${said.conflicts.length} in conflict`,
        );
      }
    if (silentIn(answers, without).length === 0 || clock.now() >= untilMs) return answers;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

const silentIn = (answers: readonly NodeAnswer[], without: readonly string[] = []): string[] =>
  answers.filter(({ node, said }) => !said && !without.includes(node)).map(({ node }) => node);

function textOf(answers: readonly NodeAnswer[]): string {
  const rows = answers.map(({ node, said }) => [
    ...[node, said ? 'said' : 'left out'],
    ...(said ? [said.running, said.adopted, said.conflicts.length] : ['-', '-', '-']),
  ]);
  const conflicts = answers.flatMap(({ node, said }) =>
    (said?.conflicts ?? []).map((conflict) => `${node}: ${conflict}`),
  );
  return [
    table(['node', 'answer', 'running', 'adopted', 'conflicts'], rows, 'no nodes'),
    ...(conflicts.length === 0 ? [] : ['in conflict:', ...conflicts]),
    'addresses are given out again',
  ].join('\n');
}
