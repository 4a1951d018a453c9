import { bodyId } from './path-id.ts';
import { appHealthChecks, checkWithDefaults, readinessChecks } from './canonical-checks.ts';
import { appContainer, appPortDefinitions } from './canonical-container.ts';
import type { MarathonContext } from './canonical-context.ts';
import { appNetworks, isHost } from './canonical-network.ts';
import {
  type App,
  arrayAt,
  asSet,
  type JsonObject,
  member,
  objectAt,
  objectsAt,
  textAt,
  textsAt,
  without,
  withoutNulls,
} from './json.ts';

/** What a full definition means where it is silent (Marathon's RAML and normalisation). */
const DEFAULTS = {
  instances: 1,
  cpus: 1,
  mem: 128,
  disk: 0,
  gpus: 0,
  args: [],
  env: {},
  labels: {},
  secrets: {},
  executor: '',
  requirePorts: false,
  backoffSeconds: 1,
  backoffFactor: 1.15,
  maxLaunchDelaySeconds: 300,
  killSelection: 'YOUNGEST_FIRST',
} as const;

const LEGACY = ['ipAddress', 'ports', 'uris'] as const;
const UNPACKED = ['.tgz', '.tar.gz', '.tbz2', '.tar.bz2', '.txz', '.tar.xz', '.zip'];

const hasVolume = (container: JsonObject | undefined, kind: string): boolean =>
  objectsAt(container ?? {}, 'volumes').some((volume) => objectAt(volume, kind) !== undefined);

export const isResident = (app: App): boolean =>
  hasVolume(objectAt(app, 'container'), 'persistent');

/** By default Marathon keeps all instances up and doubles them, unless volumes forbid it. */
function upgradeStrategy(app: App): JsonObject {
  const container = objectAt(app, 'container');
  const tied = hasVolume(container, 'persistent') || hasVolume(container, 'external');
  const otherwise = tied
    ? { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 }
    : { minimumHealthCapacity: 1, maximumOverCapacity: 1 };
  return { ...otherwise, ...withoutNulls(objectAt(app, 'upgradeStrategy') ?? {}) };
}

function unreachableStrategy(app: App): JsonObject | string {
  const stated = member(app, 'unreachableStrategy');
  if (typeof stated === 'string') return stated.toLowerCase();
  if (stated === undefined && isResident(app)) return 'disabled';
  const times = objectAt(app, 'unreachableStrategy') ?? {};
  return { inactiveAfterSeconds: 0, expungeAfterSeconds: 0, ...withoutNulls(times) };
}

const pathOf = (uri: string): string => uri.split(/[?#]/)[0] ?? '';

const artifact = (item: JsonObject): JsonObject => ({
  extract: true,
  executable: false,
  cache: false,
  ...withoutNulls(item),
});

/** `fetch`, or what the deprecated `uris` stands for. */
export function fetched(app: App): readonly JsonObject[] {
  const stated = objectsAt(app, 'fetch');
  if (stated.length > 0) return stated.map(artifact);
  return textsAt(app, 'uris').map((uri) =>
    artifact({ uri, extract: UNPACKED.some((ending) => pathOf(uri).endsWith(ending)) }),
  );
}

const dependencies = (app: App, base: string): readonly string[] =>
  [...new Set(textsAt(app, 'dependencies').map((id) => bodyId(id, base)))].sort();

function roles(app: App): JsonObject {
  const accepted = asSet(arrayAt(app, 'acceptedResourceRoles') ?? []);
  return accepted.length === 0 ? {} : { acceptedResourceRoles: accepted };
}

/** Everything about networks and ports, which depend on one another. */
function wiring(app: App, context: MarathonContext): JsonObject {
  const networks = appNetworks(app, context);
  const container = appContainer(app, networks);
  const ports = appPortDefinitions(app, networks);
  return {
    networks,
    ...(container && { container }),
    ...(ports && { portDefinitions: ports }),
    ...(!isHost(networks) && { requirePorts: false }),
  };
}

const isListed = (app: JsonObject, key: string): boolean => (arrayAt(app, key) ?? []).length > 0;

/**
 * A full app definition in canonical form, as Marathon would store and show it: every default
 * written out, deprecated fields turned into current ones, sets in a fixed order. Applying it twice
 * changes nothing. Fields that we do not know are kept. The id is kept as it is.
 *
 * @param base  canonical id of the group that relative dependencies are resolved against
 * @throws      BadBody where Marathon would refuse a mixture of forms; BadId for a dependency
 * @see         Marathon's api/v2/AppNormalization.scala and raml/AppConversion.scala
 */
export function canonicalApp(app: App, context: MarathonContext, base = '/'): App {
  const stated = withoutNulls(app);
  const wired = wiring(stated, context);
  const hasPorts =
    isListed(stated, 'portDefinitions') ||
    isListed(objectAt(wired, 'container') ?? {}, 'portMappings');
  const check = objectAt(stated, 'check');
  const dropped = [...LEGACY, 'container', 'portDefinitions', 'acceptedResourceRoles'];
  return {
    ...DEFAULTS,
    ...without(stated, ...dropped),
    killSelection: (textAt(stated, 'killSelection') ?? DEFAULTS.killSelection).toUpperCase(),
    constraints: asSet(arrayAt(stated, 'constraints') ?? []),
    dependencies: dependencies(stated, base),
    fetch: fetched(stated),
    healthChecks: asSet(appHealthChecks(stated, hasPorts)),
    readinessChecks: readinessChecks(stated),
    upgradeStrategy: upgradeStrategy(stated),
    unreachableStrategy: unreachableStrategy(stated),
    ...(check && { check: checkWithDefaults(check) }),
    ...roles(stated),
    ...wired,
  };
}
