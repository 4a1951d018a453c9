import type { Command } from 'commander';
import type { NodeEstate } from '../../ledger/forget.ts';
import { forgetNode, readEstate } from '../../ledger/forget.ts';
import { silentLog } from '../../plumbing/log.ts';
import type { CliDeps } from '../deps.ts';
import { withStore } from '../deps.ts';
import { NodeAlive, NotConfirmed } from '../node-errors.ts';
import { json, table } from '../table.ts';

interface Flags {
  readonly yes?: true;
  readonly force?: true;
  readonly json?: true;
}

/** `corral node forget`. */
export const registerNodeForget = (program: Command, deps: CliDeps): void =>
  void (program.commands.find((one) => one.name() === 'node') ?? program.command('node'))
    .command('forget')
    .argument('<name>', 'the node that is gone for good')
    .description(
      'release every address that a node holds or keeps in stock, once it is gone for good',
    )
    .option('--yes', 'do it; without this it is only said what would be released')
    .option('--force', 'even though its agent gives signs of life')
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      '\nIts containers must not run any more: their addresses are given to others.' +
        '\nIts record stays; "corral node remove" removes that.' +
        '\n\nExample:\n  corral node forget node-7.example.org --yes',
    )
    .action((name: string, flags: Flags) => forget(deps, name, flags));

const forget = (deps: CliDeps, name: string, flags: Flags): Promise<void> =>
  withStore(deps, async (store) => {
    const { clock, signal } = deps;
    const log = silentLog;
    const estate = await readEstate({ store, clock, log, signal }, name);
    if (!flags.json) deps.out(textOf(estate));
    const nothing = estate.leases.length + estate.spares.length === 0;
    if (!nothing && estate.alive && !flags.force) throw new NodeAlive(name);
    if (!nothing && !flags.yes)
      throw new NotConfirmed(name, estate.leases.length, estate.spares.length);
    const released = nothing ? 0 : await forgetNode({ store, clock, log, signal }, estate);
    deps.out(
      flags.json
        ? json({ node: name, released, spares: estate.spares.length })
        : nothing
          ? `node ${name} has nothing in the ledger`
          : `released ${released} leases and ${estate.spares.length} spares of node ${name}`,
    );
  });

const textOf = ({ node, alive, leases, spares }: NodeEstate): string =>
  [
    `node ${node}: ${leases.length} leases, ${spares.length} in stock, agent ${alive ? 'alive' : 'silent'}`,
    ...(leases.length === 0
      ? []
      : [
          table(
            ['address', 'network', 'pool', 'app', 'container'],
            leases.map(({ address, lease: { network, pool, app, container } }) => [
              ...[address, network, pool, app ?? '-', container?.slice(0, 12) ?? '-'],
            ]),
            '',
          ),
        ]),
  ].join('\n');
