/** How many, by node or by pool. */
export type Counts = ReadonlyMap<string, number>;

export const sumOf = (counts: Counts): number => {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
};

/**
 * What is left of a promise's places once only `keep` instances are still owed.
 *
 * Places where the app's leases landed are given up first (they are no longer promised but held), then
 * the places named last. Never more than asked: when the places hold fewer than `keep`, all stay.
 *
 * @param places  instances promised per node, or addresses per pool
 * @param keep    instances still owed
 * @param landed  leases of the app that turned up at a place since the promise was made
 */
export function trim(places: Counts, keep: number, landed: (place: string) => number): Counts {
  let excess = sumOf(places) - Math.max(0, keep);
  if (excess <= 0) return places;
  const left = new Map(places);
  const giveUp = (place: string, most: number): void => {
    const count = left.get(place) ?? 0;
    const given = Math.max(0, Math.min(excess, count, most));
    excess -= given;
    if (given === count) left.delete(place);
    else left.set(place, count - given);
  };
  for (const place of places.keys()) giveUp(place, landed(place));
  for (const place of [...places.keys()].reverse()) giveUp(place, excess);
  return left;
}

/**
 * Spreads `count` addresses that no witness places over pools: each up to what it has free, in order;
 * what is left over goes to the first, whose free count then shows the shortage as a negative number.
 */
export function spread(count: number, pools: readonly (readonly [string, number])[]): Counts {
  const taken = new Map<string, number>();
  let left = count;
  const take = (pool: string, most: number): void => {
    const share = Math.min(left, Math.max(0, most));
    left -= share;
    if (share > 0) taken.set(pool, (taken.get(pool) ?? 0) + share);
  };
  for (const [pool, free] of pools) take(pool, free);
  const first = pools[0];
  if (first !== undefined) take(first[0], left);
  return taken;
}
