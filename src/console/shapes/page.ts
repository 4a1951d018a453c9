/** What a list may be cut to. */
export interface PageQuery {
  readonly limit: number;
  /** Name after which the page starts. */
  readonly after?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Hand it back as `after` for the page that follows; absent on the last one. */
  readonly next?: string;
}

/** The page of `sorted`, whose names ascend. */
export function pageOf<T>(
  sorted: readonly T[],
  nameOf: (item: T) => string,
  { limit, after }: PageQuery,
): Page<T> {
  const rest = after === undefined ? sorted : sorted.filter((item) => nameOf(item) > after);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, ...(rest.length > limit && last !== undefined && { next: nameOf(last) }) };
}
