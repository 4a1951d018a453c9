import { formatAddress } from '../core/address.ts';
import { maskOf } from '../core/block.ts';
import { hasBit, NO_BITS, offsetsIn } from '../core/mask.ts';
import { addressAt, usableMask } from '../core/pool.ts';
import type { BlockRecord } from '../core/lease-record.ts';
import { isKept, reservedOf, restsUntil } from '../core/reserve.ts';
import { keys } from './keys.ts';
import type { Finding, State } from './check-state.ts';
import { idOf } from './check-state.ts';
import { EMPTY_TALLY } from './tally.ts';

/** One node's claim on one address, as its block and its tally have it. */
interface Claim {
  readonly node: string;
  readonly offset: number;
  readonly is: 'held by' | 'kept in stock by' | 'at rest with';
}

/** What blocks say that cannot be, or that neither a lease nor a tally bears out. */
export function blockFindings(state: State): Finding[] {
  const leased = new Map(
    state.leases.map((lease) => [idOf(lease.node, lease.address), lease.record.pool]),
  );
  return state.blocks.flatMap((block) => {
    const { key, pool, n } = block;
    const space = state.spaces.get(pool);
    if (!space) return [{ key, says: `pool "${pool}" does not exist` }];
    const usable = usableMask(space, n);
    const first = new Map<number, Claim>();
    return claimsOf(state, block).flatMap((claim): Finding[] => {
      const address = formatAddress(addressAt(space, { block: n, offset: claim.offset }));
      const by = `${address} is ${claim.is} "${claim.node}"`;
      const other = first.get(claim.offset);
      first.set(claim.offset, claim);
      const isLeased = leased.get(idOf(claim.node, address)) === pool;
      const isReserve = claim.is !== 'held by';
      const wrong = [
        ...(other ? [`${by} and ${other.is} "${other.node}"`] : []),
        ...(!isReserve && !isLeased ? [`${by} without a lease`] : []),
        ...(isReserve && isLeased ? [`${by}, which leases it too`] : []),
        ...(isReserve && !hasBit(usable, claim.offset) ? [`${by} outside pool "${pool}"`] : []),
        ...(state.nodes.has(claim.node) ? [] : [`${by}, which is not in the ledger`]),
      ];
      return wrong.map((says) => ({ key, says }));
    });
  });
}

function claimsOf(
  { tallies }: State,
  { pool, n, record }: { readonly pool: string; readonly n: bigint; readonly record: BlockRecord },
): Claim[] {
  return Object.entries(record.held).flatMap(([node, mask]) => {
    const tally = tallies.get(node) ?? EMPTY_TALLY;
    return offsetsIn(mask).map((offset): Claim => {
      const place = { pool, block: n, offset };
      const rests = restsUntil(tally, place) !== undefined;
      const is = isKept(tally, place) ? 'kept in stock by' : rests ? 'at rest with' : 'held by';
      return { node, offset, is };
    });
  });
}

/** What tallies count in reserve that no block says is their node's, or count twice. */
export function reserveFindings({ tallies, blocks, spaces }: State): Finding[] {
  const at = new Map(blocks.map((block) => [block.key, block.record]));
  return [...tallies].flatMap(([node, tally]) =>
    reservedOf(tally).flatMap((place): Finding[] => {
      const { pool, block: n, offset, restsUntilMs } = place;
      const key = keys.tally(node);
      const space = spaces.get(pool);
      if (!space)
        return [{ key, says: `pool "${pool}", of which it has a reserve, does not exist` }];
      const address = formatAddress(addressAt(space, place));
      const record = at.get(keys.block(pool, n));
      const has = hasBit(record ? maskOf(record, node) : NO_BITS, offset);
      const isTwice = restsUntilMs !== undefined && isKept(tally, place);
      return [
        ...(has
          ? []
          : [{ key, says: `${address} is in reserve, but no block says that it is "${node}"'s` }]),
        ...(isTwice ? [{ key, says: `${address} is kept in stock and at rest` }] : []),
      ];
    }),
  );
}
