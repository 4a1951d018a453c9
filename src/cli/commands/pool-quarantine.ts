import type { Command } from 'commander';
import { poolSpace } from '../../core/pool.ts';
import type { Quarantined } from '../../ledger/quarantine.ts';
import { quarantine, quarantinedIn, unquarantine } from '../../ledger/quarantine.ts';
import { quarantineSpan, unquarantineSpan } from '../../ledger/quarantine-span.ts';
import type { Store } from '../../ledger/store.ts';
import { readTopology } from '../../ledger/topology.ts';
import type { CliDeps } from '../deps.ts';
import { withStore } from '../deps.ts';
import { json, table } from '../table.ts';
import { NotThere } from '../topology-errors.ts';

/** `corral pool quarantine list|add|remove`. */
export function registerQuarantine(pools: Command, deps: CliDeps): void {
  const group = pools
    .command('quarantine')
    .description('list, withhold and give back single addresses of pools')
    .addHelpText('after', '\nExample:\n  corral pool quarantine list');
  group
    .command('list')
    .description('list the addresses that are withheld, and why')
    .option('--pool <name>', 'of this pool only')
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  corral pool quarantine list --pool prod-r1')
    .action((options: { pool?: string; json?: true }) =>
      withStore(deps, (store) => list(deps, store, options)),
    );
  registerAdd(group, deps);
  registerRemove(group, deps);
}

function registerAdd(group: Command, deps: CliDeps): void {
  group
    .command('add')
    .description('withhold addresses; a container that has one keeps it until it ends')
    .argument('<pool>', "the pool's name")
    .argument('<address>', 'one that the pool hands out, or a range FROM-TO')
    .requiredOption('--why <text>', 'the reason, for those who wonder')
    .addHelpText(
      'after',
      '\nExample:\n  corral pool quarantine add prod-r1 198.51.100.7 --why "printer, ticket 4711"' +
        '\n\nAgents give back within half a minute what they keep in stock and is withheld.',
    )
    .action((pool: string, address: string, { why }: { why: string }) =>
      withStore(deps, async (store) => {
        const span = spanOf(address);
        if (!span) {
          await quarantine(store, { pool, address }, why, deps);
          deps.out(`${address} of pool ${pool} is withheld`);
          return;
        }
        const count = await quarantineSpan(store, { pool, ...span, why }, deps);
        deps.out(`${address} of pool ${pool} is withheld: ${count} addresses more than before`);
      }),
    );
}

function registerRemove(group: Command, deps: CliDeps): void {
  group
    .command('remove')
    .description('let addresses be handed out again')
    .argument('<pool>', "the pool's name")
    .argument('<address>', 'one that is withheld, or a range FROM-TO')
    .option('--why <text>', 'of a range only those withheld for this reason')
    .addHelpText('after', '\nExample:\n  corral pool quarantine remove prod-r1 198.51.100.7')
    .action((pool: string, address: string, reason: { why?: string }) =>
      withStore(deps, async (store) => {
        const span = spanOf(address);
        if (!span) {
          await unquarantine(store, { pool, address }, deps);
          deps.out(`${address} of pool ${pool} may be handed out`);
          return;
        }
        const count = await unquarantineSpan(store, { pool, ...span, ...reason }, deps);
        deps.out(`${count} addresses of ${address} of pool ${pool} may be handed out again`);
      }),
    );
}

/** The two ends when it is a range. */
function spanOf(text: string): { readonly from: string; readonly to: string } | undefined {
  const dash = text.indexOf('-');
  if (dash < 0) return undefined;
  return { from: text.slice(0, dash).trim(), to: text.slice(dash + 1).trim() };
}

async function list(
  deps: CliDeps,
  store: Store,
  { pool: only, json: asJson }: { pool?: string; json?: true },
): Promise<void> {
  const { pools } = (await readTopology(store, deps.signal)).topology;
  if (only !== undefined && !pools.has(only)) throw new NotThere('pool', only);
  const chosen = [...pools].filter(([name]) => only === undefined || name === only);
  const found: Quarantined[] = [];
  for (const [name, record] of chosen) {
    const pool = { name, record, space: poolSpace(record), revision: 0 };
    found.push(...(await quarantinedIn(store, pool, deps.signal)));
  }
  deps.out(asJson ? json(found) : text(found));
}

const text = (found: readonly Quarantined[]): string =>
  table(
    ['pool', 'address', 'held by', 'why'],
    found.map(({ pool, address, holder = '-', why }) => [pool, address, holder, why]),
    'nothing is withheld',
  );
