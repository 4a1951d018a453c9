import { isWithin } from '../ids.ts';
import { isUpgrade } from '../specs/change.ts';
import type { Spec } from '../specs/spec.ts';
import type { Root } from './root.ts';

export interface PlannedAction {
  readonly kind: 'StopApplication' | 'StartApplication' | 'ScaleApplication' | 'RestartApplication';
  /** The target configuration, or the one that ends. */
  readonly spec: Spec;
}

export type PlannedStep = readonly PlannedAction[];

const dependenciesOf = (spec: Spec, root: Root): string[] => {
  const groups = [...root.groups].filter(([id]) => isWithin(spec.id, id)).map(([, group]) => group);
  const named = [...spec.dependencies, ...groups.flatMap(({ dependencies }) => dependencies)];
  return [...root.specs.keys()].filter(
    (id) => id !== spec.id && named.some((name) => name === id || isWithin(id, name)),
  );
};

/** Longest chain of dependencies below a spec; one that leads back to itself is cut. */
const depthOf = (spec: Spec, root: Root, above: readonly string[] = []): number => {
  if (above.includes(spec.id)) return 0;
  const below = dependenciesOf(spec, root).flatMap((id) => root.specs.get(id) ?? []);
  return Math.max(0, ...below.map((one) => 1 + depthOf(one, root, [...above, spec.id])));
};

const needsRestart = (before: Spec, after: Spec): boolean =>
  before.lastConfigChange !== after.lastConfigChange || isUpgrade(before, after);

const towards = (before: Spec | undefined, after: Spec): PlannedAction | undefined => {
  if (!before) return { kind: 'ScaleApplication', spec: after };
  if (needsRestart(before, after))
    return { kind: after.instances === 0 ? 'ScaleApplication' : 'RestartApplication', spec: after };
  return before.instances === after.instances
    ? undefined
    : { kind: 'ScaleApplication', spec: after };
};

/** Steps from one root to the other: stops, then starts, then one step per depth of dependencies. */
export const planSteps = (before: Root, after: Root): readonly PlannedStep[] => {
  const stopped = [...before.specs.values()].filter(({ id }) => !after.specs.has(id));
  const started = [...after.specs.values()].filter(({ id }) => !before.specs.has(id));
  const depths = new Map<number, PlannedAction[]>();
  for (const spec of after.specs.values()) {
    const action = towards(before.specs.get(spec.id), spec);
    if (!action) continue;
    const depth = depthOf(spec, after);
    depths.set(depth, [...(depths.get(depth) ?? []), action]);
  }
  return [
    stopped.map((spec) => ({ kind: 'StopApplication' as const, spec })),
    started.map((spec) => ({ kind: 'StartApplication' as const, spec })),
    ...[...depths].sort(([a], [b]) => a - b).map(([, actions]) => actions),
  ].filter((step) => step.length > 0);
};
