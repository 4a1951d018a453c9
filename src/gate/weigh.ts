import { type Edit, type Edits, spelledIn } from '../cluster/marathon/edit.ts';
import type { Change } from '../cluster/marathon/change.ts';
import type { DemandContext } from '../cluster/marathon/demand-context.ts';
import { admit, type AdmitOptions } from '../core/admit.ts';
import type { Claim } from '../core/claim.ts';
import { planAgain } from '../core/replan.ts';
import type { InjectedRecord } from '../core/promise-record.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { Grant, Verdict } from '../core/verdict.ts';
import { claimOf, type HoldPolicy } from './claims.ts';
import type { Prepared } from './judge.ts';
import { recall, type Recalled } from './recall.ts';

/** What a verdict looks at, all of one moment. */
export interface Picture {
  readonly snapshot: Snapshot;
  /** Constraints that the gate added, by app. */
  readonly injected: ReadonlyMap<string, InjectedRecord>;
}

export interface WeighOptions extends AdmitOptions {
  readonly hold: HoldPolicy;
  readonly demand: Omit<DemandContext, 'networks' | 'bridgeName'>;
}

/** A change held against the room there is. */
export interface Weighed {
  readonly recalled: readonly Recalled[];
  readonly claims: readonly Claim[];
  /** Absent when the change claims nothing. */
  readonly verdict?: Verdict;
  /** What has to be written into the body before it is sent. */
  readonly edits: Edits;
}

/**
 * Judges a prepared change on one picture. Besides the verdict nothing changes, but that promises whose
 * proof no longer holds are placed again in the picture.
 */
export function weigh(prepared: Prepared, picture: Picture, options: WeighOptions): Weighed {
  const { snapshot } = picture;
  const recalled = prepared.changes.map((change) =>
    recall(change, picture.injected.get(change.id)?.constraints ?? [], prepared.context),
  );
  const claims = claimsOf(recalled, { prepared, snapshot, options });
  if (claims.length === 0) return { recalled, claims, edits: editsOf(recalled, []) };
  const verdict = judged(snapshot, claims, options);
  const grants = verdict.answer === 'refuse' ? [] : verdict.grants;
  return { recalled, claims, verdict, edits: editsOf(recalled, grants) };
}

interface ClaimDeps {
  readonly prepared: Prepared;
  readonly snapshot: Snapshot;
  readonly options: WeighOptions;
}

function claimsOf(recalled: readonly Recalled[], deps: ClaimDeps): readonly Claim[] {
  const { prepared, snapshot, options } = deps;
  const { bridgeName } = prepared.context;
  const context = {
    demand: { ...options.demand, networks: snapshot.networks(), bridgeName },
    room: snapshot.room(),
    heldOn: (app: string) => snapshot.heldOn(app),
    hold: prepared.hold ?? options.hold,
    rewritable: isRewritable(prepared),
  };
  // A later element of an array wins over an earlier one of the same id (trap 35).
  const last = new Map(recalled.map(({ change }): [string, Change] => [change.id, change]));
  return [...last.values()].flatMap((change) => claimOf(change, context) ?? []);
}

/** Room that looks taken may only be promised unluckily: a refusal is said after a second look. */
function judged(snapshot: Snapshot, claims: readonly Claim[], options: WeighOptions): Verdict {
  const apps = claims.map(({ app }) => app);
  const first = admit(snapshot.roomWithout(apps), claims, options);
  if (first.answer === 'admit' || first.answer === 'reroute') return first;
  return planAgain(snapshot, claims) ? admit(snapshot.roomWithout(apps), claims, options) : first;
}

const DEFINES = new Set([
  'createApp',
  'updateApp',
  'updateApps',
  'createGroup',
  'updateGroup',
  'createPod',
  'updatePod',
]);

/** A body with definitions; going back to a version and scaling a group allow nothing beside them. */
function isRewritable({ route, json }: Prepared): boolean {
  if (!DEFINES.has(route.kind)) return false;
  const items = Array.isArray(json) ? (json as readonly unknown[]) : [json];
  return items.every(
    (item) =>
      typeof item === 'object' && item !== null && !('version' in item) && !('scaleBy' in item),
  );
}

function editsOf(recalled: readonly Recalled[], grants: readonly Grant[]): Edits {
  const edits = new Map<string, Edit>();
  for (const { change, resend } of recalled)
    if (resend) edits.set(change.id, { constraints: resend });
  for (const grant of grants) {
    const of = recalled.findLast(({ change }) => change.id === grant.claim.app)?.change;
    const edit = of && editFor(of, grant);
    if (edit) edits.set(grant.claim.app, { ...edits.get(grant.claim.app), ...edit });
  }
  return edits;
}

function editFor({ kind, after }: Change, { claim, instances, inject }: Grant): Edit | undefined {
  const constraints =
    inject.length > 0 && after ? [...spelledIn(kind, after), ...inject] : undefined;
  const held = instances !== claim.instances ? instances : undefined;
  if (constraints === undefined && held === undefined) return undefined;
  return { ...(constraints && { constraints }), ...(held !== undefined && { instances: held }) };
}
