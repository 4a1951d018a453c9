import { demandOfApp } from '../cluster/marathon/demand.ts';
import type { DemandContext } from '../cluster/marathon/demand-context.ts';
import { type JsonObject, numberAt, objectAt, textAt } from '../cluster/marathon/json.ts';
import { demandOfPod } from '../cluster/marathon/pod-demand.ts';
import { Refusal } from '../core/errors.ts';
import { takesOf } from '../core/fence-demand.ts';
import type { QueuedLaunch } from '../core/fence-pending.ts';

/**
 * Marathon's launch queue in core's words. What is backed off is left out: nothing of it starts soon. So
 * is what cannot be read.
 *
 * @param items  as GET /v2/queue lists them
 */
export function queuedLaunches(
  items: readonly JsonObject[],
  context: DemandContext,
  nowMs: number,
): QueuedLaunch[] {
  return items.flatMap((item): QueuedLaunch[] => {
    const pod = objectAt(item, 'pod');
    const spec = objectAt(item, 'app') ?? pod;
    const id = spec && textAt(spec, 'id');
    if (spec === undefined || id === undefined || isBackedOff(item)) return [];
    const taken = takenBy(spec, pod !== undefined, context);
    const instances = numberAt(item, 'count') ?? 0;
    const since = Date.parse(textAt(item, 'since') ?? '');
    const sinceMs = Number.isNaN(since) ? nowMs : since;
    return taken ? [{ app: id, instances, ...taken, sinceMs }] : [];
  });
}

function isBackedOff(item: JsonObject): boolean {
  const left = numberAt(objectAt(item, 'delay') ?? {}, 'timeLeftSeconds') ?? 0;
  return left > SOON_S;
}

/** A node opens about as fast as that. */
const SOON_S = 5;

type Taken = Pick<QueuedLaunch, 'takes' | 'constraints'>;

function takenBy(spec: JsonObject, isPod: boolean, context: DemandContext): Taken | undefined {
  try {
    const { demand, constraints } = (isPod ? demandOfPod : demandOfApp)(spec, context);
    return { takes: takesOf(demand), constraints };
  } catch (fault: unknown) {
    if (fault instanceof Refusal) return undefined;
    throw fault;
  }
}
