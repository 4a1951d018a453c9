import { ApiRefusal, duplicate, notFound, notValid } from '../errors.ts';
import { type JsonObject, objectOf, present, textOf } from '../json.ts';
import { canonicalApp, mergedApp } from '../specs/app.ts';
import { appShape, appUpdateShape } from '../specs/app-shape.ts';
import { checkApp } from '../specs/app-rules.ts';
import { specOfApp } from '../specs/app-spec.ts';
import { checkShape } from '../specs/shape.ts';
import type { Spec } from '../specs/spec.ts';
import { succeeding } from '../scheduler/revert.ts';
import { type Root, withSpec } from '../scheduler/root.ts';
import type { World } from '../world.ts';

/** How an app body meets the app that is there. */
export interface EditMode {
  readonly id: string;
  readonly partial: boolean;
  readonly mayCreate: boolean;
  readonly version: string;
}

const FIRST_SERVICE_PORT = 10_000;

/** Service ports counted up past those in use. */
const servicePorts = (root: Root): (() => number) => {
  const used = new Set<unknown>();
  for (const { definition } of root.specs.values())
    for (const [, port] of JSON.stringify(definition).matchAll(/"(?:servicePort|port)":(\d+)/g))
      used.add(Number(port));
  let next = FIRST_SERVICE_PORT;
  return () => {
    while (used.has(next)) next += 1;
    used.add(next);
    return next;
  };
};

const provisional = (
  version: string,
): { version: string; lastScaling: string; lastConfigChange: string } => ({
  version,
  lastScaling: version,
  lastConfigChange: version,
});

/**
 * A full app body as the spec it becomes.
 *
 * @throws ApiRefusal 422
 */
export const readApp = (
  world: World,
  root: Root,
  body: JsonObject,
  { id, version }: Pick<EditMode, 'id' | 'version'>,
): Spec => {
  checkShape(appShape, { ...body, id });
  const before = root.specs.get(id);
  const context = { ...world.marathon.names, servicePort: servicePorts(root) };
  const app = canonicalApp(body, id, before?.definition ?? {}, context);
  checkApp(app);
  return succeeding(before, specOfApp(app, provisional(version)), version);
};

/** `{"version":ts}` puts a stored definition back; nothing but `id` may stand beside it. */
const rolledBack = (world: World, body: JsonObject, { id, version }: EditMode): Spec => {
  if (Object.keys(present(body)).some((key) => key !== 'version' && key !== 'id'))
    throw notValid([
      {
        path: '/version',
        errors: ["The 'version' field may only be combined with the 'id' field."],
      },
    ]);
  const stored = world.marathon.history.spec('App', id, textOf(body['version']));
  return succeeding(world.marathon.root.specs.get(id), stored, version);
};

const appIn = (root: Root, id: string): Spec | undefined => {
  const found = root.specs.get(id);
  return found?.kind === 'app' ? found : undefined;
};

/**
 * The root with one app updated or created.
 *
 * @throws ApiRefusal 422; 404 when the app is unknown and may not be created
 */
export const editedApp = (world: World, root: Root, raw: unknown, mode: EditMode): Root => {
  const { id, partial } = mode;
  checkShape(appUpdateShape, raw);
  const body = objectOf(raw);
  const before = appIn(root, id);
  if (before && partial && typeof body['version'] === 'string')
    return withSpec(root, rolledBack(world, body, mode));
  if (before && partial)
    return withSpec(root, readApp(world, root, mergedApp(asBody(before), body), mode));
  const spec = readApp(world, root, body, mode);
  if (!before && !mode.mayCreate) throw notFound(`App '${id}'`);
  return withSpec(root, spec);
};

const asBody = (spec: Spec): JsonObject => ({ ...spec.definition, instances: spec.instances });

/** @throws ApiRefusal 409 when the id is taken */
export const refuseTaken = (root: Root, id: string): void => {
  const taken = root.specs.get(id);
  if (taken) throw duplicate(taken.kind === 'app' ? 'An app' : 'A pod', id);
};

/** @throws ApiRefusal 422 when an app and a group share an id */
export const checkRoot = (root: Root): Root => {
  const both = [...root.specs.keys()].filter((id) => root.groups.has(id));
  if (both.length > 0)
    throw new ApiRefusal(422, {
      message: 'Object is not valid',
      details: [
        {
          path: '/',
          errors: [`Groups and Applications may not have the same identifier: ${both.join(', ')}`],
        },
      ],
    });
  return root;
};
