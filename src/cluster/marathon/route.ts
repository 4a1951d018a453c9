/** What a request asks of Marathon, told apart as far as a judgement needs it. */

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
