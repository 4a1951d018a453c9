import type { Command } from 'commander';
import { parseAddress } from '../../core/address.ts';
import type { CountedLimit, LeaseRecord } from '../../core/lease-record.ts';
import type { LimitRecord } from '../../core/limit-record.ts';
import { holdingOf, prefixes } from '../../ledger/keys.ts';
import { listAll } from '../../ledger/listing.ts';
import type { Codec } from '../../ledger/records.ts';
import { records } from '../../ledger/records.ts';
import type { Store } from '../../ledger/store.ts';
import { asCounted } from '../../ledger/tally.ts';
import type { CliDeps } from '../deps.ts';
import { withStore } from '../deps.ts';
import { rateText } from '../limit-text.ts';
import { json, table } from '../table.ts';

interface Filter {
  readonly node?: string;
  readonly pool?: string;
  readonly network?: string;
  readonly app?: string;
  readonly json?: true;
}

/** `corral lease list`. */
export function registerLease(program: Command, deps: CliDeps): void {
  program
    .command('lease')
    .description('addresses that containers hold')
    .command('list')
    .description('list leases with their limits')
    .option('--node <name>', 'of this node only')
    .option('--pool <name>', 'of this pool only')
    .option('--network <name>', 'of this network only')
    .option('--app <id>', 'of this app only')
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  corral lease list --node node-1.example.org')
    .action((filter: Filter) => withStore(deps, (store) => list(deps, store, filter)));
}

interface Held {
  readonly node: string;
  readonly address: string;
  readonly lease: LeaseRecord;
  readonly limit: LimitRecord | undefined;
}

async function list(deps: CliDeps, store: Store, filter: Filter): Promise<void> {
  const held = (await readHeld(deps, store, filter.node)).filter(
    ({ lease }) =>
      (filter.pool ?? lease.pool) === lease.pool &&
      (filter.network ?? lease.network) === lease.network &&
      (filter.app === undefined || filter.app === lease.app),
  );
  deps.out(filter.json ? json(held.map(fieldsOf)) : text(held));
}

/** In force; what people wrote to the limit's key since is shown by corral limit list. */
const inForce = ({ lease, limit }: Held): CountedLimit | undefined =>
  lease.counted ?? (limit && asCounted(limit));

const fieldsOf = (held: Held): unknown => {
  const { counted, ...lease } = held.lease;
  return { address: held.address, node: held.node, ...lease, ...(counted ?? inForce(held)) };
};

const text = (held: readonly Held[]): string =>
  table(
    ['address', 'node', 'network', 'pool', 'net_in', 'net_out', 'app', 'task', 'since'],
    held
      .map((one) => [one, inForce(one)] as const)
      .map(([{ address, node, lease }, limit]) => [
        address,
        node,
        lease.network,
        lease.pool,
        rate(limit, 'netInKbit'),
        rate(limit, 'netOutKbit'),
        lease.app ?? '-',
        lease.task ?? '-',
        new Date(lease.sinceMs).toISOString(),
      ]),
    'no leases',
  );

const rate = (limit: CountedLimit | undefined, way: 'netInKbit' | 'netOutKbit'): string =>
  rateText(limit?.[way]) + (limit?.forced ? ' forced' : '');

async function readHeld(deps: CliDeps, store: Store, node?: string): Promise<Held[]> {
  const all = async <Record>(
    prefix: string,
    under: string,
    codec: Codec<Record>,
  ): Promise<Map<string, { node: string; address: string; record: Record }>> => {
    const { entries } = await listAll(store, under, { signal: deps.signal });
    const { good, faults } = codec.decodeAll(entries);
    for (const fault of faults) deps.err(`warning: ${fault.message}`);
    return new Map(
      good.flatMap(({ key, record }) => {
        const place = holdingOf(prefix, key);
        return place ? [[`${place.node} ${place.address}`, { ...place, record }]] : [];
      }),
    );
  };
  const [leasesOf, limitsOf] =
    node === undefined
      ? [prefixes.leases, prefixes.limits]
      : [prefixes.leasesOf(node), prefixes.limitsOf(node)];
  const leases = await all(prefixes.leases, leasesOf, records.lease);
  const limits = await all(prefixes.limits, limitsOf, records.limit);
  return [...leases]
    .map(([id, { record, ...place }]) => ({
      ...place,
      lease: record,
      limit: limits.get(id)?.record,
    }))
    .sort((a, b) => (parseAddress(a.address).value < parseAddress(b.address).value ? -1 : 1));
}
