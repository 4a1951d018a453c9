import { Refusal } from '../core/errors.ts';
import type { Holding } from './limit-change.ts';
import type { Edited, EditOptions, LimitEdit } from './limit-edit.ts';
import { editLimits, MOST_AT_ONCE } from './limit-edit.ts';
import type { Store } from './store.ts';

/** What became of the part of an edit that shared a commit. */
export type EditPart =
  | { readonly node: string; readonly edited: readonly Edited[] }
  | { readonly node: string; readonly addresses: readonly string[]; readonly refused: Refusal };

export type EditOfMany = Omit<LimitEdit, 'node' | 'addresses'>;

/**
 * One edit of limits on any number of nodes: a commit per node, or several where it has more of them than a
 * commit holds. A part that is refused changes nothing of its own and keeps none of the others from being
 * made; the parts tell exactly which were.
 *
 * @throws what is no refusal, and the signal's reason; parts before it stand
 */
export async function editEverywhere(
  store: Store,
  holdings: readonly Holding[],
  edit: EditOfMany,
  options: EditOptions,
): Promise<readonly EditPart[]> {
  const parts: EditPart[] = [];
  for (const { node, addresses } of partsOf(holdings))
    try {
      parts.push({ node, edited: await editLimits(store, { ...edit, node, addresses }, options) });
    } catch (fault) {
      options.signal.throwIfAborted();
      if (!(fault instanceof Refusal)) throw fault;
      parts.push({ node, addresses, refused: fault });
    }
  return parts;
}

function partsOf(holdings: readonly Holding[]): Pick<LimitEdit, 'node' | 'addresses'>[] {
  const byNode = new Map<string, string[]>();
  for (const { node, address } of holdings)
    byNode.set(node, [...(byNode.get(node) ?? []), address]);
  return [...byNode].flatMap(([node, addresses]) =>
    Array.from({ length: Math.ceil(addresses.length / MOST_AT_ONCE) }, (_, part) => ({
      node,
      addresses: addresses.slice(part * MOST_AT_ONCE, (part + 1) * MOST_AT_ONCE),
    })),
  );
}
