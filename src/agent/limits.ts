import type { CountedLimit } from '../core/lease-record.ts';
import { trimAudit } from '../ledger/audit.ts';
import { BadRecord } from '../ledger/errors.ts';
import type { Follow } from '../ledger/follow.ts';
import { follow } from '../ledger/follow.ts';
import { keys, prefixes } from '../ledger/keys.ts';
import { UnknownNode } from '../ledger/lease-errors.ts';
import type { LimitReport } from '../ledger/limit-report.ts';
import { reportLimit } from '../ledger/limit-report.ts';
import { settleLimit } from '../ledger/limit-settle.ts';
import type { Store } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { Loop, LoopState } from '../plumbing/loop.ts';
import { startLoop } from '../plumbing/loop.ts';
import { LimitPicture, type Side, type WantedLimit } from './limit-picture.ts';

export type { WantedLimit } from './limit-picture.ts';
export type { LimitReport } from '../ledger/limit-report.ts';

export interface LimitsDeps {
  readonly store: Store;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Text of [0-9a-z], for the audit's ids. */
  readonly random: () => string;
}

/** For /ready. */
export interface LimitsState {
  /** Both the leases and the limits are read and followed. */
  readonly following: boolean;
  /** Addresses with something to be settled or reported. */
  readonly waiting: number;
  /** Addresses of which nobody can say which limit is in force, with the reason. */
  readonly unsettled: ReadonlyMap<string, string>;
  readonly loop: LoopState;
}

/**
 * The limits in force on one node, for the shaper, and what became of them, for everybody else.
 *
 * 1. What is wanted is what the leases count: a write to a limit's key counts once it was judged.
 * 2. A write that came past Corral is settled at once: in force with the node's sums, or undone and told.
 * 3. An edit that the kernel does not carry out is undone and told. What is known of an edit stands in the
 *    ledger, so a crash anywhere only means that it is judged or reported again.
 */
export interface Limits {
  /** Of all leases of the node, in order of address. Empty until the first read. */
  wanted(): readonly WantedLimit[];
  /** Of containers that have started, so that what they ask for is counted. */
  started(): readonly CountedLimit[];
  /** False until the leases were read once: `wanted` says nothing yet, so nothing may be undone by it. */
  known(): boolean;
  /** Calls back after `wanted` changed. @returns what ends that */
  onChange(listener: () => void): () => void;
  /** What the kernel was found to do, of any number of limits, as often as one likes. */
  report(reports: readonly LimitReport[]): void;
  state(): LimitsState;
  /** Ends the following; the limits stay as they are. */
  close(): Promise<void>;
}

/** Follows the node's leases and limits until closed. */
export const startLimits = (deps: LimitsDeps): Limits => new NodeLimits(deps);

const TURN = { everyMs: 10_000, backoffMs: 100, backoffCapMs: 5_000, deadlineMs: 20_000 } as const;
/** A commit writes lease and limit at once, but they are told one after the other. */
const TOGETHER_MS = 20;
/** Entries of the audit that this process writes before it looks again whether there are too many. */
const TRIM_EVERY = 50;

class NodeLimits implements Limits {
  readonly #deps: LimitsDeps;
  readonly #picture = new LimitPicture();
  readonly #listeners = new Set<() => void>();
  readonly #reports = new Map<string, LimitReport>();
  readonly #unsettled = new Map<string, string>();
  readonly #ending = new AbortController();
  readonly #follows: readonly Follow[];
  readonly #loop: Loop;
  #audited = 0;
  #trimAt = 1;

  constructor(deps: LimitsDeps) {
    this.#deps = deps;
    const { node, store, clock, log } = deps;
    const pursue = <R>(prefix: string, tell: Side<R>): Follow =>
      follow(
        { store, clock, log },
        prefix,
        {
          reset: (entries) => this.#told(() => tell.reset(entries)),
          change: ({ changes }) => this.#told(() => tell.change(changes)),
        },
        this.#ending.signal,
      );
    this.#loop = startLoop('limits', (signal) => this.#turn(signal), { ...TURN, clock, log });
    this.#follows = [
      pursue(prefixes.leasesOf(node), this.#picture.leases),
      pursue(prefixes.limitsOf(node), this.#picture.limits),
      pursue(prefixes.limitStatusesOf(node), this.#picture.statuses),
    ];
    for (const { done } of this.#follows)
      done.catch((fault: unknown) => {
        if (!this.#ending.signal.aborted) log.error('following the limits ended', { fault });
      });
  }

  wanted = (): readonly WantedLimit[] => this.#picture.wanted();
  started = (): readonly CountedLimit[] => this.#picture.started();
  known = (): boolean => this.#picture.leases.known;

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  report(reports: readonly LimitReport[]): void {
    for (const report of reports) this.#reports.set(report.address, report);
    if (this.#news().length > 0) this.#loop.wake();
  }

  #news(): readonly LimitReport[] {
    return [...this.#reports.values()].filter((report) => this.#picture.isNews(report));
  }

  state(): LimitsState {
    return {
      following: this.#follows.every(({ state }) => state.following && !state.behind),
      waiting: this.#waiting(),
      unsettled: this.#unsettled,
      loop: this.#loop.state(),
    };
  }

  async close(): Promise<void> {
    this.#ending.abort(new Error('the limits are closed'));
    await this.#loop.stop();
    await Promise.allSettled(this.#follows.map(({ done }) => done));
  }

  #told(tell: () => void): void {
    const before = this.#picture.wanted();
    tell();
    if (this.#picture.wanted() !== before) this.#changed();
    for (const address of this.#reports.keys())
      if (!this.#picture.leases.records.has(address)) this.#reports.delete(address);
    if (this.#waiting() + this.#picture.orphans().length > 0) this.#loop.wake();
  }

  /** A report may wait for the edit that it is about: the leases are told before the limits, or after. */
  #waiting(): number {
    return this.#picture.unsound + this.#news().length;
  }

  #changed(): void {
    for (const listener of [...this.#listeners])
      try {
        listener();
      } catch (fault) {
        this.#deps.log.error('a listener of the limits failed', { fault });
      }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    for (const address of this.#unsettled.keys()) this.#picture.unsettled(address);
    if (this.#picture.unsound > 0) await this.#deps.clock.sleep(TOGETHER_MS, signal);
    for (let address; (address = this.#picture.takeUnsound()) !== undefined;)
      await this.#settle(address, signal);
    for (const report of this.#news()) await this.#deliver(report, signal);
    for (const address of this.#picture.orphans()) await this.#forget(address, signal);
    if (this.#audited >= this.#trimAt) await this.#trim(signal);
  }

  async #trim(signal: AbortSignal): Promise<void> {
    await trimAudit(this.#deps.store, {}, signal);
    this.#trimAt = this.#audited + TRIM_EVERY;
  }

  async #settle(address: string, signal: AbortSignal): Promise<void> {
    const { store, node, log } = this.#deps;
    try {
      const done = await settleLimit(store, { node, address }, { ...this.#deps, signal });
      this.#unsettled.delete(address);
      if (done.did === 'nothing') return;
      log.info('a limit was written past Corral', { address, ...done });
      this.#audited += 1;
    } catch (fault) {
      if (this.#isOfOne(address, fault)) return;
      this.#picture.unsettled(address);
      throw fault;
    }
  }

  async #deliver(report: LimitReport, signal: AbortSignal): Promise<void> {
    const { store, node, log } = this.#deps;
    try {
      const done = await reportLimit(store, { node, ...report }, { ...this.#deps, signal });
      if (done !== 'put back') return;
      log.warn('an edit of a limit was undone', { ...report });
      this.#audited += 1;
    } catch (fault) {
      if (!this.#isOfOne(report.address, fault)) throw fault;
    }
  }

  /** One address of which nobody knows the limit must not keep the others from theirs. */
  #isOfOne(address: string, fault: unknown): boolean {
    if (!(fault instanceof BadRecord || fault instanceof UnknownNode)) return false;
    if (this.#unsettled.get(address) !== fault.message)
      this.#deps.log.warn('a limit cannot be settled', { address, fault: fault.message });
    this.#unsettled.set(address, fault.message);
    return true;
  }

  /** The status of a lease that is gone; a new lease of the address makes the commit lose. */
  async #forget(address: string, signal: AbortSignal): Promise<void> {
    const { store, node } = this.#deps;
    const guards = [{ key: keys.lease(node, address), revision: 0 }];
    const writes = [{ drop: keys.limitStatus(node, address) }];
    await store.commit({ guards, writes }, signal);
  }
}
