import { type JsonObject, member, objectsAt, textAt, without, withoutNulls } from './json.ts';

const APP_CHECK = {
  gracePeriodSeconds: 300,
  intervalSeconds: 60,
  maxConsecutiveFailures: 3,
  timeoutSeconds: 20,
  delaySeconds: 15,
  ipProtocol: 'IPv4',
} as const;

/** Checks that Marathon makes itself keep no delay and no IP version. */
const BY_MARATHON = new Set(['HTTP', 'HTTPS', 'TCP']);
const WITH_STATUS = new Set(['HTTP', 'HTTPS']);

function appHealthCheck(check: JsonObject, hasPorts: boolean): JsonObject {
  const protocol = (textAt(check, 'protocol') ?? 'HTTP').toUpperCase();
  const noPort = member(check, 'port') === undefined && member(check, 'portIndex') === undefined;
  const stated = BY_MARATHON.has(protocol) ? without(check, 'delaySeconds', 'ipProtocol') : check;
  return {
    ...APP_CHECK,
    ...(WITH_STATUS.has(protocol) && { ignoreHttp1xx: false }),
    ...withoutNulls(stated),
    protocol,
    ...(hasPorts && noPort && protocol !== 'COMMAND' && { portIndex: 0 }),
  };
}

/** An app's health checks with every default written out. `hasPorts`: it declares at least one. */
export const appHealthChecks = (app: JsonObject, hasPorts: boolean): readonly JsonObject[] =>
  objectsAt(app, 'healthChecks').map((check) => appHealthCheck(check, hasPorts));

const READINESS = {
  name: 'readinessCheck',
  protocol: 'HTTP',
  path: '/',
  portName: 'http-api',
  intervalSeconds: 30,
  timeoutSeconds: 10,
  httpStatusCodesForReady: [200],
  preserveLastResponse: false,
} as const;

export const readinessChecks = (app: JsonObject): readonly JsonObject[] =>
  objectsAt(app, 'readinessChecks').map((check) => ({ ...READINESS, ...withoutNulls(check) }));

/** The times of an app's `check` or of a pod container's health check. */
export const checkWithDefaults = (check: JsonObject): JsonObject => ({
  intervalSeconds: 60,
  timeoutSeconds: 20,
  delaySeconds: 15,
  ...withoutNulls(check),
});

/** As `checkWithDefaults`, with what only health checks have. */
export const podHealthCheck = (check: JsonObject): JsonObject => ({
  gracePeriodSeconds: 300,
  maxConsecutiveFailures: 3,
  ...checkWithDefaults(check),
});
