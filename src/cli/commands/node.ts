import type { Command } from 'commander';
import { formatRate } from '../../core/rate.ts';
import type { NodeRecord } from '../../core/topology-record.ts';
import { readNode } from '../../core/topology-read.ts';
import type { Topology } from '../../core/topology.ts';
import { nameIn, prefixes } from '../../ledger/keys.ts';
import { listAll } from '../../ledger/listing.ts';
import { records } from '../../ledger/records.ts';
import type { Store } from '../../ledger/store.ts';
import { EMPTY_TALLY } from '../../ledger/tally.ts';
import type { CliDeps } from '../deps.ts';
import { gathered, labelsOf, numberOf, renamed } from '../options.ts';
import type { Raw, Row, Thing } from '../things.ts';
import { registerThing } from '../things.ts';

const nodeThing: Thing<NodeRecord> = {
  kind: 'node',
  what: "machines with a Mesos agent, under the agent's hostname",
  example: 'corral node add node-1.example.org --link 1gbit --attribute rack=r1',
  options: (command) =>
    command
      .option('--link <rate>', 'capacity of the uplink both ways, as tc(8) spells rates')
      .option('--link-in <rate>', 'capacity towards the node')
      .option('--link-out <rate>', 'capacity from the node')
      .option('--overcommit <ratio>', 'at least 1', numberOf('--overcommit'))
      .option('--headroom <share>', 'share for containers, up to 1', numberOf('--headroom'))
      .option('--attribute <name=value>', 'beyond those of Mesos; may be repeated', gathered),
  said,
  written,
  read: readNode,
  of: ({ nodes }) => nodes,
  headers: ['link in', 'link out', 'overcommit', 'leases', 'net_in', 'net_out', 'attributes'],
  rows,
};

const NAMES = { overcommit: 'overcommit', headroom: 'headroom' } as const;

function said(options: Raw): Raw {
  const link = renamed(options, { link: 'linkIn' });
  const ways = renamed(options, { linkIn: 'linkIn', linkOut: 'linkOut' });
  const both = options['link'] === undefined ? {} : { ...link, linkOut: link['linkIn'] };
  const attributes =
    options['attribute'] === undefined
      ? {}
      : { attributes: labelsOf('--attribute', options['attribute']) };
  return { ...both, ...ways, ...renamed(options, NAMES), ...attributes };
}

function written(record: NodeRecord): Raw {
  const { linkInKbit: linkIn, linkOutKbit: linkOut, overcommit, headroom, attributes } = record;
  return { linkIn, linkOut, overcommit, headroom, attributes };
}

async function rows(store: Store, topology: Topology, signal: AbortSignal): Promise<Row[]> {
  const { entries } = await listAll(store, prefixes.tallies, { signal });
  const tallies = new Map(
    records.tally
      .decodeAll(entries)
      .good.map(({ key, record }) => [nameIn(prefixes.tallies, key), record]),
  );
  return [...topology.nodes].map(([name, record]): Row => {
    const { pools, netInKbit, netOutKbit, forced = 0 } = tallies.get(name) ?? EMPTY_TALLY;
    const leases = Object.values(pools).reduce((sum, count) => sum + count, 0);
    const attributes = Object.entries(record.attributes).map(([key, value]) => `${key}=${value}`);
    return {
      name,
      cells: [
        formatRate(record.linkInKbit),
        formatRate(record.linkOutKbit),
        record.overcommit,
        forced > 0 ? `${leases}, ${forced} forced` : leases,
        netInKbit === 0 ? '0' : formatRate(netInKbit),
        netOutKbit === 0 ? '0' : formatRate(netOutKbit),
        attributes.join(','),
      ],
      fields: { ...record, leases, netInKbit, netOutKbit, ...(forced > 0 && { forced }) },
    };
  });
}

/** `corral node add|list|show|set|remove`. */
export const registerNode = (program: Command, deps: CliDeps): void =>
  registerThing(program, deps, nodeThing);
