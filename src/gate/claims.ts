import type { AppDemand, DemandContext } from '../cluster/marathon/demand-context.ts';
import type { Change } from '../cluster/marathon/change.ts';
import { demandOfApp } from '../cluster/marathon/demand.ts';
import { numberAt, objectAt, textAt, arrayAt, type JsonObject } from '../cluster/marathon/json.ts';
import { changeTo } from '../cluster/marathon/peak-of.ts';
import { demandOfPod } from '../cluster/marathon/pod-demand.ts';
import type { Claim } from '../core/claim.ts';
import { Refusal } from '../core/errors.ts';
import { endedAtOnce, peakOf, type Before } from '../core/peak.ts';
import { placedOn } from '../core/placed.ts';
import type { Room } from '../core/room.ts';

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
  const { kind, before, after } = change;
  if (after === undefined || onlyFrees(change)) return undefined;
  const read = change.relaunch ? readable : demandOf; // a kill changes no definition
  const wanted = read(kind, after, context.demand);
  if (!wanted?.managed) return undefined;
  if (change.relaunch) return relaunchOf(change, wanted, context);
  const was = before && standing(before);
  return launchOf(change, { after, wanted, ...(was && { was }) }, context);
}

/** Deletes, scale-downs, and what changes no count. Such a change passes whatever its definition says. */
export function onlyFrees({ kind, before, after, restart, relaunch }: Change): boolean {
  if (after === undefined || before === undefined || relaunch) return after === undefined;
  const instances = countIn(kind, after);
  return instances === 0 || (!restart && instances <= countIn(kind, before));
}

interface Launch {
  readonly after: JsonObject;
  readonly wanted: AppDemand;
  readonly was?: Before;
}

function launchOf(
  { id, kind, before, restart }: Change,
  { after, wanted, was }: Launch,
  context: ClaimContext,
): Claim {
  const runs = was !== undefined && was.instances > 0;
  const planned = changeTo(wanted, restart, was);
  const base = {
    ...shared(id, wanted, context),
    peak: peakOf(planned) + beyond(was, countOf(context.heldOn(id))),
    mayHold: mayHold(after, context.hold),
    mayReroute: context.rewritable && (restart || !runs),
  };
  if (restart && runs && before) {
    const old = readable(kind, before, context.demand);
    const atOnce = endedAtOnce(planned);
    return { ...base, kind: 'restart', placed: [], atOnce, ...(old && { before: old.demand }) };
  }
  const placed = placedOn(context.heldOn(id), context.room);
  return { ...base, kind: before ? 'scale' : 'create', placed };
}

/** What runs may have been defined before there was a gate; then nothing is known of its limits. */
function readable(
  kind: 'app' | 'pod',
  spec: JsonObject,
  context: DemandContext,
): AppDemand | undefined {
  try {
    return demandOf(kind, spec, context);
  } catch (fault) {
    if (fault instanceof Refusal) return undefined;
    throw fault;
  }
}

const countIn = (kind: 'app' | 'pod', spec: JsonObject): number =>
  kind === 'app' ? (numberAt(spec, 'instances') ?? 1) : podInstancesOf(spec);

const demandOf = (kind: 'app' | 'pod', spec: JsonObject, context: DemandContext): AppDemand =>
  kind === 'app' ? demandOfApp(spec, context) : demandOfPod(spec, context);

function shared(app: string, wanted: AppDemand, context: ClaimContext) {
  const { demand, constraints, instances, labelled } = wanted;
  const speaks = Object.keys(labelled).length > 0;
  const heldOn = new Map(context.heldOn(app));
  return { app, demand, constraints, instances, heldOn, ...(speaks && { labelled }) };
}

const countOf = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);

/**
 * What Marathon reckons with. An app that is shown with its tasks says how many are alive; of the others
 * only the number they should have is known.
 */
function standing(before: JsonObject): Before {
  const instances = numberAt(before, 'instances') ?? podInstancesOf(before);
  const running = numberAt(before, 'tasksRunning');
  const alive =
    running === undefined ? instances : running + (numberAt(before, 'tasksStaged') ?? 0);
  const checked = (arrayAt(before, 'healthChecks') ?? []).length > 0;
  const healthy = checked ? (numberAt(before, 'tasksHealthy') ?? alive) : alive;
  return { instances, tracked: alive, otherVersion: alive, healthy };
}

/**
 * Leases of instances that Marathon takes for gone: dying or unreachable. It starts others in their
 * place, and they keep their addresses meanwhile (traps 19 and 20).
 */
const beyond = (was: Before | undefined, held: number): number =>
  Math.max(0, held - (was?.tracked ?? 0));

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
    atOnce: (relaunch?.instances ?? 0) - overlap, // those of the overlap have room of their own
    peak: Math.max(wanted.instances, countOf(heldOn)) + overlap,
    placed: placedOn(heldOn, context.room),
    mayHold: false,
    mayReroute: false,
  };
}

function mayHold(spec: JsonObject, policy: HoldPolicy): boolean {
  const labels = objectAt(spec, 'labels') ?? {};
  return policy === 'always' || (policy === 'label' && textAt(labels, HOLD_LABEL) === 'true');
}
