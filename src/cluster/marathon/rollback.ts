import { OriginalUnknown } from '../errors.ts';
import type { MarathonContext } from './canonical-context.ts';
import { type AfterImage, changed, refused } from './change.ts';
import { groupChanges } from './group-update.ts';
import { allApps, allPods, emptyGroup, type GroupTree } from './group-tree.ts';
import { groupAsItIs, groupAsItWas } from './as-it-is.ts';
import { isArray, isObject, type Json, type JsonObject, textAt, textsAt } from './json.ts';
import type { Inquiry } from './reads.ts';
import type { CancelDeployment } from './route.ts';

const timeOf = (version: string): number => Date.parse(version);

/**
 * The newest of `versions` that is older than `version`: the state that a deployment of that version
 * started from. Undefined when none is.
 */
export function versionBefore(versions: readonly string[], version: string): string | undefined {
  const older = versions.filter((each) => timeOf(each) < timeOf(version));
  return older.sort((a, b) => timeOf(b) - timeOf(a))[0];
}

const textsIn = (answer: Json | undefined): readonly string[] =>
  isArray(answer) ? answer.filter((item) => typeof item === 'string') : [];

const deploymentIn = (answer: Json | undefined, id: string): JsonObject | undefined =>
  isArray(answer)
    ? answer.filter((item) => isObject(item)).find((item) => textAt(item, 'id') === id)
    : undefined;

/** Apps and pods that a deployment touches, by canonical id. */
const affectedBy = (deployment: JsonObject): ReadonlySet<string> =>
  new Set([...textsAt(deployment, 'affectedApps'), ...textsAt(deployment, 'affectedPods')]);

/**
 * DELETE /v2/deployments/{id}. Without force Marathon goes back to what the deployment replaced,
 * which it shows nowhere; it is looked up as the state of the root group just before.
 *
 * @throws OriginalUnknown when that state is no longer kept
 */
export function* cancelled(
  { id, force }: CancelDeployment,
  context: MarathonContext,
): Inquiry<AfterImage> {
  const [running] = yield [{ what: 'deployments' }];
  const deployment = deploymentIn(running, id);
  if (!deployment) return refused(404, `DeploymentPlan ${id} does not exist`);
  // Stops half way and starts nothing.
  if (force) return changed([]);
  const [then, now] = yield* aroundDeployment(textAt(deployment, 'version') ?? '');
  if (!then) throw new OriginalUnknown(id);
  const affected = affectedBy(deployment);
  const only = (tree: GroupTree) => onlyThose(tree, affected);
  return changed(groupChanges(only(now ?? emptyGroup('/')), only(then), context));
}

/** The root group before `version`, if that is kept, and as it is now. */
function* aroundDeployment(
  version: string,
): Inquiry<readonly [then: GroupTree | undefined, now: GroupTree | undefined]> {
  const [versions] = yield [{ what: 'group-versions', id: '/' }];
  const original = versionBefore(textsIn(versions), version);
  const then = original === undefined ? undefined : yield* groupAsItWas('/', original);
  return [then, yield* groupAsItIs('/')];
}

/** The apps and pods of these ids, in one flat group. */
const onlyThose = (tree: GroupTree, ids: ReadonlySet<string>): GroupTree => ({
  ...emptyGroup(tree.id),
  apps: new Map([...allApps(tree)].filter(([id]) => ids.has(id))),
  pods: new Map([...allPods(tree)].filter(([id]) => ids.has(id))),
});
