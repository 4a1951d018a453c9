import type { Command } from 'commander';
import { formatRate } from '../../core/rate.ts';
import type { NetworkRecord } from '../../core/topology-record.ts';
import { readNetwork } from '../../core/topology-read.ts';
import type { CliDeps } from '../deps.ts';
import { gathered, renamed } from '../options.ts';
import type { Raw, Row, Thing } from '../things.ts';
import { registerThing } from '../things.ts';

const networkThing: Thing<NetworkRecord> = {
  kind: 'network',
  what: 'the names that apps use, and the pools behind them',
  example: 'corral network add prod --pool prod-r1 --pool prod-r2 --default 10mbit',
  options: (command) =>
    command
      .option('--pool <name>', 'a pool of it, filled in the order given; may be repeated', gathered)
      .option('--attachment <kind>', 'bridge or routed')
      .option('--default <rate>', 'limit of an address whose app states none')
      .option('--default-in <rate>', 'the same, towards the container only')
      .option('--default-out <rate>', 'the same, from the container only'),
  said,
  written: ({ pools, attachment, defaultInKbit, defaultOutKbit }) => ({
    pools,
    attachment,
    defaultIn: defaultInKbit,
    defaultOut: defaultOutKbit,
  }),
  read: readNetwork,
  of: ({ networks }) => networks,
  headers: ['pools', 'attachment', 'default in', 'default out'],
  rows: (_store, { networks }) =>
    Promise.resolve(
      [...networks].map(([name, record]): Row => ({
        name,
        cells: [
          record.pools.join(','),
          record.attachment,
          formatRate(record.defaultInKbit),
          formatRate(record.defaultOutKbit),
        ],
        fields: { ...record },
      })),
    ),
};

function said(options: Raw): Raw {
  const rate = renamed(options, { default: 'defaultIn' });
  const both = options['default'] === undefined ? {} : { ...rate, defaultOut: rate['defaultIn'] };
  const ways = renamed(options, { defaultIn: 'defaultIn', defaultOut: 'defaultOut' });
  return { ...renamed(options, { pool: 'pools', attachment: 'attachment' }), ...both, ...ways };
}

/** `corral network add|list|show|set|remove`. */
export const registerNetwork = (program: Command, deps: CliDeps): void =>
  registerThing(program, deps, networkThing);
