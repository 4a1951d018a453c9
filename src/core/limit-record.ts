import type { CountedLimit } from './lease-record.ts';

/** Limits as people edit them, what became of them, and who did it, as the ledger keeps it. */

/** What people and apps may change about a lease. Key: node and address. */
export interface LimitRecord extends CountedLimit {
  readonly v: 1;
  /** The audit's entry of the edit that made it so; absent while nobody edited it. */
  readonly edit?: string;
  readonly editedMs?: number;
}

/** `failed`: judged or read back, and the former limit is in force. `invalid`: it did not read. */
export type LimitState = 'enforced' | 'failed' | 'invalid';

/** What became of a limit on its node, by the node's agent. Key: node and address. */
export interface LimitStatusRecord {
  readonly v: 1;
  readonly state: LimitState;
  /** In force, kbit/s. */
  readonly netInKbit: number;
  readonly netOutKbit: number;
  /** The limit in force was forced past the link. */
  readonly forced?: true;
  /** The audit's entry of the edit that this is about. */
  readonly edit?: string;
  readonly reason?: string;
  readonly atMs: number;
}

/** Which door a change came through; `ledger`: a plain write to the key, such as etcdctl's. */
export type AuditDoor = 'cli' | 'console' | 'ledger' | 'agent';

/** One change by a person, or what became of one; bounded history. Key: id, newest first. */
export interface AuditRecord {
  readonly v: 1;
  readonly atMs: number;
  /** The user, where the door knows one. */
  readonly who: string;
  readonly by: AuditDoor;
  /**
   * `put back`: the former limit is in force again. `refused`: it never was in force. `fence left`: the
   * fence keeps its hands off the node from then on; `fence resumed`: it does not any more. `held
   * released`: a held app tries again at once; `held forgotten`: nothing is added to it any more.
   */
  readonly act:
    | ('set' | 'reset' | 'put back' | 'refused' | 'removed')
    | ('fence left' | 'fence resumed' | 'held released' | 'held forgotten');
  /** Absent where an app is meant, wherever it runs. */
  readonly node?: string;
  /** Of the lease whose limit it is; absent where a whole node or app is meant. */
  readonly address?: string;
  readonly container?: string;
  readonly app?: string;
  readonly before?: AuditedLimit;
  readonly after?: AuditedLimit;
  readonly why?: string;
  /** The entry of the edit that this came of. */
  readonly of?: string;
}

export interface AuditedLimit {
  readonly netInKbit: number;
  readonly netOutKbit: number;
  readonly forced?: true;
}
