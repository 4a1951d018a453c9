import { formatAddress, parseAddress } from '../core/address.ts';
import type { PoolSpace } from '../core/pool.ts';
import { holdingsIn, isUsable, placeOf, poolSpace } from '../core/pool.ts';
import { hasBit, maskOf } from '../core/block.ts';
import { sameRecord } from '../core/topology-diff.ts';
import type { BlockRecord, LeaseRecord, LimitRecord, TallyRecord } from '../core/records.ts';
import { blockIn, holdingOf, keys, nameIn, prefixes } from './keys.ts';
import { listAll } from './listing.ts';
import type { Codec, Kept } from './records.ts';
import { records } from './records.ts';
import type { Read, Revision } from './store.ts';
import { asCounted, EMPTY_TALLY, tallied } from './tally.ts';

/** Something in the ledger that contradicts something else, or does not read. */
export interface Finding {
  readonly key: string;
  readonly says: string;
}

export interface Checked {
  readonly findings: readonly Finding[];
  /** The one revision that was looked at. */
  readonly revision: Revision;
  readonly leases: number;
}

/**
 * Checks, at one revision, that (1) every held bit has exactly one lease and every lease its bit, (2) no
 * address has two holders, (3) no lease lies outside its pool, (4) every lease has a limit, no limit is
 * left over and no class minor occurs twice on a node, (5) tallies are the sums over leases and limits.
 */
export async function checkLedger(read: Read, signal: AbortSignal): Promise<Checked> {
  const state = await readState(read, signal);
  const findings = [
    ...state.faults,
    ...blockFindings(state),
    ...leaseFindings(state),
    ...limitFindings(state),
    ...tallyFindings(state),
  ];
  return { findings, revision: state.revision, leases: state.leases.length };
}

interface Held<Record> {
  readonly key: string;
  readonly node: string;
  readonly address: string;
  readonly record: Record;
}

interface State {
  readonly revision: Revision;
  readonly faults: readonly Finding[];
  readonly spaces: ReadonlyMap<string, PoolSpace>;
  readonly blocks: readonly (Kept<BlockRecord> & { readonly pool: string; readonly n: bigint })[];
  readonly leases: readonly Held<LeaseRecord>[];
  readonly limits: readonly Held<LimitRecord>[];
  readonly tallies: ReadonlyMap<string, TallyRecord>;
}

async function readState(read: Read, signal: AbortSignal): Promise<State> {
  const faults: Finding[] = [];
  const { revision } = await read.range({ prefix: prefixes.pools, limit: 1 }, signal);
  const all = async <Record>(prefix: string, codec: Codec<Record>): Promise<Kept<Record>[]> => {
    const at = revision === 0 ? {} : { at: revision };
    const { entries } = await listAll(read, prefix, { signal, ...at });
    const decoded = codec.decodeAll(entries);
    faults.push(...decoded.faults.map(({ key, message }) => ({ key, says: message })));
    return [...decoded.good];
  };
  const pools = await all(prefixes.pools, records.pool);
  const tallies = await all(prefixes.tallies, records.tally);
  const blocks = await all(prefixes.blocks, records.block);
  return {
    revision,
    faults,
    spaces: new Map(
      pools.map(({ key, record }) => [nameIn(prefixes.pools, key), poolSpace(record)]),
    ),
    blocks: blocks.flatMap((kept) => {
      const place = blockIn(kept.key);
      return place ? [{ ...kept, ...place }] : [];
    }),
    leases: held(prefixes.leases, await all(prefixes.leases, records.lease)),
    limits: held(prefixes.limits, await all(prefixes.limits, records.limit)),
    tallies: new Map(tallies.map(({ key, record }) => [nameIn(prefixes.tallies, key), record])),
  };
}

const held = <Record>(prefix: string, kept: readonly Kept<Record>[]): Held<Record>[] =>
  kept.flatMap(({ key, record }) => {
    const place = holdingOf(prefix, key);
    return place ? [{ key, ...place, record }] : [];
  });

const idOf = (node: string, address: string): string => `${node} ${address}`;

function blockFindings({ blocks, spaces, leases }: State): Finding[] {
  const leased = new Map(leases.map((lease) => [idOf(lease.node, lease.address), lease.record]));
  const holder = new Map<string, string>();
  return blocks.flatMap(({ key, pool, n, record }): Finding[] => {
    const space = spaces.get(pool);
    if (!space) return [{ key, says: `pool "${pool}" does not exist` }];
    return holdingsIn(space, n, record).flatMap(({ node, address }) => {
      const text = formatAddress(address);
      const other = holder.get(text);
      holder.set(text, node);
      const findings: Finding[] = [];
      if (other !== undefined)
        findings.push({ key, says: `${text} is held by "${other}" and by "${node}"` });
      if (leased.get(idOf(node, text))?.pool !== pool)
        findings.push({ key, says: `${text} is held by "${node}" without a lease` });
      return findings;
    });
  });
}

function leaseFindings({ leases, spaces, blocks }: State): Finding[] {
  const blockAt = new Map(blocks.map(({ pool, n, record }) => [`${pool} ${String(n)}`, record]));
  const holder = new Map<string, string>();
  return leases.flatMap(({ key, node, address, record: { pool } }): Finding[] => {
    const findings: Finding[] = [];
    const other = holder.get(address);
    holder.set(address, node);
    if (other !== undefined)
      findings.push({ key, says: `${address} is leased to "${other}" and to "${node}"` });
    const space = spaces.get(pool);
    if (!space) return [...findings, { key, says: `pool "${pool}" does not exist` }];
    const value = parseAddress(address);
    if (!isUsable(space, value))
      findings.push({ key, says: `${address} lies outside pool "${pool}"` });
    const place = placeOf(space, value);
    const block = blockAt.get(`${pool} ${String(place.block)}`);
    if (!block || !hasBit(maskOf(block, node), place.offset))
      findings.push({ key, says: `no block of pool "${pool}" says that "${node}" holds it` });
    return findings;
  });
}

function limitFindings({ leases, limits }: State): Finding[] {
  const leased = new Map(
    leases.map(({ node, address, record }) => [idOf(node, address), record.counted]),
  );
  const limited = new Set(limits.map(({ node, address }) => idOf(node, address)));
  const minors = new Map<string, string>();
  const missing = leases
    .filter(({ node, address }) => !limited.has(idOf(node, address)))
    .map(({ key }) => ({ key, says: 'the lease has no limit' }));
  const others = limits.flatMap(({ key, node, address, record }): Finding[] => {
    const { classMinor } = record;
    const minor = idOf(node, String(classMinor));
    const twin = minors.get(minor);
    minors.set(minor, address);
    const counted = leased.get(idOf(node, address));
    return [
      ...(leased.has(idOf(node, address)) ? [] : [{ key, says: 'the limit has no lease' }]),
      ...(counted && !sameRecord(counted, asCounted(record))
        ? [{ key, says: `it is not what is in force: ${JSON.stringify(counted)}` }]
        : []),
      ...(twin === undefined
        ? []
        : [{ key, says: `class ${classMinor} is also that of ${twin} on "${node}"` }]),
    ];
  });
  return [...missing, ...others];
}

function tallyFindings({ leases, limits, tallies }: State): Finding[] {
  const limitOf = new Map(limits.map((one) => [idOf(one.node, one.address), one.record]));
  const sums = new Map<string, TallyRecord>();
  for (const { node, address, record: lease } of leases) {
    const sum = sums.get(node) ?? EMPTY_TALLY;
    sums.set(node, tallied(sum, { lease, limit: limitOf.get(idOf(node, address)) }, 1));
  }
  const nodes = new Set([...sums.keys(), ...tallies.keys()]);
  return [...nodes].flatMap((node): Finding[] => {
    const [sum, tally] = [sums.get(node) ?? EMPTY_TALLY, tallies.get(node) ?? EMPTY_TALLY];
    if (sameRecord(sum, tally)) return [];
    const says = `it says ${JSON.stringify(tally)} but the leases of "${node}" sum to ${JSON.stringify(sum)}`;
    return [{ key: keys.tally(node), says }];
  });
}
