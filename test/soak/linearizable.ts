import type { Deal, Release, Take } from './history.ts';

/** Why no order of the deals explains their answers. */
export interface Unexplained {
  readonly address: string;
  /** Deals of that address that could be ordered before the search was stuck, at most. */
  readonly explained: number;
  /** Those that could not come next, with who held the address then. */
  readonly stuck: readonly Deal[];
  readonly held: string | undefined;
}

/** Ways to say which of several addresses a wish of unknown outcome got, before we give up. */
const MOST_GUESSES = 4_096;

/**
 * Says whether every answered deal can be given one moment between its being asked and its being
 * answered, and each deal of unknown outcome one after its being asked or none, so that dealt with one
 * after the other the answers are what they were. An address is free or has one holder: a take gives it
 * to its holder when it is free or his already; a release frees it when it is its holder's.
 *
 * Complete, that is neither a false alarm nor a miss:
 *
 * 1. Address by address. Linearizability is local (Herlihy and Wing 1990, theorem 1): a history is
 *    linearizable when its part for each object is. An address is an object; a take of "any" is a take of
 *    the one that was given, for which one is given is left open.
 * 2. A wish for any address without an answer has none to be filed under. It could do harm nowhere (it may
 *    never have happened), and be of use only where an answer names its holder. So it is filed there; where
 *    there are several such addresses, each choice is tried, since it got at most one.
 * 3. Per address, all orders are searched (Wing and Gong 1993) and no situation twice (Lowe 2017): a situation is
 *    which deals are done and who holds the address. Two things of unknown outcome are left out of
 *    the search since they never help: a take whose holder no answer to come names (leave it out of a valid order,
 *    with the release that ends it, and the order stays valid), a release that would free nothing.
 *
 * The cost is polynomial in the length for a bounded number w of answered deals on one address that
 * overlap: before a situation lies a prefix by time of answer and at most w more, of 2^w choices; who holds it is one
 * of w+1 names at most; deals of unknown outcome are told apart only while their holder can come
 * into it. Deciding it without a bound on w is NP-complete (Gibbons and Korach 1997), and w is a handful here.
 *
 * @throws RangeError when more than 4,096 choices of step 2 are left, which a sane history never has
 */
export function unexplained(history: readonly Deal[]): Unexplained | undefined {
  let first: Unexplained | undefined;
  for (const filed of filings(history)) {
    const fault = firstFault(filed);
    if (!fault) return undefined;
    first ??= fault;
  }
  return first;
}

type Filed = ReadonlyMap<string, readonly Filing[]>;
type Filing = (Take & { readonly address: string }) | Release;

function firstFault(filed: Filed): Unexplained | undefined {
  for (const [address, deals] of filed) {
    const fault = new Search(address, deals).run();
    if (fault) return fault;
  }
  return undefined;
}

/** Step 2: the deals by address, for every choice that is left open. */
function* filings(history: readonly Deal[]): Iterable<Filed> {
  const sure = new Map<string, Filing[]>();
  const file = (into: Map<string, Filing[]>, deal: Filing): void => {
    const deals = into.get(deal.address);
    if (deals) deals.push(deal);
    else into.set(deal.address, [deal]);
  };
  const open: Take[] = [];
  for (const deal of history)
    if (isFiled(deal)) file(sure, deal);
    else open.push(deal);
  const named = namedAt(sure);
  const choices = open.flatMap((take) => {
    const addresses = [...(named.get(take.holder) ?? [])];
    return addresses.length === 0 ? [] : [addresses.map((address) => ({ ...take, address }))];
  });
  const guesses = choices.reduce((count, { length }) => count * length, 1);
  if (guesses > MOST_GUESSES) throw new RangeError(`${guesses} ways to file what is open`);
  for (let guess = 0; guess < guesses; guess += 1) {
    const filed = new Map([...sure].map(([address, deals]) => [address, [...deals]]));
    let rest = guess;
    for (const choice of choices) {
      file(filed, choice[rest % choice.length]!);
      rest = Math.floor(rest / choice.length);
    }
    yield filed;
  }
}

const isFiled = (deal: Deal): deal is Filing => deal.address !== undefined;

/** Where answers name a holder. */
function namedAt(filed: Filed): ReadonlyMap<string, ReadonlySet<string>> {
  const named = new Map<string, Set<string>>();
  for (const [address, deals] of filed)
    for (const holder of deals.flatMap((deal) => needOf(deal) ?? []))
      named.set(holder, (named.get(holder) ?? new Set()).add(address));
  return named;
}

/** Whom an answer names as having had the address: it cannot be explained without him. */
function needOf(deal: Filing): string | undefined {
  if (deal.answered === undefined) return undefined;
  if (deal.does === 'take' || deal.found === 'it') return deal.holder;
  return typeof deal.found === 'object' ? deal.found.other : undefined;
}

/** Who holds the address after the deal; `false`: the deal cannot come here. */
function after(deal: Filing, held: string | undefined): string | undefined | false {
  const { holder } = deal;
  if (deal.does === 'take') return held === undefined || held === holder ? holder : false;
  const { found } = deal;
  if (found === undefined) return held === holder ? undefined : held;
  if (found === 'it') return held === holder ? undefined : false;
  if (found === 'not it') return held === holder ? false : held;
  return held === found.other ? held : false;
}

/** A point in a search: deals done, as places in Search's lists. */
interface Situation {
  /** Answered deals before this place are done. */
  readonly prefix: number;
  /** Done beyond it, ascending. */
  readonly more: readonly number[];
  /** Of unknown outcome and done, ascending. */
  readonly open: readonly number[];
  readonly held: string | undefined;
}

class Search {
  readonly #address: string;
  /** In the order of their answers. */
  readonly #known: readonly (Filing & { readonly answered: number })[];
  readonly #open: readonly Filing[];
  /** Places in #open. */
  readonly #openTakes: number[] = [];
  readonly #openReleases = new Map<string, number[]>();
  /** The first to be asked for of those from a place on. */
  readonly #earliest: readonly number[];
  /** The last place in #known whose answer names a holder. */
  readonly #lastNeed = new Map<string, number>();
  readonly #seen = new Set<string>();
  #furthest: { readonly done: number; readonly at: Situation } | undefined;

  constructor(address: string, deals: readonly Filing[]) {
    this.#address = address;
    this.#known = deals
      .filter((deal): deal is Filing & { answered: number } => deal.answered !== undefined)
      .sort((a, b) => a.answered - b.answered);
    const earliest = this.#known.map(({ asked }) => asked);
    for (let place = earliest.length - 2; place >= 0; place -= 1)
      earliest[place] = Math.min(earliest[place]!, earliest[place + 1]!);
    this.#earliest = earliest;
    this.#open = deals.filter(({ answered }) => answered === undefined);
    this.#open.forEach(({ does, holder }, place) => {
      if (does === 'take') this.#openTakes.push(place);
      else this.#openReleases.set(holder, [...(this.#openReleases.get(holder) ?? []), place]);
    });
    this.#known.forEach((deal, place) => {
      const holder = needOf(deal);
      if (holder !== undefined) this.#lastNeed.set(holder, place);
    });
  }

  run(): Unexplained | undefined {
    const todo: Situation[] = [{ prefix: 0, more: [], open: [], held: undefined }];
    for (let next = todo.pop(); next; next = todo.pop()) {
      if (next.prefix === this.#known.length) return undefined;
      const at = this.#told(next);
      const key = `${at.prefix}|${at.more.join()}|${at.open.join()}|${at.held ?? ''}`;
      if (this.#seen.has(key)) continue;
      this.#seen.add(key);
      const done = at.prefix + at.more.length;
      if (!this.#furthest || done > this.#furthest.done) this.#furthest = { done, at };
      todo.push(...this.#openNext(at), ...this.#knownNext(at));
    }
    return this.#fault();
  }

  /** Places of answered deals that nothing left undone precedes. */
  #ready({ prefix, more }: Situation): number[] {
    const first = this.#known[prefix]!.answered; // of those undone the first to be answered
    const ready: number[] = [];
    for (let place = prefix; (this.#earliest[place] ?? Infinity) <= first; place += 1)
      if (this.#known[place]!.asked <= first && !more.includes(place)) ready.push(place);
    return ready;
  }

  #knownNext(at: Situation): Situation[] {
    return this.#ready(at).flatMap((place) => {
      const held = after(this.#known[place]!, at.held);
      if (held === false) return [];
      let { prefix } = at;
      const more = new Set([...at.more, place]);
      while (more.delete(prefix)) prefix += 1;
      return { ...at, prefix, more: [...more].sort((a, b) => a - b), held };
    });
  }

  /** Only what helps: a take of somebody who is needed, or the release of who holds it now. */
  #openNext(at: Situation): Situation[] {
    const first = this.#known[at.prefix]!.answered;
    const places =
      at.held === undefined ? this.#openTakes : (this.#openReleases.get(at.held) ?? []);
    return places.flatMap((place) => {
      const deal = this.#open[place]!;
      if (deal.asked > first || at.open.includes(place)) return [];
      if (deal.does === 'take' && !this.#isNeeded(deal, at)) return [];
      const held = deal.does === 'take' ? deal.holder : undefined;
      return { ...at, open: [...at.open, place].sort((a, b) => a - b), held };
    });
  }

  /** Whether an answer that is yet to be explained may name the holder. */
  #isNeeded({ holder }: Filing, { prefix }: Situation): boolean {
    return (this.#lastNeed.get(holder) ?? -1) >= prefix;
  }

  /** Without the open deals that can make no difference any more. */
  #told(at: Situation): Situation {
    const open = at.open.filter((place) => {
      const deal = this.#open[place]!;
      return deal.holder === at.held || this.#isNeeded(deal, at);
    });
    return { ...at, open };
  }

  #fault(): Unexplained {
    const { done, at } = this.#furthest!;
    const stuck = this.#ready(at).map((place) => this.#known[place]!);
    return { address: this.#address, explained: done, stuck, held: at.held };
  }
}
