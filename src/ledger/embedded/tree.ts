import sortedBtree from 'sorted-btree';
import { byUnits, ordered } from '../byte-order.ts';
import type { Entry, Page, RangeQuery, Revision } from '../store.ts';

/** A key's entry and the holding it is bound to. */
export interface Slot {
  readonly entry: Entry;
  readonly holding?: string;
}

/** Keys in byte order, cheap to clone. */
export type Tree = InstanceType<typeof sortedBtree.default<string, Slot>>;

/** Pages end early rather than grow past this many characters. */
const MAX_PAGE_CHARACTERS = 4_000_000;

export const emptyTree = (): Tree => new sortedBtree.default<string, Slot>(undefined, byUnits);

/** One page of `tree`, which shows the store at `revision`. */
export function pageOf(
  tree: Tree,
  query: RangeQuery & { limit: number },
  revision: Revision,
): Page {
  const prefix = ordered(query.prefix);
  const past = query.after === undefined ? undefined : ordered(query.after);
  const entries: Entry[] = [];
  let room = MAX_PAGE_CHARACTERS;
  for (const [key, { entry }] of tree.entries(
    past !== undefined && past > prefix ? past : prefix,
  )) {
    if (key === past) continue;
    if (!key.startsWith(prefix)) break;
    if (entries.length === query.limit || room <= 0) return { entries, revision, more: true };
    entries.push(entry);
    room -= key.length + entry.value.length;
  }
  return { entries, revision, more: false };
}
