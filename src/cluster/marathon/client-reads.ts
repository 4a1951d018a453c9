import { BadMarathonAnswer, MarathonRefused } from '../errors.ts';
import { messageOf } from './errors-shape.ts';
import { type App, isObject, type Json, type JsonObject, member, objectAt } from './json.ts';
import type { MarathonRead } from './reads.ts';
import type { Reply } from './transport.ts';
import { type Shaped, shapedBy, shapes } from './wire.ts';

const inApp = (answer: JsonObject): App => objectAt(answer, 'app') ?? answer;

const below = (collection: string, id: string): string =>
  id === '/' ? collection : collection + id;

const at = (version: string): string => encodeURIComponent(version);

const app = shapedBy<JsonObject>(shapes.app);
const wrappedApp = shapedBy<JsonObject>(shapes.wrappedApp);
export const groupShape = shapedBy<JsonObject>(shapes.group);
const deployments = shapedBy<readonly JsonObject[]>(shapes.deployments);
const versions = shapedBy<readonly string[]>(shapes.versions);

/** Path and shape of each read. */
const READS: {
  readonly [What in MarathonRead['what']]: (
    wanted: Extract<MarathonRead, { readonly what: What }>,
  ) => readonly [path: string, shape: Shaped<Json>];
} = {
  app: ({ id }) => [`/v2/apps${id}`, (answer, what) => inApp(wrappedApp(answer, what))],
  'app-version': ({ id, version }) => [`/v2/apps${id}/versions/${at(version)}`, app],
  pod: ({ id }) => [`/v2/pods${id}`, shapedBy<JsonObject>(shapes.pod)],
  'pod-status': ({ id }) => [`/v2/pods${id}::status`, shapedBy<JsonObject>(shapes.podStatus)],
  group: ({ id }) => [below('/v2/groups', id), groupShape],
  'group-version': ({ id, version }) => [
    `${below('/v2/groups', id)}/versions/${at(version)}`,
    groupShape,
  ],
  'group-versions': ({ id }) => [`${below('/v2/groups', id)}/versions`, listedVersions],
  deployments: () => ['/v2/deployments', deployments],
};

/** A bare list for groups, a wrapped one for apps. */
export function listedVersions(answer: Json, what: string): readonly string[] {
  return versions(isObject(answer) ? (member(answer, 'versions') ?? []) : answer, what);
}

/** The body of an answer; undefined for 404. @throws MarathonRefused, BadMarathonAnswer */
export function answered(reply: Reply, what: string): Json | undefined {
  const { status, body } = reply;
  if (status === 404) return undefined;
  if (status >= 400) throw new MarathonRefused(what, status, messageOf(body));
  if (body === undefined) throw new BadMarathonAnswer(what, 'it is no JSON');
  return body;
}

/** Where to read it and what the answer must look like. */
export function readingOf(wanted: MarathonRead): readonly [path: string, shape: Shaped<Json>] {
  // The table is typed by what is read; TypeScript cannot carry that through an index.
  const row = READS[wanted.what] as (
    wanted: MarathonRead,
  ) => readonly [path: string, shape: Shaped<Json>];
  return row(wanted);
}
