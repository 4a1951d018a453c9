import { conflictText } from '../core/reconcile-words.ts';
import type { Kept } from '../core/reconcile-evidence.ts';
import { confirmed, reconcile, type Reconciled } from '../core/reconcile.ts';
import type { Conflict, ReconcileStep } from '../core/reconcile-step.ts';
import { NOTHING_REMEMBERED, type ReconcileMemory } from '../core/reconcile-input.ts';
import type { EvidentRelease, ReconciledRecord } from '../core/agent-record.ts';
import type { NodeLease } from '../ledger/desk.ts';
import { keys } from '../ledger/keys.ts';
import { records } from '../ledger/records.ts';
import type { Store } from '../ledger/store.ts';
import { type LoopState, startLoop } from '../plumbing/loop.ts';
import { type LookDeps, lookAtDocker } from './docker-look.ts';
import type { Journal } from './journal.ts';
import { nameOf } from './journal-lines.ts';
import { carryOut, type Done, type HandDeps } from './reconcile-hands.ts';

export interface ReconcileDeps extends Omit<LookDeps, 'desk'>, HandDeps {
  readonly store: Pick<Store, 'get' | 'range' | 'commit' | 'watch'>;
  readonly journal: Pick<Journal, 'pending'>;
  /** Milliseconds of a clock that nobody sets, from whatever beginning. */
  readonly steadyMs: () => number;
  /** Between looks, ms; default 60,000. */
  readonly everyMs?: number;
  /** Looks that found nobody must span at least this long, ms; default 60,000. */
  readonly apartMs?: number;
  /** After that long whatever is to be adopted must still be there, ms; default 1,000. */
  readonly confirmAfterMs?: number;
  /** After every look that ended well: what runs was adopted. Told the addresses that Docker shows. */
  readonly onLooked?: (running: ReadonlySet<string>) => void;
  /** Addresses being handed out right now; default: none. */
  readonly inFlight?: () => ReadonlySet<string>;
}

export interface ReconcileState extends LoopState {
  /** Of the last look that ended well. */
  readonly last?: ReconciledRecord;
  readonly conflicts: readonly Conflict[];
  readonly kept: readonly Kept[];
}

/** Compares what Docker runs with what the ledger says of this node, for ever. */
export interface Reconciler {
  state(): ReconcileState;
  /** Something was missed, or is known to be different: looks again at once. */
  wake(): void;
  /** Resolves when a look that began after the call has ended well. @throws the signal's reason */
  looked(signal: AbortSignal): Promise<ReconciledRecord>;
  stop(): Promise<void>;
}

const EVERY_MS = 60_000;
const CONFIRM_AFTER_MS = 1_000;
const TURN_WITHIN_MS = 60_000;
/** A ledger or a Docker that is back is noticed within seconds. */
const BACKOFF = { backoffMs: 500, backoffCapMs: 5_000 };
const MOST_CONFLICTS = 50;
const MOST_RELEASES = 20;

/** Starts at once; waits for Docker and for the ledger as long as it takes. */
export function startReconcile(deps: ReconcileDeps): Reconciler {
  const turns = new Turns(deps);
  const { clock, log, everyMs = EVERY_MS } = deps;
  const pace = { everyMs, ...BACKOFF, deadlineMs: TURN_WITHIN_MS };
  const loop = startLoop('reconcile', (signal) => turns.turn(signal), { ...pace, clock, log });
  const watching = new AbortController();
  const calls = startLoop(
    'rebuild calls',
    (signal) => heard(deps, () => loop.wake(), AbortSignal.any([signal, watching.signal])),
    { everyMs: 0, ...BACKOFF, deadlineMs: 2 ** 31 - 1, clock, log },
  );
  return {
    state: () => ({ ...loop.state(), ...turns.found }),
    wake: () => loop.wake(),
    looked: (signal) => turns.next(signal, () => loop.wake()),
    stop: async () => {
      watching.abort();
      await Promise.all([loop.stop(), calls.stop()]);
    },
  };
}

/** Wakes the loop whenever a rebuild of the ledger begins. Ends only with a fault. */
async function heard(
  { store }: Pick<ReconcileDeps, 'store'>,
  wake: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { revision } = await store.range({ prefix: keys.rebuilding, limit: 1 }, signal);
  for await (const { changes } of store.watch(keys.rebuilding, revision, signal))
    if (changes.some(({ entry }) => entry)) wake();
}

interface Found {
  readonly last?: ReconciledRecord;
  readonly conflicts: readonly Conflict[];
  readonly kept: readonly Kept[];
}

class Turns {
  readonly #deps: ReconcileDeps;
  #memory: ReconcileMemory = NOTHING_REMEMBERED;
  #releases: readonly EvidentRelease[] = [];
  #begun = 0;
  #waiting: { readonly after: number; readonly tell: (record: ReconciledRecord) => void }[] = [];
  found: Found = { conflicts: [], kept: [] };

  constructor(deps: ReconcileDeps) {
    this.#deps = deps;
  }

  async turn(signal: AbortSignal): Promise<void> {
    const turn = (this.#begun += 1);
    const { desk, store, journal, bootId, holdings } = this.#deps;
    const call = await store.get(keys.rebuilding, signal);
    const leases = await holdings.learnFrom(() => desk.leases(signal));
    const docker = await lookAtDocker(this.#deps, leases, signal);
    const times = { steadyMs: this.#deps.steadyMs(), apartMs: this.#deps.apartMs ?? EVERY_MS };
    const plan = reconcile({
      docker,
      leases,
      pending: new Set(journal.pending().map(nameOf)),
      inFlight: this.#deps.inFlight?.() ?? new Set(),
      bootId,
      ...times,
      memory: this.#memory,
    });
    this.#memory = plan.memory;
    const steps = await this.#confirmed(plan.steps, leases, signal);
    const done = await carryOut(this.#deps, steps, signal);
    const running = new Set(docker.endpoints.map(({ address }) => address));
    const rebuild = call && records.rebuilding.decode(call).id;
    const last = await this.#report(plan, done, { running: running.size, rebuild, signal });
    holdings.looked({ running, ...times });
    this.#deps.onLooked?.(running);
    const told = this.#waiting.filter(({ after }) => after < turn);
    this.#waiting = this.#waiting.filter(({ after }) => after >= turn);
    for (const { tell } of told) tell(last);
  }

  async #confirmed(
    steps: readonly ReconcileStep[],
    before: readonly NodeLease[],
    signal: AbortSignal,
  ): Promise<readonly ReconcileStep[]> {
    if (!steps.some((step) => step.do === 'adopt')) return steps;
    const { clock, desk, confirmAfterMs = CONFIRM_AFTER_MS } = this.#deps;
    await clock.sleep(confirmAfterMs, signal);
    // what was leased while the first look was under way may end, and be given back, before it is adopted
    const known = new Set(before.map(({ address }) => address));
    const now = await desk.leases(signal);
    const leased = new Set(now.flatMap(({ address }) => (known.has(address) ? [] : [address])));
    return confirmed(steps, { ...(await lookAtDocker(this.#deps, [], signal)), leased });
  }

  /** The next look that begins, unless the signal is faster. */
  next(signal: AbortSignal, wake: () => void): Promise<ReconciledRecord> {
    return new Promise((resolve, reject) => {
      const fail = (): void => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        reject(signal.reason as Error);
      };
      const waiting = {
        after: this.#begun,
        tell: (record: ReconciledRecord) => {
          signal.removeEventListener('abort', fail);
          resolve(record);
        },
      };
      if (signal.aborted) {
        fail();
        return;
      }
      signal.addEventListener('abort', fail, { once: true });
      this.#waiting.push(waiting);
      wake();
    });
  }

  async #report(plan: Reconciled, done: Done, more: Reporting): Promise<ReconciledRecord> {
    const { clock, store, node, bootId } = this.#deps;
    this.#releases = [...done.released, ...this.#releases].slice(0, MOST_RELEASES);
    const last: ReconciledRecord = {
      v: 1,
      atMs: clock.now(),
      ...(bootId === undefined ? {} : { bootId }),
      running: more.running,
      adopted: done.adopted,
      completed: done.completed,
      released: done.released.length,
      kept: plan.kept.length,
      conflicts: done.conflicts.slice(0, MOST_CONFLICTS).map(conflictText),
      releases: this.#releases,
      ...(more.rebuild === undefined ? {} : { rebuild: more.rebuild }),
    };
    const put = { put: keys.reconciled(node), value: records.reconciled.encode(last) };
    await store.commit({ guards: [], writes: [put] }, more.signal);
    this.found = { last, conflicts: done.conflicts, kept: plan.kept };
    return last;
  }
}

interface Reporting {
  readonly running: number;
  readonly rebuild: string | undefined;
  readonly signal: AbortSignal;
}
