import { ancestorsOf, isWithin, parentOf } from '../ids.ts';
import type { Spec } from '../specs/spec.ts';

export interface Group {
  readonly dependencies: readonly string[];
  readonly enforceRole: boolean;
}

/** Everything Marathon was told to run, at one version. Replaced whole, never changed. */
export interface Root {
  readonly version: string;
  readonly specs: ReadonlyMap<string, Spec>;
  /** Every group by id, the root included. */
  readonly groups: ReadonlyMap<string, Group>;
}

const PLAIN: Group = { dependencies: [], enforceRole: false };

export const emptyRoot = (version: string): Root => ({
  version,
  specs: new Map(),
  groups: new Map([['/', PLAIN]]),
});

const withGroups = (root: Root, ids: readonly string[]): ReadonlyMap<string, Group> => {
  const groups = new Map(root.groups);
  for (const id of ids) if (!groups.has(id)) groups.set(id, PLAIN);
  return groups;
};

/** With `spec` added or replaced; missing groups above it appear. */
export const withSpec = (root: Root, spec: Spec): Root => ({
  ...root,
  specs: new Map(root.specs).set(spec.id, spec),
  groups: withGroups(root, ancestorsOf(spec.id)),
});

export const withoutSpec = (root: Root, id: string): Root => {
  const specs = new Map(root.specs);
  specs.delete(id);
  return { ...root, specs };
};

export const withGroup = (root: Root, id: string, group: Partial<Group> = {}): Root => {
  const groups = new Map(withGroups(root, [...ancestorsOf(id), id]));
  groups.set(id, { ...PLAIN, ...groups.get(id), ...group });
  return { ...root, groups };
};

/** Without a group and all that is in it; the root is emptied instead. */
export const withoutGroup = (root: Root, id: string): Root => ({
  ...root,
  specs: new Map([...root.specs].filter(([spec]) => !isWithin(spec, id))),
  groups: new Map(
    [...root.groups].filter(([group]) => group === '/' || (group !== id && !isWithin(group, id))),
  ),
});

export const specsIn = (root: Root, group: string): Spec[] =>
  [...root.specs.values()].filter(({ id }) => parentOf(id) === group);

export const groupsIn = (root: Root, group: string): string[] =>
  [...root.groups.keys()].filter((id) => id !== '/' && parentOf(id) === group);
