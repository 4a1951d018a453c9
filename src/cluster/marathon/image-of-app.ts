import {
  afterAppCreation,
  afterAppUpdate,
  appChange,
  idIn,
  rollbackVersion,
} from './app-update.ts';
import { appAsItIs, appsAsTheyAre } from './as-it-is.ts';
import { checkedApp, checkedApps, placeOf } from './body-check.ts';
import { canonicalApp } from './canonical-app.ts';
import type { MarathonContext } from './canonical-context.ts';
import { type AfterImage, changed, refused } from './change.ts';
import type { App, Json } from './json.ts';
import { type Inquiry, object } from './reads.ts';
import type { RestartApp, UpdateApp, UpdateApps } from './route.ts';

export const noSuchApp = (id: string): AfterImage => refused(404, `App '${id}' does not exist`);

/** POST /v2/apps */
export function* createdApp(body: Json | undefined, context: MarathonContext): Inquiry<AfterImage> {
  const app = checkedApp(body);
  const id = idIn(app);
  const before = yield* appAsItIs(id, context);
  if (before) return refused(409, `An app with id [${id}] already exists.`);
  return changed([appChange(id, undefined, afterAppCreation(app, id, context), context)]);
}

type Rules = Pick<UpdateApp, 'partial' | 'patch'>;

/** What one update makes of an app; a text says why Marathon refuses. */
function* updated(
  id: string,
  before: App | undefined,
  { body, rules, context }: { body: App; rules: Rules; context: MarathonContext },
): Inquiry<App | AfterImage> {
  const version = rules.partial ? rollbackVersion(body) : undefined;
  if (before === undefined && rules.patch) return noSuchApp(id);
  if (version === undefined) {
    return afterAppUpdate(before, body, { id, partial: rules.partial, context });
  }
  if (before === undefined) return refused(422, `App '${id}' is unknown and cannot be rolled back`);
  const stored = yield* object({ what: 'app-version', id, version });
  return stored ? { ...canonicalApp(stored, context), id } : noSuchApp(id);
}

const isImage = (result: App | AfterImage): result is AfterImage => 'marathonWillRefuse' in result;

/** PUT and PATCH /v2/apps/{id} */
export function* updatedApp(
  route: UpdateApp,
  body: Json | undefined,
  context: MarathonContext,
): Inquiry<AfterImage> {
  const { id } = route;
  const app = checkedApp(body);
  const before = yield* appAsItIs(id, context);
  const after = yield* updated(id, before, { body: app, rules: route, context });
  return isImage(after) ? after : changed([appChange(id, before, after, context)]);
}

/** PUT and PATCH /v2/apps: in order, each on what those before it left; one deployment for all. */
export function* updatedApps(
  route: UpdateApps,
  body: Json | undefined,
  context: MarathonContext,
): Inquiry<AfterImage> {
  const updates = checkedApps(body).map((app, index) => ({
    app,
    id: idIn(app, placeOf([index])),
  }));
  const ids = [...new Set(updates.map(({ id }) => id))];
  const before = yield* appsAsTheyAre(ids, context);
  const after = new Map(before);
  for (const { app, id } of updates) {
    const next = yield* updated(id, after.get(id), { body: app, rules: route, context });
    if (isImage(next)) return next;
    after.set(id, next);
  }
  return changed(ids.map((id) => appChange(id, before.get(id), after.get(id), context)));
}

/** POST /v2/apps/{id}/restart */
export function* restartedApp({ id }: RestartApp, context: MarathonContext): Inquiry<AfterImage> {
  const app = yield* appAsItIs(id, context);
  if (app === undefined) return noSuchApp(id);
  return changed([{ id, kind: 'app', before: app, after: app, restart: true }]);
}
