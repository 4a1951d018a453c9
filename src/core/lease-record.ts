/** Who holds which address, and what that adds up to on a node, as the ledger keeps it. */

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

/** There once a pool has a block. Key: the pool. */
export interface BirthsRecord {
  readonly v: 1;
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
