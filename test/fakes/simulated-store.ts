import { eitherSignal, unlessAborted } from '../../src/ledger/abort.ts';
import { History } from '../../src/ledger/embedded/history.ts';
import { Stage } from '../../src/ledger/embedded/stage.ts';
import { State } from '../../src/ledger/embedded/state.ts';
import { emptyTree } from '../../src/ledger/embedded/tree.ts';
import { HoldingLost, LedgerClosed, LedgerUnreachable } from '../../src/ledger/errors.ts';
import { checkChange, checkKey, checkQuery, holdSeconds } from '../../src/ledger/limits.ts';
import type {
  Batch,
  Change,
  Entry,
  Holding,
  Outcome,
  Page,
  RangeQuery,
  Revision,
  Store,
} from '../../src/ledger/store.ts';
import { Tenure } from '../../src/ledger/tenure.ts';
import type { Life, World } from './simulated-world.ts';

/** How often what goes wrong, each in [0, 1). */
export interface Trouble {
  /** The request never arrives. */
  readonly lostBefore: number;
  /** It is carried out, and nobody hears of it. */
  readonly lostAfter: number;
  /** It is carried out after whoever asked was told that the ledger is unreachable. */
  readonly late: number;
  /** Longest that a request or an answer may be on its way, ms. */
  readonly longestMs: number;
}

export const CALM: Trouble = { lostBefore: 0, lostAfter: 0, late: 0, longestMs: 50 };

/** How long a client tries, ms of the virtual clock. */
const WITHIN_MS = 2_000;
/** How much later than that a request may still arrive: as a try that waits in etcd's queue. */
const LATE_BY_MS = 20_000;

type Fate = 'answered' | 'lost before' | 'lost after' | 'late';

/** The server's side: one state, many clients. Reads and commits happen in one moment each. */
export class SimulatedLedger {
  trouble: Trouble = CALM;
  /** While true no request arrives. */
  down = false;
  readonly #keep = { revisions: 100_000, characters: 64_000_000 };
  readonly history = new History(0, this.#keep);
  readonly state = new State({
    tree: emptyTree(),
    history: this.history,
    holdings: new Map(),
    revision: 0,
  });
  /** Called after each commit that changed something. */
  readonly listeners = new Set<() => void>();
  #holdings = 0;

  constructor(readonly world: World) {}

  /** A client of its own for one process. */
  client(life: Life): SimulatedStore {
    return new SimulatedStore(this, life);
  }

  fate(): Fate {
    if (this.down) return 'lost before';
    const { lostBefore, lostAfter, late } = this.trouble;
    const drawn = this.world.chance.next();
    if (drawn < lostBefore) return 'lost before';
    if (drawn < lostBefore + lostAfter) return 'lost after';
    return drawn < lostBefore + lostAfter + late ? 'late' : 'answered';
  }

  apply<T>(work: (stage: Stage) => T): T {
    const stage = new Stage(this.state);
    const result = work(stage);
    this.state.apply(stage.steps);
    if (stage.steps.length > 0) for (const listener of [...this.listeners]) listener();
    return result;
  }

  /** Forgets all revisions but the last. */
  compact(): void {
    const { revisions } = this.#keep;
    this.#keep.revisions = 1;
    this.history.forget();
    this.#keep.revisions = revisions;
  }

  nextHolding(): string {
    this.#holdings += 1;
    return `holding-${this.#holdings}`;
  }
}

/** A client of a SimulatedLedger, held to test/contract/store.ts. */
export class SimulatedStore implements Store {
  readonly #ledger: SimulatedLedger;
  readonly #life: Life;
  readonly #closing = new AbortController();
  readonly #tenures = new Map<string, Tenure>();

  constructor(ledger: SimulatedLedger, life: Life) {
    this.#ledger = ledger;
    this.#life = life;
  }

  async get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    checkKey(key);
    return this.#call(`get ${key}`, signal, () => this.#ledger.state.get(key));
  }

  async range(query: RangeQuery, signal: AbortSignal): Promise<Page> {
    const limit = checkQuery(query);
    return this.#call(`range ${query.prefix}`, signal, () =>
      this.#ledger.state.range({ ...query, limit }),
    );
  }

  async commit(change: Change, signal: AbortSignal): Promise<Outcome> {
    checkChange(change);
    for (const write of change.writes)
      if ('put' in write && write.holding?.lost.aborted === true)
        throw new HoldingLost(write.holding.id);
    const keys = change.writes.map((write) => ('put' in write ? write.put : `-${write.drop}`));
    return this.#call(`commit ${keys.join(' ')}`, signal, () =>
      this.#ledger.apply((stage) => stage.commit(change)),
    );
  }

  async *watch(prefix: string, after: Revision, signal: AbortSignal): AsyncGenerator<Batch> {
    const { world, history, state, listeners } = this.#ledger;
    const either = eitherSignal(signal, this.#closing.signal);
    const clock = world.clockOf(this.#life);
    let cursor = after;
    try {
      for (;;) {
        await clock.sleep(world.latency(this.#ledger.trouble.longestMs), either.signal);
        const { upTo, batch } = history.next(prefix, cursor);
        cursor = Math.max(cursor, upTo);
        if (batch) yield batch;
        else if (upTo >= state.revision)
          await unlessAborted(
            new Promise<void>((resolve) => {
              const listener = () => {
                listeners.delete(listener);
                if (!this.#life.over) resolve();
              };
              listeners.add(listener);
            }),
            either.signal,
          );
      }
    } finally {
      either.drop();
    }
  }

  async hold(ttlMs: number, signal: AbortSignal): Promise<Holding> {
    const ms = holdSeconds(ttlMs) * 1000;
    const { world } = this.#ledger;
    const id = this.#ledger.nextHolding();
    const tenure = new Tenure(world.clockOf(this.#life), ms);
    tenure.begin();
    let ends = () => undefined as unknown;
    const expire = () => this.#ledger.apply((stage) => stage.endHolding(id));
    const renewed = () => {
      ends();
      ends = world.after(ms, `${id} expires`, () => void expire());
    };
    await this.#call('hold', signal, () => {
      this.#ledger.apply((stage) => stage.openHolding(id, ms));
      renewed();
    });
    this.#tenures.set(id, tenure);
    tenure.keepBy(async () =>
      this.#call('', new AbortController().signal, () => {
        if (this.#ledger.state.holdings.has(id)) renewed();
        return this.#ledger.state.holdings.has(id);
      }),
    );
    const release = async (until: AbortSignal) => {
      tenure.lose(id);
      await this.#call('release holding', until, expire);
      ends();
    };
    return { id, lost: tenure.lost, release };
  }

  close(): Promise<void> {
    this.#closing.abort(new LedgerClosed());
    for (const [id, tenure] of this.#tenures) tenure.lose(id);
    return Promise.resolve();
  }

  /** There and back, each in its time, with the fate that the seed gives it. */
  #call<T>(what: string, signal: AbortSignal, work: () => T): Promise<T> {
    const { world } = this.#ledger;
    const life = this.#life;
    return new Promise<T>((resolve, reject) => {
      if (life.over) return;
      const either = eitherSignal(signal, this.#closing.signal);
      const end = (act: () => void) => {
        either.signal.removeEventListener('abort', stop);
        either.drop();
        if (!life.over) act();
      };
      const stop = () => end(() => reject(either.signal.reason as Error));
      if (either.signal.aborted) return stop();
      either.signal.addEventListener('abort', stop, { once: true });
      const journey = this.#journey(what);
      const arrive = () => {
        const done = outcomeOf(work);
        if (journey.back !== undefined)
          world.after(journey.back, '', () =>
            end(() => ('fault' in done ? reject(done.fault as Error) : resolve(done.result))),
          );
      };
      if (journey.there !== undefined) world.after(journey.there, journey.says, arrive);
      if (journey.back === undefined)
        world.after(WITHIN_MS, `${life.name}: unreachable: ${what}`, () =>
          end(() => reject(new LedgerUnreachable(what.split(' ')[0] ?? what, WITHIN_MS))),
        );
    });
  }

  /** How long it takes there and back; what is absent never arrives. */
  #journey(what: string): {
    readonly there: number | undefined;
    readonly back: number | undefined;
    readonly says: string;
  } {
    const { world, trouble } = this.#ledger;
    const fate = this.#ledger.fate();
    const says =
      what === '' ? '' : `${this.#life.name}: ${what}${fate === 'answered' ? '' : ` (${fate})`}`;
    const there = world.latency(trouble.longestMs);
    const back = world.latency(trouble.longestMs);
    switch (fate) {
      case 'answered':
        return { there, back, says };
      case 'lost before':
        return { there: undefined, back: undefined, says };
      case 'lost after':
        return { there, back: undefined, says };
      case 'late':
        return { there: WITHIN_MS + world.chance.between(1, LATE_BY_MS), back: undefined, says };
    }
  }
}

const outcomeOf = <T>(work: () => T): { readonly result: T } | { readonly fault: unknown } => {
  try {
    return { result: work() };
  } catch (fault) {
    return { fault };
  }
};
