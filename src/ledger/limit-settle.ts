import { Refusal } from '../core/errors.ts';
import type { LimitWish } from '../core/limit-edit.ts';
import { judgeLimit, sameLimit } from '../core/limit-edit.ts';
import { BadLimit } from '../core/limit-errors.ts';
import { readRawLimit, UnreadableLimit } from '../core/limit-raw.ts';
import type { AuditRecord, LimitState } from '../core/limit-record.ts';
import type { CountedLimit } from '../core/lease-record.ts';
import { auditId, auditWrite } from './audit.ts';
import { LedgerUnreachable } from './errors.ts';
import { keys } from './keys.ts';
import type { Holding, SeenLimit } from './limit-change.ts';
import { inForce, placeOf, seeLimit, soundRecord } from './limit-change.ts';
import type { EditOptions } from './limit-edit.ts';
import { audited } from './limit-edit.ts';
import { inForceOn, seeNode, standingOf } from './limit-room.ts';
import { statusWrite } from './limit-status.ts';
import type { Read, Store } from './store.ts';
import type { Decision } from './transact.ts';
import { transact } from './transact.ts';

/**
 * What became of what somebody wrote to a limit's key: `taken up` is in force now, `put back` and `refused`
 * are not, and the key says again what is; `removed` belonged to no lease.
 */
export interface Settlement {
  readonly did: 'nothing' | 'taken up' | 'put back' | 'refused' | 'removed';
  readonly reason?: string;
}

const ATTEMPTS = 64;
const SOMEBODY = 'somebody with access to the ledger';
const AS_WRITTEN = 'only the limits of it can be changed; written again as Corral writes it';
const DROPPED = 'the key was dropped while its lease is held';

/**
 * Settles a write to a limit's key that came past Corral: a good one is put in force with the node's sums, a
 * bad one gives way to the limit in force and is told in the status and the audit. One commit either way.
 *
 * @throws BadRecord when nobody can say which limit is in force; LedgerBusy, LedgerUnreachable
 */
export const settleLimit = (
  store: Store,
  holding: Holding,
  options: EditOptions,
): Promise<Settlement> =>
  transact(store, (read) => decideSettle(read, holding, options), {
    attempts: ATTEMPTS,
    ...options,
  });

async function decideSettle(
  read: Read,
  holding: Holding,
  options: EditOptions,
): Promise<Decision<Settlement>> {
  const { signal } = options;
  const seen = await seeLimit(read, holding, signal);
  if (!seen) return decideStray(read, holding, options);
  if (seen.lease.counted && soundRecord(seen)) return NOTHING;
  try {
    if (!seen.written) return putBack(seen, { did: 'put back', reason: DROPPED }, options);
    return await takeUp(read, { ...seen, wish: readRawLimit(seen.written.value) }, options);
  } catch (fault) {
    if (!(fault instanceof Refusal) || fault instanceof LedgerUnreachable) throw fault;
    const unfit = fault instanceof UnreadableLimit || fault instanceof BadLimit;
    const state = unfit ? 'invalid' : 'failed';
    return putBack(seen, { did: 'refused', reason: fault.message, state }, options);
  }
}

const NOTHING: Decision<Settlement> = { result: { did: 'nothing' }, guards: [], writes: [] };

interface Wished extends SeenLimit {
  readonly wish: LimitWish;
}

async function takeUp(
  read: Read,
  seen: Wished,
  options: EditOptions,
): Promise<Decision<Settlement>> {
  const { node, counted, wish } = seen;
  const raises =
    (wish.netInKbit ?? 0) > counted.netInKbit || (wish.netOutKbit ?? 0) > counted.netOutKbit;
  const at = await seeNode(read, { node, raises }, options.signal);
  const next = judgeLimit(standingOf(seen, at), wish);
  if (sameLimit(next, counted)) return normalised(seen, options);
  const id = newId(options);
  const change = inForceOn(seen, at, { next, edited: { edit: id, editedMs: options.clock.now() } });
  const record = entryOf(seen, { act: 'set', by: 'ledger', who: SOMEBODY, after: next }, options);
  return {
    result: { did: 'taken up' },
    guards: change.guards,
    writes: [...change.writes, auditWrite({ id, record })],
  };
}

/** Nothing that counts was changed, or the lease did not say yet what is in force. */
function normalised(seen: SeenLimit, options: EditOptions): Decision<Settlement> {
  if (!seen.lease.counted)
    return { result: { did: 'taken up' }, ...inForce(seen, seen.counted, {}) };
  return putBack(seen, { did: 'put back', reason: AS_WRITTEN, state: 'enforced' }, options);
}

interface Why {
  readonly did: 'put back' | 'refused';
  readonly reason: string;
  readonly state?: LimitState;
}

function putBack(
  seen: SeenLimit,
  { did, reason, state = 'failed' }: Why,
  options: EditOptions,
): Decision<Settlement> {
  const { counted } = seen;
  const change = inForce(seen, counted, {});
  const id = newId(options);
  const entry = entryOf(seen, { act: did, by: 'agent', why: reason }, options);
  const atMs = options.clock.now();
  return {
    result: { did, reason },
    guards: change.guards,
    writes: [
      ...change.writes,
      statusWrite(seen, { v: 1, state, ...audited(counted), edit: id, reason, atMs }),
      auditWrite({ id, record: entry }),
    ],
  };
}

type Said = Pick<AuditRecord, 'act' | 'by'> & {
  readonly who?: string;
  readonly why?: string;
  readonly after?: CountedLimit;
};

function entryOf(
  seen: SeenLimit,
  { who, after = seen.counted, ...said }: Said,
  { clock }: EditOptions,
): AuditRecord {
  return {
    v: 1,
    atMs: clock.now(),
    who: who ?? `agent of ${seen.node}`,
    ...said,
    ...placeOf(seen),
    before: audited(seen.counted),
    after: audited(after),
  };
}

const newId = ({ clock, random }: EditOptions): string => auditId(clock.now(), random());

/** A limit of nobody: a slip of the hand, or what a crash left; it would speak for the next holder. */
async function decideStray(
  read: Read,
  { node, address }: Holding,
  options: EditOptions,
): Promise<Decision<Settlement>> {
  const key = keys.limit(node, address);
  const written = await read.get(key, options.signal);
  if (!written) return NOTHING;
  const reason = 'no lease has this address';
  const record: AuditRecord = {
    v: 1,
    atMs: options.clock.now(),
    who: `agent of ${node}`,
    by: 'agent',
    act: 'removed',
    node,
    address,
    why: reason,
  };
  return {
    result: { did: 'removed', reason },
    guards: [
      { key: keys.lease(node, address), revision: 0 },
      { key, revision: written.revision },
    ],
    writes: [{ drop: key }, auditWrite({ id: newId(options), record })],
  };
}
