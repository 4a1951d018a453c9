import type { IRequestOp, ITxnRequest, ITxnResponse } from 'etcd3';
import { keyOf } from '../limits.ts';
import type { Change } from '../store.ts';
import type { Entry } from '../store.ts';
import { bytesOf, entryOf } from './keys.ts';
import type { Slot } from './marks.ts';

/**
 * What a commit's answer says:
 * - `won`, `lost`: as the caller should hear it, if this was the only try;
 * - `moved`: the mark is not where it was. `mark` is what it says now.
 */
export type Answer =
  | { readonly is: 'won'; readonly revision: string }
  | {
      readonly is: 'lost';
      readonly revision: string;
      readonly found?: readonly (Entry | undefined)[];
    }
  | { readonly is: 'moved'; readonly mark?: { readonly says: string; readonly revision: string } };

const compare = (key: string, mod_revision: number | string) => ({
  result: 'Equal' as const,
  target: 'Mod' as const,
  key: bytesOf(key),
  mod_revision,
});

const putMark = ({ key, sequence, lease }: Slot): IRequestOp => ({
  request_put: { key: bytesOf(key), value: bytesOf(String(sequence)), lease: lease.id },
});

/** Beyond this many the answer to a lost race might be long. */
const MOST_FOUND = 16;

const reading = (key: string): IRequestOp => ({ request_range: { key: bytesOf(key) } });

/** Read by a refusal, so that the loser need not. */
const foundBy = ({ guards }: Change): IRequestOp[] =>
  guards.length > MOST_FOUND ? [] : guards.map(({ key }) => reading(key));

/** The mark is compared beside the guards; a refusal reads it, which tells which of them it was. */
export const commitTxn = (change: Change, slot: Slot): ITxnRequest => ({
  compare: [...guarded(change).compare, compare(slot.key, slot.last)],
  success: [...writesOf(change), putMark(slot)],
  failure: [reading(slot.key), ...foundBy(change)],
});

/** Moves the mark alone, after which no earlier try of the slot can take effect. */
export const fenceTxn = (slot: Slot, last: string): ITxnRequest => ({
  compare: [compare(slot.key, last)],
  success: [putMark(slot)],
  failure: [reading(slot.key)],
});

/** A commit that writes nothing: it may be tried as often as one likes. */
export const guarded = ({ guards }: Change) => ({
  compare: guards.map(({ key, revision }) => compare(key, revision)),
});

const writesOf = ({ writes }: Change): IRequestOp[] =>
  writes.map((write) => {
    const key = bytesOf(keyOf(write));
    if (!('put' in write)) return { request_delete_range: { key } };
    const lease = write.holding && { lease: write.holding.id };
    return { request_put: { key, value: bytesOf(write.value), ...lease } };
  });

/** @param last where the mark was when the request was made */
export function answerOf(response: ITxnResponse, last: string): Answer {
  const { revision } = response.header;
  if (response.succeeded) return { is: 'won', revision };
  const kv = response.responses[0]?.response_range.kvs[0];
  if ((kv?.mod_revision ?? '0') === last) return { is: 'lost', revision, ...foundIn(response) };
  if (kv === undefined) return { is: 'moved' };
  return { is: 'moved', mark: { says: kv.value.toString(), revision: kv.mod_revision } };
}

function foundIn({ responses }: ITxnResponse): { readonly found?: (Entry | undefined)[] } {
  const [, ...guards] = responses;
  if (guards.length === 0) return {};
  return {
    found: guards.map(({ response_range }) => {
      const [kv] = response_range.kvs;
      return kv && entryOf(kv);
    }),
  };
}
