import type { HostLink } from './shape-links.ts';
import type { Hook, Leaf, LinkShape, Table, Tree } from './shape.ts';
import { IFB_PREFIX, TREE } from './shape.ts';

/** A class of a tree of ours, as the kernel shows it. */
export interface SeenClass {
  readonly parent?: number;
  readonly rateKbit: number;
  readonly ceilKbit: number;
  readonly burstBytes: number;
  readonly ceilBurstBytes: number;
  /** Shown for classes without children. */
  readonly quantumBytes?: number;
  /** Absent: the kernel's own, or one that is not ours. */
  readonly leaf?: Leaf;
}

export interface SeenSorting {
  readonly table: Table;
  readonly bucket: number;
  /** Absent: the interface it was made for is gone. */
  readonly from?: string;
  readonly minor: number;
  /** The kernel's name for it. */
  readonly handle: string;
}

/** A root whose handle and kind are ours. */
export interface SeenTree {
  readonly defaultMinor: number;
  /** Packets that passed by every class since the tree was made. */
  readonly directPackets: number;
  readonly classes: ReadonlyMap<number, SeenClass>;
  /** Sound tables, and what each is searched by. `any` has nothing to be searched by. */
  readonly tables: ReadonlyMap<Table, 'src' | 'dst' | undefined>;
  /** Places of tables taken by something else. */
  readonly broken: ReadonlySet<Table>;
  readonly sortings: readonly SeenSorting[];
}

export interface SeenHook {
  /** The filter in our place, when it redirects everything. */
  readonly redirect?: {
    /** Absent: the target is gone, and so is every packet. */
    readonly to?: string;
    readonly handle: string;
  };
  /** Places before ours, or ours itself, that something else has. */
  readonly first: readonly number[];
  /** Filters in other places; ours comes first and takes every packet. */
  readonly others: number;
}

export interface SeenLink {
  readonly index: number;
  readonly mtu: number;
  readonly up: boolean;
  /** veth, bridge, ifb, ... as `ip link` names it. */
  readonly kind?: string;
  /** It is in the group of those that are about to go. */
  readonly doomed?: true;
  /** Absent: the kernel's default, which has no handle. */
  readonly root?: { readonly kind: string; readonly handle: string };
  /** Present when the root is ours. */
  readonly tree?: SeenTree;
  readonly hooks?: 'clsact' | 'ingress';
  readonly at: { readonly [H in Hook]: SeenHook };
}

export type Seen = ReadonlyMap<string, SeenLink>;

export const NO_HOOK: SeenHook = { first: [], others: 0 };

/** A link that nobody has touched yet. */
export const bare = ({ index, mtu, up, kind }: HostLink): SeenLink => ({
  ...{ index, mtu, up, at: { ingress: NO_HOOK, egress: NO_HOOK } },
  ...(kind === undefined ? {} : { kind }),
});

/** A link as it is right after all that is wanted was done; handles are empty. */
export function asWanted({ tree, redirects }: LinkShape, link: HostLink): SeenLink {
  const at = (to: string | undefined): SeenHook =>
    to === undefined ? NO_HOOK : { ...NO_HOOK, redirect: { to, handle: '' } };
  const hooked = redirects.ingress !== undefined || redirects.egress !== undefined;
  return {
    ...bare(link),
    ...(tree
      ? { root: { kind: 'htb', handle: `${TREE.toString(16)}:` }, tree: treeAsWanted(tree) }
      : {}),
    ...(hooked ? { hooks: 'clsact' } : {}),
    at: { ingress: at(redirects.ingress), egress: at(redirects.egress) },
  };
}

const treeAsWanted = ({ defaultMinor, classes, searchBy, sortings }: Tree): SeenTree => ({
  ...{ defaultMinor, directPackets: 0, broken: new Set<Table>() },
  classes: new Map(
    [...classes].map(([minor, shape]) => [minor, { ...shape, ceilBurstBytes: shape.burstBytes }]),
  ),
  tables: new Map(searchBy ? [[4, searchBy] as const, [6, searchBy] as const] : []),
  sortings: sortings.map((sorting) => ({ ...sorting, handle: '' })),
});

/** Made by us: name and kind. */
export const isOurIfb = (name: string, { kind }: SeenLink): boolean =>
  kind === 'ifb' && name.startsWith(IFB_PREFIX);

/** A redirect in our place to an ifb of ours, or to one that is gone. */
export const isOurRedirect = ({ redirect }: SeenHook): boolean =>
  redirect !== undefined && (redirect.to === undefined || redirect.to.startsWith(IFB_PREFIX));

/** Interfaces that our shared trees have rules for. */
export const sortedInterfaces = (seen: Seen): ReadonlySet<string> =>
  new Set(
    [...seen].flatMap(([name, link]) =>
      isOurIfb(name, link) ? (link.tree?.sortings ?? []).flatMap(({ from }) => from ?? []) : [],
    ),
  );
