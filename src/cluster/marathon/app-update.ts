import { BadBody } from '../errors.ts';
import { canonicalApp, fetched } from './canonical-app.ts';
import { statedPortDefinitions, updateContainer } from './canonical-container.ts';
import type { MarathonContext } from './canonical-context.ts';
import { statedNetworks } from './canonical-network.ts';
import type { Change } from './change.ts';
import { isUpgrade } from './is-upgrade.ts';
import { type App, type JsonObject, member, textAt, without, withoutNulls } from './json.ts';
import { bodySpecId } from './path-id.ts';

/** How an app is changed: which one, and by which of Marathon's rules. */
export interface AppUpdateRules {
  /** Canonical id; the body's own is not looked at. */
  readonly id: string;
  /** Absent fields keep the old value; otherwise they take their default. */
  readonly partial: boolean;
  readonly context: MarathonContext;
}

/** Never inherited from the old definition: every update that leaves them out erases them. */
const ERASED = ['executorResources', 'resourceLimits'] as const;

/** Marathon's own bookkeeping, which a request cannot set. */
const KEPT = ['version', 'versionInfo'] as const;

const DEPRECATED = ['ipAddress', 'ports', 'uris'] as const;

/** The update in canonical form, holding only what it states. */
function canonicalUpdate(update: App, context: MarathonContext): JsonObject {
  const networks = statedNetworks(update, context);
  const container = updateContainer(update, networks);
  const ports = statedPortDefinitions(update);
  const fetch = member(update, 'fetch') ?? member(update, 'uris');
  return {
    ...without(update, ...DEPRECATED, 'networks', 'container', 'portDefinitions'),
    ...(networks && { networks }),
    ...(container && { container }),
    ...(ports && { portDefinitions: ports }),
    ...(fetch !== undefined && { fetch: fetched(update) }),
  };
}

function merged(before: App, update: App, context: MarathonContext): App {
  const stated = canonicalUpdate(update, context);
  return canonicalApp({ ...without(before, ...ERASED), ...stated }, context);
}

/**
 * The app that a creation or update leaves behind, in canonical form. A top-level field of a partial
 * update that is present and not null replaces the old value whole; env, labels, container and the
 * rest are never merged into.
 *
 * @param before  canonical or as Marathon shows it; undefined when the app is unknown, and then
 *                `partial` makes no difference
 * @param body    checked by `checkedApp`; `version` must have been dealt with before
 * @throws        BadBody, BadId
 * @see           Marathon's raml/AppConversion.scala, appUpdateRamlReader
 */
export function afterAppUpdate(before: App | undefined, body: App, rules: AppUpdateRules): App {
  const { id, partial, context } = rules;
  const update = without(withoutNulls(body), ...KEPT, 'id');
  const kept = before ? pick(before, KEPT) : {};
  if (before !== undefined && partial) {
    return { ...merged(withoutNulls(before), update, context), ...kept, id };
  }
  // Lost in Marathon when a full definition goes through PUT.
  return { ...canonicalApp(without(update, 'executorResources'), context), ...kept, id };
}

/** The app that POST /v2/apps creates, in canonical form; its id comes from the body. */
export function afterAppCreation(body: App, id: string, context: MarathonContext): App {
  return { ...canonicalApp(without(withoutNulls(body), ...KEPT), context), id };
}

const pick = (of: JsonObject, keys: readonly string[]): JsonObject =>
  Object.fromEntries(
    keys.flatMap((key) => {
      const value = member(of, key);
      return value === undefined ? [] : [[key, value] as const];
    }),
  );

/**
 * The version that a partial update goes back to; undefined when it is no rollback. Only `id` may
 * stand beside it.
 *
 * @throws BadBody
 */
export function rollbackVersion(body: App): string | undefined {
  const version = textAt(body, 'version');
  if (version === undefined) return undefined;
  const beside = Object.keys(withoutNulls(body)).filter((key) => key !== 'version' && key !== 'id');
  if (beside.length === 0) return version;
  const error = `The 'version' field may only be combined with the 'id' field, not with ${beside.join(', ')}`;
  throw new BadBody([{ path: '/version', errors: [error] }]);
}

/** The change from one app to another; either may be missing, not both. Both canonical. */
export function appChange(
  id: string,
  before: App | undefined,
  after: App | undefined,
  context: MarathonContext,
): Change {
  const restart = before !== undefined && after !== undefined && isUpgrade(before, after, context);
  return { id, kind: 'app', ...(before && { before }), ...(after && { after }), restart };
}

/** The canonical id that an app's body states. @throws BadBody when it states none; BadId */
export function idIn(body: App, at = ''): string {
  const stated = textAt(body, 'id');
  if (stated === undefined) throw new BadBody([{ path: `${at}/id`, errors: ['is required'] }]);
  return bodySpecId(stated);
}
