import { listAll } from './listing.ts';
import type { Entry, Read } from './store.ts';

/** Something that is kept up to date with what lies under a prefix, one entry at a time. */
export interface Follower {
  /** There now, whether it was before or not. */
  put(entry: Entry): void;
  drop(key: string): void;
}

/** Reads in which several decisions are made one after the other, so that it is worth while to follow. */
interface Followable extends Read {
  followed<Kind extends Follower>(
    prefix: string,
    make: () => Kind,
    signal: AbortSignal,
  ): Promise<Kind>;
}

const isFollowable = (read: Read): read is Followable => 'followed' in read;

/** What `make` makes, told of everything under the prefix, or the one that was made for it before. */
export async function followed<Kind extends Follower>(
  read: Read,
  { prefix, make }: { readonly prefix: string; readonly make: () => Kind },
  signal: AbortSignal,
): Promise<Kind> {
  if (isFollowable(read)) return read.followed(prefix, make, signal);
  const follower = make();
  const { entries } = await listAll(read, prefix, { signal });
  for (const entry of entries) follower.put(entry);
  return follower;
}
