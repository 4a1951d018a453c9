import { BadMethod, BadTarget } from '../errors.ts';
import { isReading, sameRoute } from './route-match.ts';
import { rowFor } from './route-table.ts';
import { decodeSegments, parseTarget, type Target } from './target.ts';

/** What a judged route shares: the only target that may be sent upstream for it. */
interface Judged {
  /** Path and query built from the canonical id; recognising it gives this very route. */
  readonly canonicalTarget: string;
}

export interface Pass {
  readonly kind: 'pass';
}
/** Can change anything at all; whether it may is a setting. */
export interface Forbidden {
  readonly kind: 'forbidden';
  readonly what: 'restore' | 'plugin';
  readonly message: string;
  readonly remedy: string;
  readonly canonicalTarget: string;
}
export interface CreateApp extends Judged {
  readonly kind: 'createApp';
  readonly force: boolean;
}
export interface UpdateApp extends Judged {
  readonly kind: 'updateApp';
  readonly id: string;
  /** Absent fields keep their value. Always true for PATCH. */
  readonly partial: boolean;
  /** PATCH: an unknown app is not created. */
  readonly patch: boolean;
  readonly force: boolean;
}
export interface UpdateApps extends Judged {
  readonly kind: 'updateApps';
  readonly partial: boolean;
  readonly patch: boolean;
  readonly force: boolean;
}
export interface RestartApp extends Judged {
  readonly kind: 'restartApp';
  readonly id: string;
  readonly force: boolean;
}
export interface CreateGroup extends Judged {
  readonly kind: 'createGroup';
  /** The group named by the URL; the body may name another. */
  readonly path: string;
  readonly force: boolean;
}
export interface UpdateGroup extends Judged {
  readonly kind: 'updateGroup';
  readonly path: string;
  readonly force: boolean;
}
export interface CreatePod extends Judged {
  readonly kind: 'createPod';
  readonly force: boolean;
}
export interface UpdatePod extends Judged {
  readonly kind: 'updatePod';
  readonly id: string;
  readonly force: boolean;
}
/** Kills that are followed by relaunches; with `ids` only those tasks. */
export interface KillTasks extends Judged {
  readonly kind: 'killTasks';
  readonly app: string;
  readonly ids?: readonly string[];
  /** Only tasks on this host; `*` means every host. */
  readonly host?: string;
  readonly scale: boolean;
  readonly wipe: boolean;
}
export interface KillTasksByIds extends Judged {
  readonly kind: 'killTasksByIds';
  readonly scale: boolean;
  readonly wipe: boolean;
}
export interface KillPodInstances extends Judged {
  readonly kind: 'killPodInstances';
  readonly id: string;
  /** Absent: the body lists the instances. */
  readonly instance?: string;
  readonly wipe: boolean;
}
export interface ResetDelay extends Judged {
  readonly kind: 'resetDelay';
  readonly id: string;
}
export interface CancelDeployment extends Judged {
  readonly kind: 'cancelDeployment';
  readonly id: string;
  /** true: stops half way; false: a new deployment goes back. */
  readonly force: boolean;
}

export type JudgedRoute =
  | CreateApp
  | UpdateApp
  | UpdateApps
  | RestartApp
  | CreateGroup
  | UpdateGroup
  | CreatePod
  | UpdatePod
  | KillTasks
  | KillTasksByIds
  | KillPodInstances
  | ResetDelay
  | CancelDeployment;
export type Route = Pass | Forbidden | JudgedRoute;

const CHANGES = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;

const READS_TWO_WAYS = 'it means one thing as sent and another when decoded';

/** Both readings of the path must agree; otherwise Marathon might do what was not judged. */
function routeOf(method: string, target: Target, rawTarget: string): Route {
  const sent = rowFor({
    method,
    segments: target.raw,
    query: target.query,
    decode: decodeSegments,
  });
  const decoded = rowFor({
    method,
    segments: target.folded,
    query: target.query,
    decode: (segments) => segments.join('/'),
  });
  if (!sameRoute(sent, decoded)) throw new BadTarget(rawTarget, READS_TWO_WAYS);
  return sent;
}

/** For a method that Marathon has no handler for: fine, unless the path is one that is judged. */
function unknownMethod(method: string, target: Target, rawTarget: string): Route {
  const judged = CHANGES.some((known) => routeOf(known, target, rawTarget).kind !== 'pass');
  if (judged) throw new BadMethod(method);
  return { kind: 'pass' };
}

/**
 * What a request asks of Marathon. `rawTarget` is the request target exactly as received.
 * A route other than `pass` must be sent upstream with its `canonicalTarget`, never the raw one.
 *
 * @throws BadTarget for a change whose target is malformed or ambiguous; BadId for one that names a
 *         judged route with an impossible id; BadMethod
 * @see    Marathon's api/v2/*Resource.scala
 */
export function recognise(method: string, rawTarget: string): Route {
  if (isReading(method)) return { kind: 'pass' };
  const target = parseTarget(rawTarget);
  const known = CHANGES.some((change) => change === method);
  return known ? routeOf(method, target, rawTarget) : unknownMethod(method, target, rawTarget);
}
