import type { Entry, Read, Revision } from './store.ts';

export interface Listing {
  readonly entries: readonly Entry[];
  /** The one revision that all entries show. */
  readonly revision: Revision;
}

const PAGE = 5_000;

/**
 * Every entry under a prefix, at one revision, read page by page.
 *
 * @throws Compacted when reading takes longer than history is kept
 */
export async function listAll(
  read: Read,
  prefix: string,
  { signal, at }: { readonly signal: AbortSignal; readonly at?: Revision },
): Promise<Listing> {
  const first = await read.range(
    { prefix, limit: PAGE, ...(at === undefined ? {} : { at }) },
    signal,
  );
  const entries = [...first.entries];
  const revision = at ?? first.revision;
  let { more } = first;
  while (more) {
    const after = entries.at(-1)?.key ?? prefix;
    const page = await read.range({ prefix, after, limit: PAGE, at: revision }, signal);
    entries.push(...page.entries);
    more = page.more && page.entries.length > 0;
  }
  return { entries, revision };
}
