import { isUpgrade } from '../specs/change.ts';
import type { Spec } from '../specs/spec.ts';
import { affectedOf, type Deployment } from './deployments.ts';
import type { History } from './history.ts';
import { type Root, withSpec, withoutSpec } from './root.ts';

/**
 * `after` with the versions it gets as the successor of `before`: a change of anything but the
 * count is a change of configuration, and a spec that did not change keeps its old self.
 */
export const succeeding = (before: Spec | undefined, after: Spec, version: string): Spec => {
  if (!before || before.kind !== after.kind || isUpgrade(before, after))
    return { ...after, version, lastScaling: version, lastConfigChange: version };
  if (before.instances === after.instances) return before;
  return { ...after, version, lastScaling: version, lastConfigChange: before.lastConfigChange };
};

/** The root as it was before a deployment, for what that deployment touched. */
export const revertedRoot = (deployment: Deployment, now: Root, history: History): Root => {
  const stamp = history.stamp();
  const root = affectedOf(deployment).reduce((sum: Root, id) => {
    const original = deployment.before.specs.get(id);
    return original
      ? withSpec(sum, succeeding(now.specs.get(id), original, stamp))
      : withoutSpec(sum, id);
  }, now);
  const groups = new Map(
    [...root.groups].filter(
      ([id]) =>
        deployment.before.groups.has(id) ||
        [...root.specs.keys()].some((spec) => spec.startsWith(`${id}/`)),
    ),
  );
  return { ...root, groups, version: history.started };
};
