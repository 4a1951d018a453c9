import type { LeaseRecord, LimitRecord } from '../core/records.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { ReachedPool } from './lease-view.ts';
import type { AddressGrant } from './leases.ts';
import type { Released } from './release.ts';

export interface DeskOptions {
  /** The node whose dealings these are. */
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  /** What Mesos says of the node; what its record adds is merged over it. */
  readonly attributes?: () => Readonly<Record<string, string>>;
  /** How long a released address rests, ms; default 60,000. */
  readonly coolDownMs?: number;
  /** An address that has rested this long is given when nothing else is left, ms; default 5,000. */
  readonly pressedCoolDownMs?: number;
}

/** Through which door an address was asked for; `aux`: Docker keeps it, no container does. */
export type Door = 'docker' | 'cni' | 'aux';

export interface TakeAsk {
  readonly network: string;
  /** From this pool and no other. */
  readonly pool?: string;
  /** From this part of the pool and no other, both ends included. */
  readonly within?: { readonly from: string; readonly to: string };
  /** This address and no other; it may still be cooling. */
  readonly address?: string;
  /** Names the one holding: asking again under it gives the same answer. */
  readonly incarnation: string;
  readonly by: Door;
  readonly container?: string;
  /** Canonical id. */
  readonly app?: string;
  readonly task?: string;
  readonly mac?: string;
  readonly bootId?: string;
  /** Default: the network's. */
  readonly netInKbit?: number;
  readonly netOutKbit?: number;
}

/** What became known about a holding; what is absent stays as it is. */
export interface Completion {
  readonly address: string;
  readonly incarnation: string;
  readonly container?: string;
  readonly mac?: string;
  readonly app?: string;
  readonly task?: string;
  /** When Docker said that the container started; whoever says so says the limits in the same breath. */
  readonly startedMs?: number;
  readonly netInKbit?: number;
  readonly netOutKbit?: number;
}

/** `absent`: no such lease. `other`: a later holder has the address. Nothing changed then. */
export type Completed = 'done' | 'absent' | 'other';

export type Adopted =
  | { readonly adopted: true; readonly lease: LeaseRecord }
  /** Another node holds it: two containers run on one address. */
  | { readonly adopted: false; readonly holder: string };

export interface NodeLease {
  readonly address: string;
  readonly lease: LeaseRecord;
  readonly limit?: LimitRecord;
}

export interface Spare {
  readonly pool: string;
  readonly address: string;
}

/**
 * One node's dealings with the ledger. Operations run in the order they were called; those that wait
 * together share a commit. Each throws LedgerUnreachable when the ledger cannot be reached in its time.
 */
export interface Desk {
  /**
   * An address of this node's own becomes a lease: a spare of its stock when one is named, else one
   * commit.
   *
   * @throws UnknownNode, UnknownNetwork, NoPoolReached, NoAddressLeft, AddressNotGiven, NoClassLeft,
   *         LedgerRebuilding, BadAddress, BadRecord, LedgerBusy, LedgerUnreachable
   */
  take(ask: TakeAsk, signal: AbortSignal): Promise<AddressGrant>;
  /** Succeeds when nothing is there; a later holding stays. */
  release(address: string, incarnation: string, signal: AbortSignal): Promise<Released>;
  complete(completion: Completion, signal: AbortSignal): Promise<Completed>;
  /** A container runs on the address: makes the lease there, of a spare, or anew. */
  adopt(ask: TakeAsk & { readonly address: string }, signal: AbortSignal): Promise<Adopted>;
  /** Withholds an address from everyone, and gives up this node's lease or spare of it. */
  quarantine(spare: Spare, why: string, signal: AbortSignal): Promise<void>;
  /** Puts up to `count` further addresses in stock. @returns those it put there */
  stock(pool: string, count: number, signal: AbortSignal): Promise<readonly string[]>;
  /** Gives spares back; they need no rest, for nobody used them. */
  unstock(pool: string, addresses: readonly string[], signal: AbortSignal): Promise<void>;
  /** This node's stock. */
  spares(signal: AbortSignal): Promise<readonly Spare[]>;
  /** This node's leases, read anew. */
  leases(signal: AbortSignal): Promise<readonly NodeLease[]>;
  /** The pools of a network that this node reaches, in order. @throws as take */
  pools(network: string, signal: AbortSignal): Promise<readonly ReachedPool[]>;
  /** A pool and its network; undefined when there is none of that name or it is in no network. */
  poolNamed(
    pool: string,
    signal: AbortSignal,
  ): Promise<(ReachedPool & { readonly network: string }) | undefined>;
  /** Names, sorted. */
  networks(signal: AbortSignal): Promise<readonly string[]>;
  /** False while the last operation could not reach the ledger. */
  reachable(): boolean;
  /** Ends once what was called has ended. */
  close(): Promise<void>;
}
