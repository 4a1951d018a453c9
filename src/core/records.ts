import type { Constraint } from './constraints.ts';
import type { Demand } from './demand.ts';

/**
 * The shapes that the ledger keeps, one interface per record. Schemas that check them on the way in
 * and out are in ledger/records.ts; keys are in ledger/keys.ts. Names are `[a-z0-9][a-z0-9_.-]*`.
 * Every record carries the version of its shape in `v`.
 */

/** How a network's containers are attached to the wire. */
export type Attachment = 'bridge' | 'routed';

/** The name that apps use; stands for its pools. A pool belongs to at most one network. */
export interface NetworkRecord {
  readonly v: 1;
  readonly pools: readonly string[];
  /** How a node that reaches several pools fills them: one after another (default), or evenly. */
  readonly fill?: 'order' | 'spread';
  readonly attachment: Attachment;
  /** Limit of an address whose app asks for none, kbit/s. */
  readonly defaultInKbit: number;
  readonly defaultOutKbit: number;
}

/** Inclusive on both ends. */
export interface AddressRange {
  readonly from: string;
  readonly to: string;
}

/**
 * Which nodes reach a pool. An empty selector means every node; otherwise a node is chosen when its
 * name is listed, or when it has every listed attribute with that text value.
 */
export interface NodeSelector {
  readonly names?: readonly string[];
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A range of addresses on one VLAN. */
export interface PoolRecord {
  readonly v: 1;
  /** Network address and prefix, no host bits: 192.0.2.0/24 or 2001:db8::/64. */
  readonly cidr: string;
  /** What is handed out, sorted, disjoint, inside `cidr`; never holds the gateway. */
  readonly ranges: readonly AddressRange[];
  /** Addresses inside the ranges that are never handed out. */
  readonly exclude: readonly string[];
  readonly gateway?: string;
  readonly vlan?: number;
  readonly nodes: NodeSelector;
}

/** A machine that runs a Mesos agent. The key is its node name, the agent's hostname. */
export interface NodeRecord {
  readonly v: 1;
  /** Capacity of the uplink each way, kbit/s, as the operator states it. */
  readonly linkInKbit: number;
  readonly linkOutKbit: number;
  /** Sum of limits may reach link × headroom × overcommit. 1 means none. */
  readonly overcommit: number;
  /** Share of the link given to containers, 0 < headroom ≤ 1. */
  readonly headroom: number;
  /** Attributes beyond those Mesos reports, for pool selectors. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly agentId?: string;
  readonly bootId?: string;
}

/** Sums over a node's leases, written in the commit that changes them. */
export interface TallyRecord {
  readonly v: 1;
  readonly netInKbit: number;
  readonly netOutKbit: number;
  /** Addresses held, by pool. */
  readonly pools: Readonly<Record<string, number>>;
  /** Leases held, by app (canonical id), then by network. */
  readonly apps: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Limits that were forced past the link; absent when there are none. */
  readonly forced?: number;
  /** Addresses that the node has without a lease, by pool and number of the block; see reserve.ts. */
  readonly reserve?: Readonly<Record<string, Readonly<Record<string, Reserve>>>>;
}

/** What a node has of one block without a lease, ready for its next ones. */
export interface Reserve {
  /** Mask of what it keeps in stock: room, but that node's. */
  readonly kept?: string;
  /** offset -> ms since the epoch until which what was given back is not given out again. */
  readonly resting?: Readonly<Record<string, number>>;
}

/** 256 consecutive addresses of a pool; bit i of a mask (hex, 64 digits, bit 0 first) is offset i. */
export interface BlockRecord {
  readonly v: 1;
  /** node -> mask of the addresses it has: of each it has a lease, or its tally counts it in reserve. */
  readonly held: Readonly<Record<string, string>>;
  /** Next-fit: the offset at which the next search starts. */
  readonly cursor: number;
  /** offset -> ms since the epoch until which a released address is not given out again. */
  readonly cooling: Readonly<Record<string, number>>;
  /** offset -> why it is withheld (a squatter's MAC, an operator's word). */
  readonly quarantined: Readonly<Record<string, string>>;
}

/** There once a pool has a block. Key: the pool. */
export interface BirthsRecord {
  readonly v: 1;
}

/** A node found no address in a pool of which others keep some in stock. Key: pool and node. */
export interface StarvingRecord {
  readonly v: 1;
  readonly atMs: number;
}

/** An address held by a container. Key: node and address. */
export interface LeaseRecord {
  readonly v: 1;
  readonly pool: string;
  readonly network: string;
  readonly app?: string;
  readonly task?: string;
  readonly container?: string;
  readonly mac?: string;
  /** Names the one holder this lease means; a release must quote it. */
  readonly incarnation: string;
  /** Who asked: Docker for a container or for itself (`aux`), or CNI. */
  readonly by?: 'docker' | 'cni' | 'aux';
  readonly bootId?: string;
  readonly sinceMs: number;
  /** When Docker said that the container started: what its environment asks for is in `asked` by then. */
  readonly startedMs?: number;
  /** What its app asked for, each way; absent where it asked for nothing. */
  readonly asked?: { readonly netInKbit?: number; readonly netOutKbit?: number };
  /**
   * The limit in force: what the tally counts and the node's agent enforces. The limit's own key is
   * what people write; until the agent took that up here, it is a wish.
   */
  readonly counted?: CountedLimit;
}

/** A limit that was judged good. */
export interface CountedLimit {
  readonly netInKbit: number;
  readonly netOutKbit: number;
  /** Minor of the tc class, 1..0xfffe, unique per node. */
  readonly classMinor: number;
  /** It passes link × headroom × overcommit, and someone insisted. */
  readonly forced?: true;
}

/** What a node's agent found when it last compared its containers with the ledger. Key: node. */
export interface ReconciledRecord {
  readonly v: 1;
  readonly atMs: number;
  readonly bootId?: string;
  /** Addresses that its containers show. */
  readonly running: number;
  readonly adopted: number;
  readonly completed: number;
  readonly released: number;
  /** Leases that nobody is seen on and that are kept even so. */
  readonly kept: number;
  /** What only people can put right, in words; cut at 50. */
  readonly conflicts: readonly string[];
  /** The last 20 that were given up on other evidence than Docker's own word, newest first. */
  readonly releases: readonly EvidentRelease[];
  /** The rebuild of the ledger that this look was made for. */
  readonly rebuild?: string;
}

export interface EvidentRelease {
  readonly atMs: number;
  readonly address: string;
  /** Whom the lease named. */
  readonly container?: string;
  readonly app?: string;
  /** The evidence, in words. */
  readonly why: string;
}

/** While it is there, nothing new is given out: the ledger is being filled from what runs. */
export interface RebuildingRecord {
  readonly v: 1;
  readonly id: string;
  readonly sinceMs: number;
}

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
   * fence keeps its hands off the node from then on; `fence resumed`: it does not any more.
   */
  readonly act:
    'set' | 'reset' | 'put back' | 'refused' | 'removed' | 'fence left' | 'fence resumed';
  readonly node: string;
  /** Of the lease whose limit it is; absent where a whole node is meant. */
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

/** There while a node's agent lives. Key: node. */
export interface AliveRecord {
  readonly v: 1;
  /** Of the machine: another one after it booted again. */
  readonly bootId: string;
  /** When this agent began, ms since the epoch. */
  readonly sinceMs: number;
}

/** A sequence number that every admitted change advances: rivals collide on it. */
export interface AdmissionRecord {
  readonly v: 1;
  readonly sequence: number;
}

/**
 * Room promised to an admitted change and not yet turned into leases. A target, not a delta: what is
 * still owed is `target` minus the leases that the tallies show for the app. Key: canonical app id.
 */
export interface ReservationRecord {
  readonly v: 1;
  /** Operation id of the admitted change. */
  readonly id: string;
  /** Most instances that will exist at once (the peak). */
  readonly target: number;
  readonly demand: Demand;
  readonly constraints: readonly Constraint[];
  /** Where the owed instances can go: [node, count]. One proof, not a plan that binds Marathon. */
  readonly witness: readonly (readonly [string, number])[];
  /** Addresses that the witness takes: [pool, count]. */
  readonly draws: readonly (readonly [string, number])[];
  readonly sequence: number;
  readonly sinceMs: number;
  readonly deadlineMs: number;
  /** SHA-256 of the canonical request; a replay within its time-out is the same promise. */
  readonly fingerprint: string;
  /**
   * When the promise is kept: `leases` once the app holds its target, `deployment` once the deployment
   * is gone (old instances are replaced while it runs), `deadline` never earlier (a kill frees first).
   */
  readonly until: 'leases' | 'deployment' | 'deadline';
  /**
   * How much more than today each instance that runs now will need once it is replaced, kbit/s; counted
   * on the nodes where the app holds leases until the promise ends. 0 when the demand does not grow.
   */
  readonly growInKbit: number;
  readonly growOutKbit: number;
  /** What Marathon answered; absent while the outcome is unknown. */
  readonly deployment?: string;
}

export type { HeldRecord } from './held-record.ts';

/** Constraints that the gate added to an app. Key: canonical app id. */
export interface InjectedRecord {
  readonly v: 1;
  /** Exactly as Marathon got them, in order, e.g. ["hostname","UNLIKE","n1|n2"]. */
  readonly constraints: readonly (readonly string[])[];
  readonly sinceMs: number;
}

export type Answer = 'admit' | 'reroute' | 'hold' | 'refuse' | 'pass';

/** One line of the decision log; bounded history. Key: verdict id. */
export interface VerdictRecord {
  readonly v: 1;
  readonly atMs: number;
  /** Method and canonical path. */
  readonly change: string;
  readonly apps: readonly string[];
  readonly answer: Answer;
  readonly message: string;
  /** Ledger revision and admission sequence that the verdict was computed on. */
  readonly revision: number;
  readonly sequence: number;
  /** What the judge was asked, so that the verdict can be replayed. */
  readonly asks: readonly VerdictAsk[];
  /** Why not elsewhere: per node and resource; cut at 200 nodes. */
  readonly nodes: readonly NodeReason[];
}

export interface VerdictAsk {
  readonly app: string;
  readonly instances: number;
  readonly demand: Demand;
  readonly constraints: readonly Constraint[];
}

export interface NodeReason {
  readonly node: string;
  /** Instances that would fit there. */
  readonly fits: number;
  /** The first thing that ran out, in words with figures; absent when everything fits. */
  readonly short?: string;
}
