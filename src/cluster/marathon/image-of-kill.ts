import { BadBody } from '../errors.ts';
import { appAsItIs, podAsItIs } from './as-it-is.ts';
import { checkedIds } from './body-check.ts';
import { canonicalApp } from './canonical-app.ts';
import type { MarathonContext } from './canonical-context.ts';
import { podInstances } from './canonical-pod.ts';
import { type AfterImage, type Change, changed } from './change.ts';
import { noSuchApp } from './image-of-app.ts';
import { noSuchPod } from './image-of-pod.ts';
import { isArray, type Json, type JsonObject, objectsAt, textAt } from './json.ts';
import { isValidId } from './path-id.ts';
import { type Inquiry, object } from './reads.ts';
import type { KillPodInstances, KillTasks, KillTasksByIds, ResetDelay } from './route.ts';

interface Killed {
  readonly kind: Change['kind'];
  readonly instances: number;
  readonly wipe: boolean;
}

/** The definition stays; some instances end and come back. */
function relaunch(id: string, spec: JsonObject, killed: Killed): AfterImage {
  const { kind, instances, wipe } = killed;
  if (instances === 0) return changed([]);
  const change = { id, kind, before: spec, after: spec, restart: false };
  return changed([{ ...change, relaunch: { instances, wipe } }]);
}

const isChosen = (task: JsonObject, { ids, host }: Pick<KillTasks, 'ids' | 'host'>): boolean => {
  if (ids) return ids.includes(textAt(task, 'id') ?? '');
  return host === undefined || host === '*' || textAt(task, 'host') === host;
};

const countChosen = (app: JsonObject, which: Pick<KillTasks, 'ids' | 'host'>): number =>
  objectsAt(app, 'tasks').filter((task) => isChosen(task, which)).length;

/** DELETE /v2/apps/{id}/tasks and /tasks/{taskId}; Marathon takes a pod's id here as well. */
export function* killedTasks(route: KillTasks, context: MarathonContext): Inquiry<AfterImage> {
  const { app: id, wipe } = route;
  const shown = yield* object({ what: 'app', id });
  if (shown) {
    const app = canonicalApp(shown, context);
    return relaunch(id, app, { kind: 'app', instances: countChosen(shown, route), wipe });
  }
  const pod = yield* podAsItIs(id, context);
  if (!pod) return noSuchApp(id);
  return relaunch(id, pod, {
    kind: 'pod',
    instances: route.ids?.length ?? podInstances(pod),
    wipe,
  });
}

const TASK = /^([^.]+(?:\.[^.]+)*?)\.(?:(?:instance|marathon)-|[0-9a-f]{8}-[0-9a-f]{4}-)/;

/** The app that a task id names: its segments come first, joined by `_`, which no id contains. */
export function appOfTask(task: string): string | undefined {
  const spec = TASK.exec(task)?.[1];
  const id = spec && `/${spec.replaceAll('_', '/')}`;
  return id && isValidId(id) ? id : undefined;
}

/** POST /v2/tasks/delete; ids that name no known app are ignored, as Marathon does. */
export function* killedTasksByIds(
  { wipe }: KillTasksByIds,
  body: Json | undefined,
  context: MarathonContext,
): Inquiry<AfterImage> {
  const ids = checkedIds(body);
  const apps = new Set(ids.flatMap((id) => appOfTask(id) ?? []));
  const changes: Change[] = [];
  for (const id of apps) {
    const shown = yield* object({ what: 'app', id });
    const instances = shown ? countChosen(shown, { ids }) : 0;
    if (!shown || instances === 0) continue;
    const app = canonicalApp(shown, context);
    const change = { id, kind: 'app' as const, before: app, after: app, restart: false };
    changes.push({ ...change, relaunch: { instances, wipe } });
  }
  return changed(changes);
}

function listedInstances(body: Json | undefined): number {
  if (isArray(body)) return body.length;
  throw new BadBody([{ path: '/', errors: ['must be an array of instance ids'] }]);
}

/** DELETE /v2/pods/{id}::instances and ::instances/{instance} */
export function* killedPodInstances(
  route: KillPodInstances,
  body: Json | undefined,
  context: MarathonContext,
): Inquiry<AfterImage> {
  const { id, instance, wipe } = route;
  const instances = instance === undefined ? listedInstances(body) : 1;
  const pod = yield* podAsItIs(id, context);
  return pod ? relaunch(id, pod, { kind: 'pod', instances, wipe }) : noSuchPod(id);
}

/** DELETE /v2/queue/{id}/delay: what waits is launched at once. */
export function* hurried({ id }: ResetDelay, context: MarathonContext): Inquiry<AfterImage> {
  const app = yield* appAsItIs(id, context);
  if (app) return changed([{ id, kind: 'app', before: app, after: app, restart: false }]);
  const pod = yield* podAsItIs(id, context);
  if (pod) return changed([{ id, kind: 'pod', before: pod, after: pod, restart: false }]);
  return noSuchApp(id);
}
