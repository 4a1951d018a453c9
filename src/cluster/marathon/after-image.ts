import type { MarathonContext } from './canonical-context.ts';
import type { AfterImage } from './change.ts';
import { createdApp, restartedApp, updatedApp, updatedApps } from './image-of-app.ts';
import { createdGroup, updatedGroup } from './image-of-group.ts';
import { hurried, killedPodInstances, killedTasks, killedTasksByIds } from './image-of-kill.ts';
import { createdPod, updatedPod } from './image-of-pod.ts';
import type { Json } from './json.ts';
import { advance, type Answers, type Inquiry, type MarathonRead, readKey } from './reads.ts';
import { cancelled } from './rollback.ts';
import type { JudgedRoute } from './route.ts';

/** A change as it was asked for. */
export interface Asking {
  readonly route: JudgedRoute;
  /** The parsed body; undefined when there was none. */
  readonly body: Json | undefined;
  readonly context: MarathonContext;
}

type Images = {
  readonly [Kind in JudgedRoute['kind']]: (
    route: Extract<JudgedRoute, { readonly kind: Kind }>,
    body: Json | undefined,
    context: MarathonContext,
  ) => Inquiry<AfterImage>;
};

/** One per judged route; a new route without one does not compile. */
const IMAGES: Images = {
  createApp: (_route, body, context) => createdApp(body, context),
  updateApp: updatedApp,
  updateApps: updatedApps,
  restartApp: (route, _body, context) => restartedApp(route, context),
  createGroup: createdGroup,
  updateGroup: updatedGroup,
  createPod: (_route, body, context) => createdPod(body, context),
  updatePod: updatedPod,
  killTasks: (route, _body, context) => killedTasks(route, context),
  killTasksByIds: killedTasksByIds,
  killPodInstances: killedPodInstances,
  resetDelay: (route, _body, context) => hurried(route, context),
  cancelDeployment: (route, _body, context) => cancelled(route, context),
};

function inquiry({ route, body, context }: Asking): Inquiry<AfterImage> {
  // The table is typed by kind; TypeScript cannot carry that through an index.
  const image = IMAGES[route.kind] as (
    route: JudgedRoute,
    body: Json | undefined,
    context: MarathonContext,
  ) => Inquiry<AfterImage>;
  return image(route, body, context);
}

/**
 * The reads that are still missing before `afterImage` can answer; none means that it can. Later
 * reads may depend on earlier answers, so ask again after each round.
 *
 * @throws as `afterImage`
 */
export function readsFor(asking: Asking, answers: Answers = new Map()): readonly MarathonRead[] {
  const progress = advance(inquiry(asking), answers);
  return 'missing' in progress ? progress.missing : [];
}

/**
 * What a request would leave behind, as Marathon would compute it.
 *
 * @param answers  to everything that `readsFor` asked
 * @throws         BadBody, BadId, OriginalUnknown; a plain Error when an answer is missing
 */
export function afterImage(asking: Asking, answers: Answers): AfterImage {
  const progress = advance(inquiry(asking), answers);
  if ('result' in progress) return progress.result;
  throw new Error(`not read yet: ${progress.missing.map(readKey).join(', ')}`);
}

/** Reads what is needed, round by round, and gives the after-image. */
export async function lookUpAfterImage(
  asking: Asking,
  read: (wanted: MarathonRead) => Promise<Json | undefined>,
): Promise<AfterImage> {
  const steps = inquiry(asking);
  let step = steps.next();
  while (!step.done) step = steps.next(await Promise.all(step.value.map(read)));
  return step.value;
}
