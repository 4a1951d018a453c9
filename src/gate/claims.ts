import type { AppDemand, DemandContext } from '../cluster/marathon/demand-context.ts';
import type { Change } from '../cluster/marathon/change.ts';
import { demandOfApp } from '../cluster/marathon/demand.ts';
import { numberAt, objectAt, textAt, arrayAt, type JsonObject } from '../cluster/marathon/json.ts';
import { changeTo } from '../cluster/marathon/peak-of.ts';
import { demandOfPod } from '../cluster/marathon/pod-demand.ts';
import type { Claim } from '../core/admit.ts';
import { peakOf, type Before } from '../core/peak.ts';
import type { PlacedInstance, Room } from '../core/room.ts';

/** When an app may start with fewer instances than asked: see the setting `gate.hold`. */
export type HoldPolicy = 'never' | 'label' | 'always';

/** The label by which an app says that it may wait for room. */
export const HOLD_LABEL = 'CORRAL_HOLD';

/** What a claim is worked out from, besides the change itself. */
export interface ClaimContext {
  readonly demand: DemandContext;
  readonly room: Room;
  /** Leases of an app by node. */
  heldOn(app: string): ReadonlyMap<string, number>;
  readonly hold: HoldPolicy;
  /** Whether the request has a body that constraints can be written into. */
  readonly rewritable: boolean;
}

/**
 * What one change claims of the cluster; undefined when it claims nothing: it takes no managed address,
 * deletes, scales down, or changes nothing.
 *
 * @throws BadBody, UnusableRate, SecretRate, BypassedEnv, SharedAddress (cluster/marathon/demand.ts)
 */
export function claimOf(change: Change, context: ClaimContext): Claim | undefined {
  const { id, kind, before, after, restart } = change;
  if (after === undefined) return undefined;
  const wanted = demandOf(kind, after, context.demand);
  if (!wanted.managed) return undefined;
  if (change.relaunch) return relaunchOf(change, wanted, context);
  const was = before && standing(before, countOf(context.heldOn(id)));
  const replaces = restart && wanted.instances > 0 && (was?.instances ?? 0) > 0;
  if (before && !replaces && wanted.instances <= (was?.instances ?? 0)) return undefined;
  const old = before && demandOf(kind, before, context.demand).demand;
  return {
    ...shared(id, wanted, context),
    kind: replaces ? 'restart' : before ? 'scale' : 'create',
    peak: peakOf(changeTo(wanted, restart, was)),
    ...(replaces && old && { before: old }),
    placed: replaces ? [] : placedOn(context.heldOn(id), context.room),
    mayHold: kind === 'app' && mayHold(after, context.hold),
    mayReroute: context.rewritable && (replaces || !before || was?.instances === 0),
  };
}

const demandOf = (kind: 'app' | 'pod', spec: JsonObject, context: DemandContext): AppDemand =>
  kind === 'app' ? demandOfApp(spec, context) : demandOfPod(spec, context);

function shared(app: string, { demand, constraints, instances }: AppDemand, context: ClaimContext) {
  return { app, demand, constraints, instances, heldOn: new Map(context.heldOn(app)) };
}

const countOf = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);

/** Leases tell better than Marathon's bookkeeping what exists: dying instances still hold theirs. */
function standing(before: JsonObject, held: number): Before {
  const instances = numberAt(before, 'instances') ?? podInstancesOf(before);
  const tracked = Math.max(instances, held);
  const checked = (arrayAt(before, 'healthChecks') ?? []).length > 0;
  const healthy = checked ? (numberAt(before, 'tasksHealthy') ?? instances) : instances;
  return { instances, tracked, otherVersion: tracked, healthy };
}

const podInstancesOf = (pod: JsonObject): number =>
  numberAt(objectAt(pod, 'scaling') ?? {}, 'instances') ?? 1;

/** Killed instances come back as they were; a wiped one may overlap with its old process. */
function relaunchOf(change: Change, wanted: AppDemand, context: ClaimContext): Claim {
  const { id, relaunch } = change;
  const heldOn = context.heldOn(id);
  const overlap = relaunch?.wipe === true ? Math.min(relaunch.instances, countOf(heldOn)) : 0;
  return {
    ...shared(id, wanted, context),
    kind: 'relaunch',
    peak: Math.max(wanted.instances, countOf(heldOn)) + overlap,
    placed: placedOn(heldOn, context.room),
    mayHold: false,
    mayReroute: false,
  };
}

/** The ledger knows where an app's instances are; a node that is gone from the room counts for none. */
function placedOn(heldOn: ReadonlyMap<string, number>, room: Room): readonly PlacedInstance[] {
  return [...heldOn].flatMap(([node, count]) => {
    const known = room.nodes.get(node);
    if (!known) return [];
    const { attributes, region, zone } = known;
    const one = { node, attributes, ...(region && { region }), ...(zone && { zone }) };
    return Array.from({ length: count }, () => one);
  });
}

function mayHold(spec: JsonObject, policy: HoldPolicy): boolean {
  const labels = objectAt(spec, 'labels') ?? {};
  return policy === 'always' || (policy === 'label' && textAt(labels, HOLD_LABEL) === 'true');
}
