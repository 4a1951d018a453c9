/**
 * The words of bandwidth in the kernel. Ours is recognised by the major of its HTB root and by the name
 * of its ifb, so that what a crash left behind is found again.
 *
 *     ratio 1     interface: HTB root, one class (net_in); what comes in from the container is
 *                 redirected to an ifb of its own: HTB root, one class (net_out)
 *     ratio > 1   what goes to and comes from every container is redirected to one ifb per direction:
 *                 HTB root, one parent as wide as the link, a class per container that borrows from it
 *
 * Floors can be shared only below one parent, hence the second layout; the first has no lock in common.
 */

/** Major of the root qdisc of every tree of ours. */
export const TREE = 0xc0a1;
/** Names of our ifbs start so; an interface name has 15 characters at most. */
export const IFB_PREFIX = 'corral-';
/**
 * Group of interfaces that are about to go: one command takes them all. To take a device down the kernel
 * waits 20 ms for all CPUs, for a group it waits once.
 */
export const DOOMED_GROUP = 0xc0a1;
export const SHARED_IN = `${IFB_PREFIX}in`;
export const SHARED_OUT = `${IFB_PREFIX}out`;
/** Class of a shared tree that is as wide as the link. Above the minors of the ledger. */
export const LINK_MINOR = 0xffff;
/** Class beside it for packets of nobody. A limit cannot have this minor. */
export const REST_MINOR = 0xfffe;

/** The ifb of a container's own, for what it sends. */
export const ifbOf = (classMinor: number): string =>
  `${IFB_PREFIX}${classMinor.toString(16).padStart(4, '0')}`;

/** A queue below a class. `split` is a tbf that never waits: it cuts what is larger than 12 kB. */
export type Leaf =
  | { readonly kind: 'split' | 'bfifo'; readonly limitBytes: number }
  | {
      readonly kind: 'fq_codel';
      readonly limitPackets: number;
      readonly targetUs: number;
      readonly quantumBytes: number;
    };

export interface ClassShape {
  /** Absent: directly below the root. */
  readonly parent?: number;
  /** Guaranteed. */
  readonly rateKbit: number;
  /** Most, when others leave room. */
  readonly ceilKbit: number;
  readonly burstBytes: number;
  readonly quantumBytes: number;
  readonly leaf?: Leaf;
}

/** The part of an address that a shared tree is searched by. The interface decides, this only finds it. */
export type Table = 4 | 6 | 'any';

/** Packets that `from` handed over go to the class; in a table of addresses, found by `bucket`. */
export interface Sorting {
  readonly table: Table;
  /** Last octet of the address; 0 in table `any`, which is searched from end to end. */
  readonly bucket: number;
  readonly from: string;
  readonly minor: number;
}

export interface Tree {
  readonly defaultMinor: number;
  readonly classes: ReadonlyMap<number, ClassShape>;
  /** Of a shared tree: the address of the packet that its tables are searched by. */
  readonly searchBy?: 'src' | 'dst';
  readonly sortings: readonly Sorting[];
}

/** Seen from the interface: `ingress` is what comes out of the container. */
export type Hook = 'ingress' | 'egress';
export const HOOKS: readonly Hook[] = ['ingress', 'egress'];

/** What one interface should have. */
export interface LinkShape {
  /** Made by us, and taken down by us. */
  readonly ifb: boolean;
  readonly tree?: Tree;
  /** The ifb that packets passing the hook are sent to. */
  readonly redirects: { readonly [H in Hook]?: string };
}

/** Interface name to what it should have. */
export type Shape = ReadonlyMap<string, LinkShape>;

/** Address's limit, as the ledger has it, and the interface on the host that leads to the container. */
export interface Limit {
  readonly address: string;
  readonly hostInterface: string;
  readonly netInKbit: number;
  readonly netOutKbit: number;
  readonly classMinor: number;
}

/** The node's uplink, as the operator states it: see NodeRecord. */
export interface Uplink {
  readonly linkInKbit: number;
  readonly linkOutKbit: number;
  readonly overcommit: number;
  readonly headroom: number;
}

/** What the kernel has of what we can use. */
export interface Kernel {
  readonly htb: boolean;
  readonly ifb: boolean;
  /** clsact, u32 and mirred: what is needed to send packets through an ifb. */
  readonly redirect: boolean;
  readonly fqCodel: boolean;
  readonly tbf: boolean;
  readonly bfifo: boolean;
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@:+-]{0,14}$/;

/** tc splits lines at blanks and knows quotes, `#` and `\`: other names are neither read nor written. */
export const isWritable = (name: string): boolean => NAME.test(name);
