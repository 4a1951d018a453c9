import { canonicalId } from './path-id.ts';
import {
  arrayAt,
  isArray,
  isObject,
  objectAt,
  objectsAt,
  type Json,
  type JsonObject,
} from './json.ts';

/** A constraint as an app definition spells it: [field, operator] or [field, operator, value]. */
export type SpelledConstraint = readonly string[];

/** Which run specs a request body holds, and under which ids. */
export type BodyShape =
  | { readonly of: 'app'; readonly id: string }
  | { readonly of: 'apps' }
  | { readonly of: 'group'; readonly path: string }
  | { readonly of: 'pod'; readonly id: string };

/** What is written into a run spec of a body. */
export interface Edit {
  /** The whole set: Marathon replaces the key, it never merges into it. */
  readonly constraints?: readonly SpelledConstraint[];
  readonly instances?: number;
}

/** Edits by canonical id; run specs that are not named stay as the body has them. */
export type Edits = ReadonlyMap<string, Edit>;

/**
 * The same body with the named run specs edited. Everything else is kept, unknown fields included.
 *
 * @see Marathon: raml/AppConversion.scala, appUpdateRamlReader (no merging below the top level)
 */
export function edited(shape: BodyShape, body: Json, edits: Edits): Json {
  switch (shape.of) {
    case 'app':
      return isObject(body) ? appWith(body, edits.get(shape.id)) : body;
    case 'pod':
      return isObject(body) ? podWith(body, edits.get(shape.id)) : body;
    case 'apps':
      return isArray(body) ? body.map((app) => appIn(app, '/', edits)) : body;
    case 'group':
      return isObject(body) ? groupWith(body, shape.path, edits) : body;
  }
}

const appWith = (app: JsonObject, { constraints, instances }: Edit = {}): JsonObject => ({
  ...app,
  ...(constraints && { constraints: constraints.map((constraint) => [...constraint]) }),
  ...(instances !== undefined && { instances }),
});

function appIn(app: Json, group: string, edits: Edits): Json {
  if (!isObject(app) || typeof app['id'] !== 'string') return app;
  return appWith(app, edits.get(canonicalId(app['id'], group)));
}

function groupWith(group: JsonObject, path: string, edits: Edits): JsonObject {
  const id = typeof group['id'] === 'string' ? canonicalId(group['id'], path) : path;
  const { apps, groups } = group;
  return {
    ...group,
    ...(isArray(apps) && { apps: apps.map((app) => appIn(app, id, edits)) }),
    ...(isArray(groups) && {
      groups: groups.map((child) => (isObject(child) ? groupWith(child, id, edits) : child)),
    }),
  };
}

/** Pods spell a constraint { fieldName, operator, value? }, and count under `scaling`. */
function podWith(pod: JsonObject, { constraints, instances }: Edit = {}): JsonObject {
  const scheduling = objectAt(pod, 'scheduling') ?? {};
  const placement = objectAt(scheduling, 'placement') ?? {};
  const scaling = objectAt(pod, 'scaling') ?? { kind: 'fixed' };
  return {
    ...pod,
    ...(constraints && {
      scheduling: {
        ...scheduling,
        placement: { ...placement, constraints: constraints.map(asPodSpells) },
      },
    }),
    ...(instances !== undefined && { scaling: { ...scaling, instances } }),
  };
}

const asPodSpells = ([fieldName = '', operator = '', value]: SpelledConstraint): JsonObject => ({
  fieldName,
  operator,
  ...(value !== undefined && { value }),
});

/** The constraint set of a canonical definition, as an app would spell it. */
export function spelledIn(kind: 'app' | 'pod', spec: JsonObject): readonly SpelledConstraint[] {
  if (kind === 'app') return (arrayAt(spec, 'constraints') ?? []).map(textsIn);
  const placement = objectAt(objectAt(spec, 'scheduling') ?? {}, 'placement') ?? {};
  return objectsAt(placement, 'constraints').map((one) =>
    textsIn([one['fieldName'] ?? null, one['operator'] ?? null, one['value'] ?? null]),
  );
}

const textsIn = (item: Json): SpelledConstraint =>
  isArray(item) ? item.filter((part) => typeof part === 'string') : [];

/** The definition with another constraint set. */
export const withSpelled = (
  kind: 'app' | 'pod',
  spec: JsonObject,
  constraints: readonly SpelledConstraint[],
): JsonObject => (kind === 'app' ? appWith(spec, { constraints }) : podWith(spec, { constraints }));
