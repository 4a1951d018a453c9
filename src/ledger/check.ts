import { parseAddress } from '../core/address.ts';
import { isUsable, placeOf } from '../core/pool.ts';
import { maskOf } from '../core/block.ts';
import { hasBit } from '../core/mask.ts';
import { sameRecord } from '../core/topology-diff.ts';
import type { TallyRecord } from '../core/lease-record.ts';
import { blockFindings, reserveFindings } from './check-blocks.ts';
import type { Finding, State } from './check-state.ts';
import { idOf, readState } from './check-state.ts';
import { keys } from './keys.ts';
import type { Read, Revision } from './store.ts';
import { asCounted, EMPTY_TALLY, tallied } from './tally.ts';

export interface Checked {
  readonly findings: readonly Finding[];
  /** The one revision that was looked at. */
  readonly revision: Revision;
  readonly leases: number;
}

/**
 * Checks, at one revision, that (1) every bit of a block is a lease or in its node's reserve (kept in stock
 * or at rest), one of them exactly, and every lease and all of a reserve has its bit, (2) no address is two
 * nodes', (3) no lease and nothing of a reserve lies outside its pool, and none is a node's that is not
 * there, so that nothing is missing from its pool for good,
 * (4) every lease has a limit, no limit is left over and no class minor occurs twice on a node, (5)
 * tallies are the sums over leases and limits.
 *
 * An address may be quarantined while somebody has it: it is withheld once it is given back.
 */
export async function checkLedger(read: Read, signal: AbortSignal): Promise<Checked> {
  const state = await readState(read, signal);
  const findings = [
    ...state.faults,
    ...blockFindings(state),
    ...reserveFindings(state),
    ...leaseFindings(state),
    ...limitFindings(state),
    ...tallyFindings(state),
  ];
  return { findings, revision: state.revision, leases: state.leases.length };
}

function leaseFindings({ leases, nodes, spaces, blocks }: State): Finding[] {
  const blockAt = new Map(blocks.map(({ pool, n, record }) => [`${pool} ${String(n)}`, record]));
  const holder = new Map<string, string>();
  return leases.flatMap(({ key, node, address, record: { pool } }): Finding[] => {
    const findings: Finding[] = [];
    const other = holder.get(address);
    holder.set(address, node);
    if (other !== undefined)
      findings.push({ key, says: `${address} is leased to "${other}" and to "${node}"` });
    if (!nodes.has(node)) findings.push({ key, says: `node "${node}" is not in the ledger` });
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
    const tally = tallies.get(node) ?? EMPTY_TALLY;
    const sum = { ...(sums.get(node) ?? EMPTY_TALLY), reserve: tally.reserve };
    if (sameRecord(sum, { reserve: undefined, ...tally })) return [];
    const says = `it says ${JSON.stringify(tally)} but the leases of "${node}" sum to ${JSON.stringify(sum)}`;
    return [{ key: keys.tally(node), says }];
  });
}
