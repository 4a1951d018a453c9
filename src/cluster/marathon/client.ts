import { MarathonRefused } from '../errors.ts';
import { groupShape, answered, listedVersions, readingOf } from './client-reads.ts';
import { type Info, infoOf } from './info.ts';
import {
  type App,
  type Group,
  isObject,
  type Json,
  type JsonObject,
  objectsAt,
  type Pod,
  textAt,
  textsAt,
} from './json.ts';
import type { MarathonRead } from './reads.ts';
import { type Scaled, scaled, scaledPod } from './scale.ts';
import { createTransport, type Transport, type TransportOptions } from './transport.ts';
import { type Deployment, type Shaped, shapedBy, shapes, type Task } from './wire.ts';

/**
 * Marathon for Corral's own questions. Every call ends with its signal or the time-out per try;
 * all throw MarathonUnreachable, MarathonRefused and BadMarathonAnswer. `undefined` stands for 404.
 */
export interface MarathonClient {
  read(wanted: MarathonRead, signal: AbortSignal): Promise<Json | undefined>;
  info(signal: AbortSignal): Promise<Info>;
  /** The leader as host:port. */
  leader(signal: AbortSignal): Promise<string | undefined>;
  /** The app with its tasks. */
  app(id: string, signal: AbortSignal): Promise<App | undefined>;
  appVersions(id: string, signal: AbortSignal): Promise<readonly string[]>;
  /** The root group: every app, and every pod with its instances. */
  tree(signal: AbortSignal): Promise<Group>;
  deployments(signal: AbortSignal): Promise<readonly Deployment[]>;
  podStatuses(signal: AbortSignal): Promise<readonly JsonObject[]>;
  /** Tasks of apps; pods have none here. */
  tasks(signal: AbortSignal): Promise<readonly Task[]>;
  queue(signal: AbortSignal): Promise<readonly JsonObject[]>;
  /** Sets the instances of an app that was read before; without force unless told. */
  scale(app: App, instances: number, signal: AbortSignal, force?: boolean): Promise<Scaled>;
  /** The same of a pod. */
  scalePod(pod: Pod, instances: number, signal: AbortSignal, force?: boolean): Promise<Scaled>;
  readonly close: () => void;
}

const deployments = shapedBy<readonly JsonObject[]>(shapes.deployments);
const podStatuses = shapedBy<readonly JsonObject[]>(shapes.podStatuses);
const wrapped = (shape: (typeof shapes)['info']) => shapedBy<JsonObject>(shape);

const deploymentOf = (shown: JsonObject): Deployment => ({
  ...shown,
  id: textAt(shown, 'id') ?? '',
  version: textAt(shown, 'version') ?? '',
  affectedApps: textsAt(shown, 'affectedApps'),
  affectedPods: textsAt(shown, 'affectedPods'),
});

type Get = <T extends Json>(
  path: string,
  shape: Shaped<T>,
  signal: AbortSignal,
) => Promise<T | undefined>;

const getterOn =
  (transport: Transport): Get =>
  async (path, shape, signal) => {
    const reply = await transport.send({ method: 'GET', path }, signal);
    const answer = answered(reply, `GET ${path}`);
    return answer === undefined ? undefined : shape(answer, `GET ${path}`);
  };

/** As `get`, for what every Marathon has. */
const mustOn =
  (get: Get) =>
  async <T extends Json>(path: string, shape: Shaped<T>, signal: AbortSignal): Promise<T> => {
    const answer = await get(path, shape, signal);
    if (answer === undefined) throw new MarathonRefused(`GET ${path}`, 404, 'no such path');
    return answer;
  };

/** The calls that list everything of a kind. */
function listsOn(get: Get) {
  const must = mustOn(get);
  return {
    tree: (signal: AbortSignal) => must('/v2/groups', groupShape, signal),
    deployments: async (signal: AbortSignal) =>
      (await must('/v2/deployments', deployments, signal)).map(deploymentOf),
    podStatuses: (signal: AbortSignal) => must('/v2/pods/::status', podStatuses, signal),
    tasks: async (signal: AbortSignal) => {
      const answer = await must('/v2/tasks', wrapped(shapes.tasks), signal);
      return objectsAt(answer, 'tasks') as readonly Task[];
    },
    queue: async (signal: AbortSignal) =>
      objectsAt(await must('/v2/queue', wrapped(shapes.queue), signal), 'queue'),
    info: async (signal: AbortSignal) =>
      infoOf(await must('/v2/info', wrapped(shapes.info), signal)),
  };
}

/** A client over the given endpoints; `close` ends its connections. */
export const createMarathonClient = (options: TransportOptions): MarathonClient =>
  marathonClientOn(createTransport(options));

/** A client whose calls go through `transport`, which it closes. */
export function marathonClientOn(transport: Transport): MarathonClient {
  const get = getterOn(transport);
  const read = (wanted: MarathonRead, signal: AbortSignal) => get(...readingOf(wanted), signal);

  return {
    ...listsOn(get),
    read,
    leader: async (signal) => {
      const answer = await get('/v2/leader', wrapped(shapes.leader), signal);
      return answer && textAt(answer, 'leader');
    },
    app: async (id, signal) => {
      const answer = await read({ what: 'app', id }, signal);
      return isObject(answer) ? answer : undefined;
    },
    appVersions: async (id, signal) =>
      (await get(`/v2/apps${id}/versions`, listedVersions, signal)) ?? [],
    scale: (of, instances, signal, force = false) =>
      scaled(transport, of, { instances, signal, force }),
    scalePod: (of, instances, signal, force = false) =>
      scaledPod(transport, of, { instances, signal, force }),
    close: transport.close,
  };
}
