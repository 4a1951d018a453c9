/** An app that runs with fewer instances than asked until there is room. Key: canonical app id. */
export interface HeldRecord {
  readonly v: 1;
  /** What the client asked for. */
  readonly wanted: number;
  /** What Marathon is told to run meanwhile. */
  readonly allowed: number;
  readonly why: string;
  /** Its age in the queue. */
  readonly sinceMs: number;
  /** The gate held it back at its admission (so does an absent value), or the brake did at its launches. */
  readonly by?: 'gate' | 'brake';
  /** Of its priority label; among apps held in the same minute the higher grow first. */
  readonly priority?: number;
  /** The newest verdict on it: `corral verdict <id>`. */
  readonly verdict?: string;
  /** Written before Marathon is told, and gone once Marathon was seen to have it. */
  readonly pending?: PendingScale;
  /** When the queue last let it grow. */
  readonly grownMs?: number;
  /** When the brake last held it, and what ran then. */
  readonly heldMs?: number;
  readonly ran?: number;
  /** Times that it grew and had to be held again with no more running than before. */
  readonly cycles?: number;
  /** Not to grow before: the brake held it although the ledger saw room. */
  readonly notBeforeMs?: number;
  /** It grew in vain too often: it grows no more until an operator releases it. */
  readonly stoppedMs?: number;
}

/** A scaling by us, from what Marathon had to what the record allows. */
export interface PendingScale {
  readonly from: number;
  /** Of the app before it. */
  readonly version?: string;
}
