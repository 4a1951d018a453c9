import type { ReservationRecord } from './promise-record.ts';

/** A running deployment, as far as a promise cares. */
export interface RunningDeployment {
  readonly id: string;
  readonly apps: ReadonlySet<string>;
}

/** What is known when a promise is looked at. */
export interface KeepFacts {
  readonly deployments: readonly RunningDeployment[];
  /** Leases that the app holds now. */
  readonly held: number;
  readonly nowMs: number;
  /** How long a promise whose outcome is unknown waits for a deployment to show up. */
  readonly graceMs: number;
  /** Marathon has no such app any more; absent: it was not asked. */
  readonly deleted?: boolean;
}

/** What becomes of a promise. `why` is for the log. */
export type Fate =
  | { readonly do: 'keep' }
  | { readonly do: 'adopt'; readonly deployment: string }
  | { readonly do: 'end'; readonly why: string };

const keep: Fate = { do: 'keep' };
const end = (why: string): Fate => ({ do: 'end', why });

/**
 * Whether the room promised to `app` is still owed.
 *
 * A promise ends when its instances hold their leases, when its deployment is gone (done or cancelled:
 * Marathon forgets both alike), or at its deadline. One whose outcome is unknown (a time-out, a gate
 * that died) first looks for a deployment of its app: Marathon may have acted. What it finds may be an
 * older one that is about to be overridden, so where a deployment is gone and another is at work on the app,
 * the promise goes with that one.
 */
export function fateOf(app: string, reservation: ReservationRecord, facts: KeepFacts): Fate {
  if (facts.nowMs >= reservation.deadlineMs) return end('its deadline passed');
  if (reservation.until === 'deadline')
    return facts.deleted === true ? end('its app was deleted') : keep;
  if (reservation.until === 'leases' && facts.held >= reservation.target)
    return end('its instances hold their leases');
  return reservation.deployment === undefined
    ? fateOfUnknown(app, reservation, facts)
    : fateOfDeployed(app, reservation.deployment, facts);
}

function fateOfDeployed(app: string, deployment: string, { deployments }: KeepFacts): Fate {
  const about = deployments.filter(({ apps }) => apps.has(app));
  if (about.some(({ id }) => id === deployment)) return keep;
  const [other] = about;
  return other ? { do: 'adopt', deployment: other.id } : end(`deployment ${deployment} is gone`);
}

function fateOfUnknown(app: string, { sinceMs }: ReservationRecord, facts: KeepFacts): Fate {
  const found = facts.deployments.find(({ apps }) => apps.has(app));
  if (found) return { do: 'adopt', deployment: found.id };
  return facts.nowMs - sinceMs < facts.graceMs ? keep : end('no deployment came of it');
}
