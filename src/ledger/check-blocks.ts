import { formatAddress } from '../core/address.ts';
import { hasBit, offsetsIn } from '../core/block.ts';
import { addressAt, usableMask } from '../core/pool.ts';
import type { BlockRecord } from '../core/records.ts';
import type { Finding, State } from './check-state.ts';
import { idOf } from './check-state.ts';

/** One node's claim on one address, as a block has it. */
interface Claim {
  readonly node: string;
  readonly offset: number;
  readonly kind: 'held' | 'kept in stock';
}

const claimsOf = (kind: Claim['kind'], masks: BlockRecord['held'] = {}): Claim[] =>
  Object.entries(masks).flatMap(([node, mask]) =>
    offsetsIn(mask).map((offset) => ({ node, offset, kind })),
  );

/** What blocks say that cannot be, or that no lease bears out. */
export function blockFindings(state: State): Finding[] {
  const leased = new Map(
    state.leases.map((lease) => [idOf(lease.node, lease.address), lease.record.pool]),
  );
  return state.blocks.flatMap((block) => {
    const { key, pool, n, record } = block;
    const space = state.spaces.get(pool);
    if (!space) return [{ key, says: `pool "${pool}" does not exist` }];
    const usable = usableMask(space, n);
    const claims = [...claimsOf('held', record.held), ...claimsOf('kept in stock', record.spare)];
    const first = new Map<number, Claim>();
    return claims.flatMap((claim): Finding[] => {
      const address = formatAddress(addressAt(space, { block: n, offset: claim.offset }));
      const by = `${address} is ${claim.kind} by "${claim.node}"`;
      const other = first.get(claim.offset);
      first.set(claim.offset, claim);
      const isLeased = leased.get(idOf(claim.node, address)) === pool;
      const wrong = [
        ...(other ? [`${by} and ${other.kind} by "${other.node}"`] : []),
        ...(claim.kind === 'held' && !isLeased ? [`${by} without a lease`] : []),
        ...(claim.kind !== 'held' && isLeased ? [`${by}, which leases it too`] : []),
        ...(claim.kind !== 'held' && !hasBit(usable, claim.offset)
          ? [`${by} outside pool "${pool}"`]
          : []),
        ...(state.nodes.has(claim.node) ? [] : [`${by}, which is not in the ledger`]),
      ];
      return wrong.map((says) => ({ key, says }));
    });
  });
}
