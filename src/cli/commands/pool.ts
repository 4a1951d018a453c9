import type { Command } from 'commander';
import { poolSpace } from '../../core/pool.ts';
import type { NodeSelector, PoolRecord } from '../../core/topology-record.ts';
import { readPool } from '../../core/topology-read.ts';
import type { Topology } from '../../core/topology.ts';
import { fillOf, readWholeBlocks } from '../../ledger/blocks.ts';
import type { Store } from '../../ledger/store.ts';
import type { CliDeps } from '../deps.ts';
import { gathered, labelsOf, numberOf, renamed } from '../options.ts';
import type { Raw, Row, Thing } from '../things.ts';
import { registerThing } from '../things.ts';
import { registerQuarantine } from './pool-quarantine.ts';

const poolThing = (deps: CliDeps): Thing<PoolRecord> => ({
  kind: 'pool',
  what: 'addresses of one VLAN, and which nodes reach them',
  example:
    'corral pool add prod-r1 --cidr 198.51.100.0/26 --gateway 198.51.100.1 --range 198.51.100.10-198.51.100.59 --attribute rack=r1',
  options: (command) =>
    command
      .option('--cidr <cidr>', 'network address and prefix')
      .option('--range <from-to>', 'what is handed out; may be repeated', gathered)
      .option('--exclude <address>', 'never handed out; may be repeated', gathered)
      .option('--gateway <address>', 'the gateway that containers get')
      .option('--vlan <tag>', '1 to 4094', numberOf('--vlan'))
      .option('--node <name>', 'a node that reaches it; may be repeated', gathered)
      .option('--attribute <name=value>', 'nodes with this attribute reach it', gathered),
  said,
  written: (record) => written(record),
  read: readPool,
  of: ({ pools }) => pools,
  headers: ['network', 'cidr', 'size', 'held', 'cooling', 'quarantined', 'spare', 'free', 'nodes'],
  rows: (store, topology) => rows(deps, store, topology),
});

const NAMES = {
  cidr: 'cidr',
  range: 'ranges',
  exclude: 'exclude',
  gateway: 'gateway',
  vlan: 'vlan',
} as const;

function said(options: Raw): Raw {
  const plain = renamed(options, NAMES);
  if (options['node'] === undefined && options['attribute'] === undefined) return plain;
  const { names } = renamed(options, { node: 'names' });
  return { ...plain, nodes: { names, attributes: labelsOf('--attribute', options['attribute']) } };
}

const written = ({ cidr, ranges, exclude, gateway, vlan, nodes }: PoolRecord): Raw => ({
  cidr,
  ranges,
  exclude,
  gateway,
  vlan,
  nodes,
});

async function rows(deps: CliDeps, store: Store, topology: Topology): Promise<Row[]> {
  const networkOf = new Map(
    [...topology.networks].flatMap(([network, { pools }]) => pools.map((pool) => [pool, network])),
  );
  return Promise.all(
    [...topology.pools].map(async ([name, record]): Promise<Row> => {
      const blocks = await readWholeBlocks(store, name, deps.signal);
      const fill = fillOf({ name, space: poolSpace(record) }, blocks, deps.clock.now());
      const { size, held, cooling, quarantined, spare, withheld } = fill;
      const free = size - withheld; // what nodes keep in stock is free too: they give it back
      const network = networkOf.get(name);
      const counts = { size, held, cooling, quarantined, spare, free };
      return {
        name,
        cells: [
          ...[network ?? '-', record.cidr, ...Object.values(counts)],
          selectorText(record.nodes),
        ],
        fields: { ...written(record), network, ...counts },
      };
    }),
  );
}

function selectorText({ names = [], attributes = {} }: NodeSelector): string {
  const pairs = Object.entries(attributes).map(([name, value]) => `${name}=${value}`);
  return [...names, ...pairs].join(',') || 'all';
}

/** `corral pool add|list|show|set|remove|quarantine`. */
export function registerPool(program: Command, deps: CliDeps): void {
  registerThing(program, deps, poolThing(deps));
  const group = program.commands.find((command) => command.name() === 'pool');
  if (group) registerQuarantine(group, deps);
}
