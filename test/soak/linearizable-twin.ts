import type { Deal } from './history.ts';

/**
 * Whether some order of the deals explains them, found by trying every order of all deals of all
 * addresses together, every subset of those of unknown outcome, and every address for a wish that has
 * none. For a handful of deals; knows nothing of linearizable.ts.
 */
export function explainedByBruteForce(history: readonly Deal[]): boolean {
  const addresses = [...new Set(history.flatMap(({ address }) => address ?? [])), 'elsewhere'];
  return goesOn(history, new Map(), addresses);
}

function goesOn(
  left: readonly Deal[],
  held: ReadonlyMap<string, string>,
  addresses: readonly string[],
): boolean {
  if (left.every(({ answered }) => answered === undefined)) return true;
  return left.some((deal) => {
    const rest = left.filter((other) => other !== deal);
    if (rest.some(({ answered = Infinity }) => answered < deal.asked)) return false;
    const places = deal.address === undefined ? addresses : [deal.address];
    return places.some((address) => {
      const next = dealt(deal, address, held);
      return next !== undefined && goesOn(rest, next, addresses);
    });
  });
}

function dealt(
  deal: Deal,
  address: string,
  held: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> | undefined {
  const holder = held.get(address);
  const next = new Map(held);
  if (deal.does === 'take') {
    if (holder !== undefined && holder !== deal.holder) return undefined;
    return next.set(address, deal.holder);
  }
  const saw = holder === deal.holder ? 'it' : (holder ?? 'nobody');
  const told = typeof deal.found === 'object' ? deal.found.other : deal.found;
  if (deal.answered !== undefined && told !== undefined) {
    if (told === 'not it' ? saw === 'it' : told !== saw) return undefined;
  }
  if (saw === 'it') next.delete(address);
  return next;
}
