import type { LeaseRecord } from '../core/lease-record.ts';
import type { LimitRecord } from '../core/limit-record.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { PoolFill } from './lease-errors.ts';
import type { ReachedPool } from './lease-view.ts';
import type { AddressGrant } from './leases.ts';
import type { PoolAddress } from './quarantine.ts';
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
  /** An address that has rested this long is given when nothing else is left, ms; default 16,000. */
  readonly pressedCoolDownMs?: number;
  /**
   * How long a take that finds nothing waits for what other nodes keep in stock, ms; default 1,000, and
   * 0 does not wait. Meanwhile the ledger says that this node starves.
   */
  readonly begMs?: number;
  /** What is given back rests with the node, which is the first to have it again; default true. */
  readonly restsHere?: boolean;
  /** In [0, 1); spreads the pauses of rivals apart. Default: a row that the node's name begins. */
  readonly chance?: () => number;
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

/** An address of one node's stock. */
export interface Spare {
  readonly pool: string;
  readonly address: string;
  /** Why nobody should get it by now, such as quarantine: not to be handed out, but to be given back. */
  readonly withheld?: string;
}

/** A pool that was asked for by name. */
export interface NamedPool extends ReachedPool {
  readonly network: string;
  /** This node may be given addresses of it. */
  readonly reached: boolean;
}

/** How much of a pool is used, and by how many nodes. */
export interface PoolUse extends PoolFill {
  /** Nodes that hold or stock addresses of it. */
  readonly nodes: readonly string[];
}

/**
 * One node's dealings with the ledger. What changes something is done in the order of calling, and what
 * waits together shares a commit. Reads are read anew and wait for nothing.
 *
 * Each throws its signal's reason when that is aborted first, LedgerUnreachable when the ledger gave no
 * answer within its own time, LedgerClosed after `close`. Then:
 * - a `take` or `stock` has changed nothing, or what it changed is undone as soon as the ledger can be
 *   reached. Not so an address that came out of stock, for somebody may have it already, nor one that
 *   the incarnation had before. Asking again under the incarnation, before or after, gives an answer
 *   that stands.
 * - of the others it is not known whether they were done. Each may be done again.
 */
export interface Desk {
  /**
   * An address becomes a lease, in one commit: the one that is named, which may be of this node's stock
   * (also of a pool that the node has ceased to reach), else any. Says no only on fresh reads, and where other nodes keep addresses in stock only after
   * they have been begged for them.
   *
   * @throws UnknownNode, UnknownNetwork, NoPoolReached, PoolNotReached, NoAddressLeft, AddressNotGiven,
   *         NoClassLeft, LedgerRebuilding (unless it is of this node's stock), BadAddress, BadRange,
   *         BadRecord, LedgerBusy
   */
  take(ask: TakeAsk, signal: AbortSignal): Promise<AddressGrant>;
  /** Succeeds when nothing is there; a later holding stays. */
  release(address: string, incarnation: string, signal: AbortSignal): Promise<Released>;
  /** What the app asks for becomes the lease's limit, unless a person has set that. */
  complete(completion: Completion, signal: AbortSignal): Promise<Completed>;
  /**
   * A container runs on the address. The lease that this node has of it stays under its incarnation, and
   * is filled in; only when it names another container does it become the asker's. Else a lease is made:
   * of this node's stock, or of an address that is free, cooling or withheld, even while the ledger is
   * being rebuilt. Of an address that another node holds or keeps in stock none is made.
   *
   * @throws as take; AddressNotGiven when no pool of the network that the node reaches has the address
   */
  adopt(ask: TakeAsk & { readonly address: string }, signal: AbortSignal): Promise<Adopted>;
  /**
   * Withholds an address from everyone, and gives up this node's lease or spare of it. Another node that
   * has it keeps it until it gives it back.
   *
   * @throws UnknownPool, AddressNotInPool, BadAddress
   */
  quarantine(at: PoolAddress, why: string, signal: AbortSignal): Promise<void>;
  /** It may be given again at once. @throws as quarantine */
  unquarantine(at: PoolAddress, signal: AbortSignal): Promise<void>;
  /**
   * Puts up to `count` further addresses in stock, none that has not rested as long as is usual.
   *
   * @returns those it put there; fewer when there are no more
   * @throws UnknownNode, UnknownPool, NoPoolReached, PoolNotReached, LedgerRebuilding
   */
  stock(pool: string, count: number, signal: AbortSignal): Promise<readonly string[]>;
  /** Gives spares back; they need no rest, for nobody used them. What is not in stock stays as it is. */
  unstock(pool: string, addresses: readonly string[], signal: AbortSignal): Promise<void>;
  /** This node's stock. */
  spares(signal: AbortSignal): Promise<readonly Spare[]>;
  /** This node's leases. One that does not read is left out. */
  leases(signal: AbortSignal): Promise<readonly NodeLease[]>;
  /** The pools of a network that this node reaches, in the order that they are filled. @throws as take */
  pools(network: string, signal: AbortSignal): Promise<readonly ReachedPool[]>;
  /**
   * A pool and its network, whether this node reaches it or not; undefined when there is none of that
   * name or it is in no network.
   */
  poolNamed(pool: string, signal: AbortSignal): Promise<NamedPool | undefined>;
  /** @throws UnknownPool */
  use(pool: string, signal: AbortSignal): Promise<PoolUse>;
  /** Pools in which other nodes find no address, though some are in stock. */
  starvation(signal: AbortSignal): Promise<ReadonlySet<string>>;
  /** Names, sorted. */
  networks(signal: AbortSignal): Promise<readonly string[]>;
  /** False while the last thing that was tried got no answer of the ledger. */
  reachable(): boolean;
  /** Ends once what was called has ended; later calls throw LedgerClosed. Idempotent. */
  close(): Promise<void>;
}
