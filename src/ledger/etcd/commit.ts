import { EtcdLeaseInvalidError } from 'etcd3';
import { HoldingLost, LedgerUnreachable } from '../errors.ts';
import { checkChange } from '../limits.ts';
import type { Change, Holding, Outcome } from '../store.ts';
import type { LeaseDeps } from './leases.ts';
import type { Marks, Slot } from './marks.ts';
import type { Answer } from './txn.ts';
import { answerOf, commitTxn, fenceTxn, guarded } from './txn.ts';

export interface CommitDeps extends LeaseDeps {
  readonly marks: Marks;
  readonly withinMs: number;
}

const WHAT = 'a commit';

/**
 * Exactly-once commits. A try whose answer is lost is sent again; should both arrive, the second finds
 * the mark of the first. Before a commit that was tried more than once is reported as lost, its mark is
 * moved, so that a try still on its way cannot win after all.
 *
 * @throws TooManyOperations, ValueTooLarge, LedgerMisuse, LedgerUnreachable, HoldingLost
 */
export async function commit(
  deps: CommitDeps,
  change: Change,
  signal: AbortSignal,
): Promise<Outcome> {
  checkChange(change);
  for (const holding of holdingsOf(change))
    if (holding.lost.aborted) throw new HoldingLost(holding.id);
  if (change.writes.length === 0) return compareOnly(deps, change, signal);
  const outcome = await inSlot(deps, change, signal);
  if (outcome !== 'session ended') return outcome;
  const again = await inSlot(deps, change, signal);
  if (again === 'session ended') throw new LedgerUnreachable(WHAT, deps.withinMs);
  return again;
}

/** Our own lease went, and with it the marks; nothing was written. */
type Ended = 'session ended';

async function inSlot(
  deps: CommitDeps,
  change: Change,
  signal: AbortSignal,
): Promise<Outcome | Ended> {
  const slot = await deps.marks.take(signal);
  try {
    return await new Attempt(deps, slot, signal).commit(change);
  } finally {
    deps.marks.give(slot);
  }
}

async function compareOnly(
  deps: CommitDeps,
  change: Change,
  signal: AbortSignal,
): Promise<Outcome> {
  const { client, calls } = deps;
  const response = await calls.run(WHAT, (to) => client.kv.txn(guarded(change), to), signal);
  return { won: response.succeeded, revision: Number(response.header.revision) };
}

const holdingsOf = ({ writes }: Change): Holding[] =>
  writes.flatMap((write) => ('put' in write && write.holding ? [write.holding] : []));

const foundBy = ({ found }: Extract<Answer, { is: 'lost' }>): Pick<Outcome, 'found'> =>
  found ? { found } : {};

class Attempt {
  readonly #deps: CommitDeps;
  readonly #slot: Slot;
  readonly #signal: AbortSignal;
  #tries = 0;

  constructor(deps: CommitDeps, slot: Slot, signal: AbortSignal) {
    this.#deps = deps;
    this.#slot = slot;
    this.#signal = signal;
  }

  async commit(change: Change): Promise<Outcome | Ended> {
    const slot = this.#slot;
    if (slot.unsettled) await this.#fence();
    slot.unsettled = true;
    const answer = await this.#send(change);
    if (answer === 'session ended') return answer;
    if (answer.is === 'won') return this.#settle(true, answer.revision);
    if (answer.is === 'moved') return this.#found(answer);
    if (this.#tries > 1) {
      const moved = await this.#fence();
      if (moved) return this.#settle(true, moved);
    }
    return { ...this.#settle(false, answer.revision), ...foundBy(answer) };
  }

  async #send(change: Change): Promise<Answer | Ended> {
    const { client, calls } = this.#deps;
    const attempt = (options: { deadline: number }) => {
      this.#tries += 1;
      return client.kv.txn(commitTxn(change, this.#slot), options);
    };
    try {
      return answerOf(await calls.run(WHAT, attempt, this.#signal), this.#slot.last);
    } catch (fault) {
      if (!(fault instanceof EtcdLeaseInvalidError)) throw fault;
      return this.#leaseGone(change, fault);
    }
  }

  #settle(won: boolean, revision: string): Outcome {
    if (won) this.#slot.last = revision;
    this.#slot.unsettled = false;
    return { won, revision: Number(revision) };
  }

  /** Every write of the mark is ours and guarded, so a mark that moved is this commit's own. */
  #found({ mark }: Extract<Answer, { is: 'moved' }>): Outcome | Ended {
    if (mark?.says === String(this.#slot.sequence)) return this.#settle(true, mark.revision);
    return this.#sessionEnded();
  }

  /** After a minute without contact. Whether an earlier try had won went with the marks. */
  #sessionEnded(fault?: Error): Ended {
    this.#slot.lease.lose();
    if (this.#tries === 1) return 'session ended';
    throw new LedgerUnreachable(WHAT, this.#deps.withinMs, { cause: fault });
  }

  /** @returns the revision at which this very commit won, if it did after all */
  async #fence(): Promise<string | undefined> {
    const slot = this.#slot;
    const mine = String(slot.sequence);
    let { last } = slot;
    slot.sequence += 1;
    for (;;) {
      const answer = await this.#move(last);
      if (answer.is !== 'moved') {
        slot.last = answer.revision;
        // The fence's own mark must not be taken for that of the commit that comes next.
        slot.sequence += 1;
        return undefined;
      }
      if (answer.mark?.says === mine) slot.last = answer.mark.revision;
      if (answer.mark?.says === mine) return answer.mark.revision;
      last = answer.mark?.revision ?? '0';
    }
  }

  async #move(last: string): Promise<Answer> {
    const { client, calls } = this.#deps;
    const attempt = (options: { deadline: number }) =>
      client.kv.txn(fenceTxn(this.#slot, last), options);
    return answerOf(await calls.run(WHAT, attempt, this.#signal), last);
  }

  /** Either the caller's holding has ended, or our own lease. */
  async #leaseGone(change: Change, fault: Error): Promise<Answer | Ended> {
    const { lease } = this.#slot;
    if (!(await lease.lives(this.#signal))) return this.#sessionEnded(fault);
    const won = this.#tries > 1 ? await this.#fence() : undefined;
    if (won) return { is: 'won', revision: won };
    this.#slot.unsettled = false;
    throw new HoldingLost(holdingsOf(change)[0]?.id ?? lease.id, { cause: fault });
  }
}
