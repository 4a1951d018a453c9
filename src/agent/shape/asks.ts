import type { Limit, Uplink } from '../../core/shape.ts';
import type { Whose } from './host-interface.ts';

/** A limit as the ledger has it, and how to find the container it is for. */
export interface Ask extends Omit<Limit, 'hostInterface'> {
  readonly at: { readonly hostInterface: string } | Clues;
}

/** What leads to a container's interface. */
export interface Clues {
  /** The bridge that it is on or will be on, while it is being started. */
  readonly starting?: {
    /** Absent: nobody has said yet. */
    readonly container?: string;
    readonly bridge: string;
    readonly sinceMs: number;
  };
  /** Its start was heard of: it is looked for at once. */
  readonly started?: boolean;
  /** Not asked of a container that is being started. Undefined when it does not run. */
  readonly process: (signal: AbortSignal) => Promise<Omit<Whose, 'address'> | undefined>;
}

export interface Wanted {
  /** All of them: what is not listed is taken out of the kernel. */
  readonly asks: readonly Ask[];
  readonly uplink: Uplink;
}
