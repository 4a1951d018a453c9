import type { ShownClass } from './shape-classes.ts';
import { type HostLink, isDoomed } from './shape-links.ts';
import { defaultOf, isOurRoot, leafOf, minorAbove, type Qdisc } from './shape-qdiscs.ts';
import type { Seen, SeenClass, SeenHook, SeenLink, SeenTree } from './shape-seen.ts';
import { NO_HOOK } from './shape-seen.ts';
import { type Hook, IFB_PREFIX, isWritable } from './shape.ts';

/** What has to be asked beyond interfaces and qdiscs, which come in one dump each. */
export interface ReadPlan {
  /** Interfaces with a root of ours: their classes. */
  readonly trees: readonly string[];
  /** Interfaces with hooks: the filters of both. */
  readonly hooks: readonly string[];
  /** Our ifbs with a root of ours: the rules of shared trees. */
  readonly sorted: readonly string[];
}

export type Links = ReadonlyMap<string, HostLink>;

/** @param only  read no other interfaces; absent: all */
export function readPlan(
  links: Links,
  qdiscs: readonly Qdisc[],
  only?: ReadonlySet<string>,
): ReadPlan {
  const chosen = qdiscs.filter(
    ({ dev }) => links.has(dev) && isWritable(dev) && (only?.has(dev) ?? true),
  );
  const trees = chosen.filter(isOurRoot).map(({ dev }) => dev);
  const hooks = chosen.filter(({ kind }) => isHooks(kind)).map(({ dev }) => dev);
  const sorted = trees.filter(
    (dev) => dev.startsWith(IFB_PREFIX) && links.get(dev)?.kind === 'ifb',
  );
  return { trees, hooks, sorted };
}

const isHooks = (kind: string): kind is 'clsact' | 'ingress' =>
  kind === 'clsact' || kind === 'ingress';

export interface Readings {
  readonly links: Links;
  readonly qdiscs: readonly Qdisc[];
  readonly classes: ReadonlyMap<string, ReadonlyMap<number, ShownClass>>;
  readonly hooks: ReadonlyMap<string, { readonly [H in Hook]: SeenHook }>;
  readonly sorted: ReadonlyMap<string, Pick<SeenTree, 'tables' | 'broken' | 'sortings'>>;
}

/**
 * One picture of several readings. An interface that went while it was read is left out; it is gone.
 */
export function seenFrom(readings: Readings, only?: ReadonlySet<string>): Seen {
  const { links, qdiscs } = readings;
  const byLink = new Map<string, Qdisc[]>();
  for (const qdisc of qdiscs) {
    const own = byLink.get(qdisc.dev);
    if (own) own.push(qdisc);
    else byLink.set(qdisc.dev, [qdisc]);
  }
  const seen = new Map<string, SeenLink>();
  for (const [name, link] of links) {
    if (only && !only.has(name)) continue;
    const own = byLink.get(name) ?? [];
    if (!went(name, own, readings)) seen.set(name, seenLink(link, own, readings));
  }
  return seen;
}

function seenLink(link: HostLink, qdiscs: readonly Qdisc[], readings: Readings): SeenLink {
  const root = qdiscs.find(({ parent }) => parent === 'root');
  const hooks = qdiscs.map(({ kind }) => kind).find(isHooks);
  const shown = readings.classes.get(link.name);
  const sorted = readings.sorted.get(link.name);
  return {
    ...factsOf(link),
    ...rootOf(root),
    ...(root && isOurRoot(root) && shown ? { tree: seenTree(root, qdiscs, shown, sorted) } : {}),
    ...(hooks ? { hooks } : {}),
    at: readings.hooks.get(link.name) ?? NO_HOOKS,
  };
}

/** Something of it was in the dump, and was gone when it was asked for. */
const went = (name: string, qdiscs: readonly Qdisc[], { classes, hooks }: Readings): boolean =>
  qdiscs.some(
    (qdisc) =>
      (isOurRoot(qdisc) && !classes.has(name)) || (isHooks(qdisc.kind) && !hooks.has(name)),
  );

const factsOf = (link: HostLink): Pick<SeenLink, 'index' | 'mtu' | 'up' | 'kind' | 'doomed'> => ({
  index: link.index,
  mtu: link.mtu,
  up: link.up,
  ...(link.kind === undefined ? {} : { kind: link.kind }),
  ...(isDoomed(link) ? { doomed: true } : {}),
});

/** The kernel's default root has no handle, and cannot be deleted. */
const rootOf = (root: Qdisc | undefined): Pick<SeenLink, 'root'> =>
  root && root.handle !== '0:' ? { root: { kind: root.kind, handle: root.handle } } : {};

const NO_HOOKS = { ingress: NO_HOOK, egress: NO_HOOK };
const NO_SORTINGS: Pick<SeenTree, 'tables' | 'broken' | 'sortings'> = {
  tables: new Map(),
  broken: new Set(),
  sortings: [],
};

function seenTree(
  root: Qdisc,
  qdiscs: readonly Qdisc[],
  shown: ReadonlyMap<number, ShownClass>,
  sorted = NO_SORTINGS,
): SeenTree {
  const leaves = new Map(qdiscs.map((qdisc) => [minorAbove(qdisc), leafOf(qdisc)]));
  const classes = new Map<number, SeenClass>(
    [...shown].map(([minor, shape]) => {
      const leaf = leaves.get(minor);
      return [minor, leaf ? { ...shape, leaf } : shape];
    }),
  );
  const direct = root.options['direct_packets_stat'];
  return {
    defaultMinor: defaultOf(root),
    directPackets: typeof direct === 'number' ? direct : 0,
    classes,
    ...sorted,
  };
}
