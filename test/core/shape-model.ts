import fc from 'fast-check';
import {
  NO_HOOK,
  type Seen,
  type SeenHook,
  type SeenLink,
  type SeenTree,
} from '../../src/core/shape-seen.ts';
import type { ShapeStep } from '../../src/core/shape-step.ts';
import { REDIRECT_PREF } from '../../src/core/shape-filters.ts';
import type { Hook, Kernel, Limit, Table, Uplink } from '../../src/core/shape.ts';

/** A kernel that does what a step says and refuses what the real one refuses. For properties. */
type Mutable = Map<string, SeenLink>;

export const KERNEL: Kernel = {
  htb: true,
  ifb: true,
  redirect: true,
  fqCodel: false,
  tbf: true,
  bfifo: true,
};

export const bareLink = (index: number, kind = 'veth'): SeenLink => ({
  index,
  mtu: 1500,
  up: true,
  kind,
  at: { ingress: NO_HOOK, egress: NO_HOOK },
});

const refuse = (step: ShapeStep, why: string): never => {
  throw new Error(`${JSON.stringify(step)}: ${why}`);
};

/** @throws when the kernel would refuse */
export function apply(step: ShapeStep, seen: Mutable, fresh: () => number): void {
  if (step.do === 'make-ifb') {
    if (seen.has(step.link)) refuse(step, 'exists');
    seen.set(step.link, bareLink(fresh(), 'ifb'));
    return;
  }
  const link = seen.get(step.link) ?? refuse(step, 'no such interface');
  if (step.do === 'drop-ifb') return dropIfb(step, step.link, seen);
  if (step.do === 'drop-doomed') {
    for (const [name, { doomed }] of [...seen]) if (doomed) dropIfb(step, name, seen);
    return;
  }
  seen.set(step.link, changed(step, link, seen, fresh));
}

function dropIfb(step: ShapeStep, name: string, seen: Mutable): void {
  if (!name.startsWith('corral-')) refuse(step, 'it is not ours');
  for (const { at } of seen.values())
    for (const { redirect } of Object.values(at))
      if (redirect?.to === name) refuse(step, 'packets are sent there');
  seen.delete(name);
}

const treeOf = (step: ShapeStep, { tree }: SeenLink): SeenTree => tree ?? refuse(step, 'no tree');

function changed(step: ShapeStep, link: SeenLink, seen: Seen, fresh: () => number): SeenLink {
  switch (step.do) {
    case 'raise-ifb': {
      const { doomed: _, ...rest } = link;
      return { ...rest, up: true };
    }
    case 'doom-ifb':
      return { ...link, doomed: true };
    case 'set-root': {
      if (link.root) refuse(step, 'a root is there');
      return {
        ...link,
        root: { kind: 'htb', handle: 'c0a1:' },
        tree: {
          defaultMinor: step.defaultMinor,
          directPackets: 0,
          classes: new Map(),
          tables: new Map(),
          broken: new Set(),
          sortings: [],
        },
      };
    }
    case 'drop-root': {
      if (!link.root) refuse(step, 'no root');
      const { root, tree, ...rest } = link;
      void [root, tree];
      return rest;
    }
    case 'hook':
      if (link.hooks) refuse(step, 'hooks are there');
      return { ...link, hooks: 'clsact' };
    case 'unhook': {
      if (link.hooks !== step.kind) refuse(step, 'no such hooks');
      const { hooks: _, ...rest } = link;
      return { ...rest, at: { ingress: NO_HOOK, egress: NO_HOOK } };
    }
    case 'redirect':
    case 'drop-filters':
      return { ...link, at: { ...link.at, [step.hook]: hookAfter(step, link, seen, fresh) } };
    default:
      return { ...link, tree: treeAfter(step, treeOf(step, link), seen, fresh) };
  }
}

function hookAfter(
  step: Extract<ShapeStep, { hook: Hook }>,
  link: SeenLink,
  seen: Seen,
  fresh: () => number,
): SeenHook {
  if (link.hooks !== 'clsact') refuse(step, 'no hooks');
  const { redirect, first, others } = link.at[step.hook];
  if (step.do === 'redirect') {
    const target = seen.get(step.to);
    if (!target?.up || !target.tree || target.tree.classes.size === 0)
      refuse(step, 'the target is not complete');
    if (redirect && redirect.handle !== step.replaces) refuse(step, 'a second redirect');
    return { redirect: { to: step.to, handle: String(fresh()) }, first, others };
  }
  if (step.pref === REDIRECT_PREF[step.hook] && !first.includes(step.pref))
    return redirect ? { first, others } : refuse(step, 'no such filter');
  if (!first.includes(step.pref)) refuse(step, 'no such filter');
  return {
    ...(redirect ? { redirect } : {}),
    first: first.filter((pref) => pref !== step.pref),
    others,
  };
}

type TreeStep = Exclude<
  ShapeStep,
  {
    do:
      | 'make-ifb'
      | 'raise-ifb'
      | 'drop-ifb'
      | 'doom-ifb'
      | 'drop-doomed'
      | 'set-root'
      | 'drop-root'
      | 'hook'
      | 'unhook'
      | 'redirect'
      | 'drop-filters';
  }
>;

function treeAfter(step: ShapeStep, tree: SeenTree, seen: Seen, fresh: () => number): SeenTree {
  const done = step as TreeStep;
  const classes = new Map(tree.classes);
  const tables = new Map(tree.tables);
  switch (done.do) {
    case 'set-class': {
      const { burstBytes, leaf: _, ...rest } = done.shape;
      const former = classes.get(done.minor);
      if (former && former.parent !== rest.parent) refuse(step, 'another parent');
      if (rest.parent !== undefined && !classes.has(rest.parent)) refuse(step, 'no such parent');
      classes.set(done.minor, {
        ...rest,
        burstBytes,
        ceilBurstBytes: burstBytes,
        ...(former?.leaf ? { leaf: former.leaf } : {}),
      });
      return { ...tree, classes };
    }
    case 'set-leaf': {
      const there = classes.get(done.minor) ?? refuse(step, 'no such class');
      classes.set(done.minor, { ...there, leaf: done.leaf });
      return { ...tree, classes };
    }
    case 'drop-class':
      if (!classes.delete(done.minor)) refuse(step, 'no such class');
      if (tree.sortings.some(({ minor }) => minor === done.minor)) refuse(step, 'busy');
      return { ...tree, classes };
    case 'make-table':
      if (tables.has(done.table) || tree.broken.has(done.table)) refuse(step, 'a table is there');
      return { ...tree, tables: tables.set(done.table, done.searchBy) };
    case 'drop-table':
      if (!tables.delete(done.table) && !tree.broken.has(done.table)) refuse(step, 'no table');
      return {
        ...tree,
        tables,
        broken: new Set([...tree.broken].filter((table) => table !== done.table)),
        sortings: tree.sortings.filter(({ table }) => table !== done.table),
      };
    case 'sort': {
      const { table, minor, from } = done.sorting;
      if (table !== 'any' && !tables.has(table)) refuse(step, 'no table');
      if (!seen.has(from)) refuse(step, 'no such interface');
      if (!classes.has(minor)) refuse(step, 'no such class');
      const sorting = { ...done.sorting, handle: `h${fresh()}` };
      return { ...tree, sortings: [...tree.sortings, sorting] };
    }
    case 'unsort': {
      const kept = tree.sortings.filter(({ handle }) => handle !== done.handle);
      if (kept.length === tree.sortings.length) refuse(step, 'no such rule');
      return { ...tree, sortings: kept };
    }
  }
}

/** Indexes and handles are never used twice. */
let next = 1000;

export function applyAll(steps: readonly ShapeStep[], seen: Seen): Seen {
  const after: Mutable = new Map(seen);
  for (const step of steps) apply(step, after, () => (next += 1));
  return after;
}

const INTERFACES = ['va', 'vb', 'vc', 'vd'];
const rate = fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 20_000_000 }));

const limitAt = (at: number): fc.Arbitrary<Limit> =>
  fc.record({
    address: fc.constantFrom(`192.0.2.${at + 1}`, `198.51.100.${at + 1}`, `2001:db8::${at + 1}`),
    hostInterface: fc.constant(INTERFACES[at]!),
    netInKbit: rate,
    netOutKbit: rate,
    classMinor: fc.constantFrom(at + 1, at + 0x8000),
  });

export const limits: fc.Arbitrary<readonly Limit[]> = fc
  .tuple(...INTERFACES.map((_, at) => fc.option(limitAt(at), { nil: undefined })))
  .map((all) => all.filter((one) => one !== undefined));

export const uplinks: fc.Arbitrary<Uplink> = fc.record({
  linkInKbit: fc.integer({ min: 100_000, max: 10_000_000 }),
  linkOutKbit: fc.integer({ min: 100_000, max: 10_000_000 }),
  overcommit: fc.constantFrom(1, 1, 1.5, 2, 8),
  headroom: fc.constantFrom(1, 0.95, 0.5),
});

/** Damage of all kinds: what others do between two looks. */
export const damages: fc.Arbitrary<readonly ((seen: Mutable) => void)[]> = fc.array(
  fc
    .oneof(
      fc.record({ at: fc.nat(9), what: fc.constant('root' as const) }),
      fc.record({ at: fc.nat(9), what: fc.constant('foreign-root' as const) }),
      fc.record({ at: fc.nat(9), what: fc.constant('classes' as const) }),
      fc.record({ at: fc.nat(9), what: fc.constant('hooks' as const) }),
      fc.record({ at: fc.nat(9), what: fc.constant('ingress-qdisc' as const) }),
      fc.record({ at: fc.nat(9), what: fc.constant('filter' as const) }),
      fc.record({ at: fc.nat(9), what: fc.constant('gone' as const) }),
      fc.record({ at: fc.nat(9), what: fc.constant('down' as const) }),
      fc.record({ at: fc.nat(9), what: fc.constant('doomed' as const) }),
      fc.record({ at: fc.nat(9), what: fc.constant('rules' as const) }),
    )
    .map(
      ({ at, what }) =>
        (seen: Mutable) =>
          damage(seen, at, what),
    ),
  { maxLength: 4 },
);

function damage(seen: Mutable, at: number, what: string): void {
  const names = [...seen.keys()];
  const name = names[at % names.length];
  const link = name === undefined ? undefined : seen.get(name);
  if (name === undefined || !link) return;
  const { root, tree, hooks, ...bare } = link;
  const rest = { ...bare, ...(hooks ? { hooks } : {}) };
  if (what === 'root') seen.set(name, rest);
  if (what === 'foreign-root') seen.set(name, { ...rest, root: { kind: 'tbf', handle: '7:' } });
  if (what === 'down' && link.kind === 'ifb') seen.set(name, { ...link, up: false });
  if (what === 'doomed') seen.set(name, { ...link, doomed: true });
  if (what === 'hooks')
    seen.set(name, {
      ...bare,
      ...(root ? { root } : {}),
      ...(tree ? { tree } : {}),
      at: { ingress: NO_HOOK, egress: NO_HOOK },
    });
  if (what === 'ingress-qdisc')
    seen.set(name, {
      ...link,
      hooks: 'ingress',
      at: { ingress: { first: [], others: 1 }, egress: NO_HOOK },
    });
  if (what === 'filter' && link.hooks)
    seen.set(name, {
      ...link,
      at: {
        ...link.at,
        ingress: { first: [1], others: 2 },
        egress: { ...link.at.egress, first: [1] },
      },
    });
  if (what === 'classes' && tree)
    seen.set(name, { ...link, tree: { ...tree, classes: new Map(), sortings: [] } });
  if (what === 'rules' && tree)
    seen.set(name, {
      ...link,
      tree: { ...tree, tables: new Map(), broken: new Set<Table>([4]), sortings: [] },
    });
  if (what === 'gone' && link.kind === 'ifb') {
    seen.delete(name);
    for (const [other, shown] of seen)
      seen.set(other, {
        ...shown,
        at: { ingress: dead(shown.at.ingress, name), egress: dead(shown.at.egress, name) },
      });
  }
}

const dead = (hook: SeenHook, gone: string): SeenHook =>
  hook.redirect?.to === gone ? { ...hook, redirect: { handle: hook.redirect.handle } } : hook;
