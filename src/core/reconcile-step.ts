import type { ContainerFacts, SeenEndpoint } from './docker-seen.ts';
import type { LeaseRecord } from './lease-record.ts';

/** What a turn asks the hands to do. */
export type ReconcileStep =
  | {
      readonly do: 'adopt';
      readonly endpoint: SeenEndpoint & { readonly network: string };
      readonly by: 'docker' | 'aux';
      readonly incarnation: string;
      readonly facts?: ContainerFacts;
    }
  | {
      readonly do: 'complete';
      readonly address: string;
      readonly incarnation: string;
      readonly container: string;
      readonly mac?: string;
      readonly facts?: ContainerFacts;
    }
  | {
      readonly do: 'release';
      readonly address: string;
      readonly lease: LeaseRecord;
      readonly why: ReleaseReason;
    }
  | { readonly do: 'report'; readonly conflict: Conflict };

/** What proves that nobody holds an address any more. */
export type ReleaseReason =
  /** Docker asked for it, and the ledger had not heard of it. */
  | { readonly proof: 'asked' }
  /** No endpoint and no container that could have one, in all looks of that long. */
  | { readonly proof: 'absent'; readonly looks: number; readonly forMs: number }
  /** The machine booted since, so whatever held it is gone, and nothing took it up. */
  | { readonly proof: 'boot'; readonly before: string };

/** Something that only people can put right. */
export type Conflict =
  /** Two containers of this node show one address. */
  | { readonly kind: 'double'; readonly address: string; readonly containers: readonly string[] }
  /** The ledger says that another node holds it. */
  | {
      readonly kind: 'elsewhere';
      readonly address: string;
      readonly container: string;
      readonly holder: string;
    }
  /** No pool that this node reaches has such an address. */
  | {
      readonly kind: 'foreign';
      readonly address: string;
      readonly container: string;
      readonly says: string;
    }
  /** The lease named another container. */
  | {
      readonly kind: 'taken-over';
      readonly address: string;
      readonly container: string;
      readonly before: string;
    };
