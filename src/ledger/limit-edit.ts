import type { LimitWish } from '../core/limit-edit.ts';
import { judgeLimit, resetWish, sameLimit } from '../core/limit-edit.ts';
import type { AuditDoor, AuditedLimit, AuditRecord } from '../core/limit-record.ts';
import type { CountedLimit, TallyRecord } from '../core/lease-record.ts';
import type { Clock } from '../plumbing/clock.ts';
import { auditId, auditWrite } from './audit.ts';
import { keys } from './keys.ts';
import { UnknownNetwork } from './lease-errors.ts';
import type { SeenLimit } from './limit-change.ts';
import { inForce, moved, placeOf, seeLimit, seeTally, soundRecord } from './limit-change.ts';
import { NoSuchHolding } from './limit-errors.ts';
import type { RaiseRoom } from './limit-room.ts';
import { roomToRaise, seeLink, UNRAISED } from './limit-room.ts';
import { records } from './records.ts';
import type { Guard, Read, Store, Write } from './store.ts';
import type { Decision } from './transact.ts';
import { transact } from './transact.ts';

/** What to do to the limits of some addresses of one node, and who wants it. */
export interface LimitEdit {
  readonly node: string;
  readonly addresses: readonly string[];
  /** `reset`: what the container's app asked for, else the network's default. */
  readonly wish: LimitWish | 'reset';
  /** With `reset`: even past what the link takes. */
  readonly force?: boolean;
  readonly who: string;
  readonly by: AuditDoor;
  readonly why?: string;
}

/** One limit after an edit. */
export interface Edited {
  readonly node: string;
  readonly address: string;
  readonly container?: string;
  readonly app?: string;
  readonly before: CountedLimit;
  readonly after: CountedLimit;
  /** The audit's entry; absent when it was so already. */
  readonly edit?: string;
}

export interface EditOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Text of [0-9a-z] that tells apart what is written in one millisecond. */
  readonly random: () => string;
  readonly attempts?: number;
  readonly chance?: () => number;
}

const ATTEMPTS = 64;
/** Three writes each, beside the node's own three: one commit holds 127. */
export const MOST_AT_ONCE = 40;

/**
 * Puts other limits in force: in one commit with the leases, the node's sums and the audit, or not at all.
 * The node's agent finds them in the ledger and says in their status what became of them.
 *
 * @param edit  of at most MOST_AT_ONCE addresses
 * @throws BadLimit, LimitPastLink, NoSuchHolding, UnknownNode, UnknownNetwork, BadRecord, LedgerBusy,
 *         LedgerUnreachable
 */
export const editLimits = (
  store: Store,
  edit: LimitEdit,
  options: EditOptions,
): Promise<readonly Edited[]> =>
  transact(store, (read) => decideEdit(read, edit, options), { attempts: ATTEMPTS, ...options });

interface Step {
  readonly seen: SeenLimit;
  readonly wish: LimitWish;
}

async function decideEdit(
  read: Read,
  edit: LimitEdit,
  options: EditOptions,
): Promise<Decision<readonly Edited[]>> {
  const { node } = edit;
  const { signal } = options;
  // before the leases: its guard then vouches that none of them has changed hands
  const sums = await seeTally(read, node, signal);
  const { link, guard } = await seeLink(read, node, signal);
  const steps = await Promise.all(
    edit.addresses.map((address) => stepFor(read, edit, address, signal)),
  );
  const room = steps.some(isRaise) ? await roomToRaise(read, node, signal) : UNRAISED;
  const work = new Work(edit, options, sums.tally);
  for (const { seen, wish } of steps) {
    const standing = { ...seen, link, tally: work.tally, ...room };
    work.add(seen, judgeLimit(standing, wish));
  }
  const guards = [guard, { key: keys.tally(node), revision: sums.revision }];
  return work.decision(guards, room);
}

const isRaise = ({ seen: { counted }, wish: { netInKbit = 0, netOutKbit = 0 } }: Step): boolean =>
  netInKbit > counted.netInKbit || netOutKbit > counted.netOutKbit;

async function stepFor(
  read: Read,
  { node, wish, force }: LimitEdit,
  address: string,
  signal: AbortSignal,
): Promise<Step> {
  const seen = await seeLimit(read, { node, address }, signal);
  if (!seen) throw new NoSuchHolding(`${address} on node "${node}"`);
  if (wish !== 'reset') return { seen, wish };
  const entry = await read.get(keys.network(seen.lease.network), signal);
  if (!entry) throw new UnknownNetwork(seen.lease.network);
  const back = resetWish(seen.lease, records.network.decode(entry));
  return { seen, wish: { ...back, ...(force !== undefined && { force }) } };
}

/** Several limits changed one after the other, each judged on the sums that the earlier ones leave. */
class Work {
  readonly #edit: LimitEdit;
  readonly #options: EditOptions;
  readonly #done: Edited[] = [];
  readonly #guards: Guard[] = [];
  readonly #writes: Write[] = [];
  tally: TallyRecord;

  constructor(edit: LimitEdit, options: EditOptions, tally: TallyRecord) {
    this.#edit = edit;
    this.#options = options;
    this.tally = tally;
  }

  add(seen: SeenLimit, after: CountedLimit): void {
    const before = seen.counted;
    const done = { ...placeOf(seen), before, after };
    if (sameLimit(before, after) && soundRecord(seen)) {
      this.#done.push(done);
      return;
    }
    const nowMs = this.#options.clock.now();
    const edit = auditId(nowMs, this.#options.random());
    const change = inForce(seen, after, { edit, editedMs: nowMs });
    this.#guards.push(...change.guards);
    this.#writes.push(...change.writes, auditWrite({ id: edit, record: this.#entry(done, nowMs) }));
    this.tally = moved(this.tally, seen, after);
    this.#done.push({ ...done, edit });
  }

  #entry({ before, after, ...place }: Omit<Edited, 'edit'>, atMs: number): AuditRecord {
    const { who, by, why, wish } = this.#edit;
    return {
      v: 1,
      atMs,
      who,
      by,
      act: wish === 'reset' ? 'reset' : 'set',
      ...place,
      before: audited(before),
      after: audited(after),
      ...(why !== undefined && { why }),
    };
  }

  decision(guards: readonly Guard[], { change }: RaiseRoom): Decision<readonly Edited[]> {
    if (this.#writes.length === 0) return { result: this.#done, guards: [], writes: [] };
    const sums = {
      put: keys.tally(this.#edit.node),
      value: records.tally.encode(this.tally),
    };
    return {
      result: this.#done,
      guards: [...guards, ...this.#guards, ...change.guards],
      writes: [...this.#writes, sums, ...change.writes],
    };
  }
}

/** A limit as the audit says it: without its class. */
export const audited = ({ netInKbit, netOutKbit, forced }: CountedLimit): AuditedLimit => ({
  netInKbit,
  netOutKbit,
  ...(forced && { forced }),
});
