import { textAt } from '../cluster/marathon/json.ts';
import {
  confirmed,
  type HeldSeen,
  type HeldStep,
  inOrder,
  nextStep,
  priorityIn,
  takenBack,
} from '../core/held-queue.ts';
import type { HeldRecord } from '../core/held-record.ts';
import { sameHeld } from '../ledger/held.ts';
import { ofItsOwn } from './brake.ts';
import { grow, type GrowDeps } from './held-growth.ts';
import { watchFlight } from './held-flight.ts';
import { type HeldHands, type Leading, lower, rewrite } from './held-hands.ts';
import { type HeldSpec, runsOf } from './held-spec.ts';

export interface HeldQueueDeps extends HeldHands, GrowDeps {
  readonly priorityLabel: string;
}

/** One app of the queue with all that is known of it. */
export interface Waiting extends HeldSeen {
  readonly spec: HeldSpec | undefined;
}

/**
 * One round of the queue of held apps, in its order. What each is due is decided by core/held-queue.ts;
 * growth is judged and promised like any change, so that several may grow in a round and none beyond
 * what fits. One app's fault keeps no other from its turn.
 */
export async function heldQueueTurn(deps: HeldQueueDeps, leading: Leading): Promise<void> {
  if (!deps.view.state().ready) return;
  const waiting: Waiting[] = [];
  for (const [app, record] of [...deps.view.held])
    await ofItsOwn(deps, app, leading, async () => {
      waiting.push(await look(deps, { app, record }, leading.signal));
    });
  for (const one of inOrder(waiting) as readonly Waiting[])
    await ofItsOwn(deps, one.app, leading, () => serve(deps, one, leading));
}

async function look(
  { find, view, priorityLabel }: HeldQueueDeps,
  { app, record }: { readonly app: string; readonly record: HeldRecord },
  signal: AbortSignal,
): Promise<Waiting> {
  const isInFlight = watchFlight(view, app);
  const spec = await find(app, signal);
  const { instances, version } = spec ?? {};
  return {
    ...{ app, record, spec },
    ...(instances !== undefined && {
      has: { instances, ...(version !== undefined && { version }) },
    }),
    runs: spec ? runsOf(spec, view.snapshot.heldOn(app)) : 0,
    inFlight: isInFlight(),
    priority: priorityIn(textAt(spec?.labels ?? {}, priorityLabel)),
  };
}

async function serve(deps: HeldQueueDeps, one: Waiting, leading: Leading): Promise<void> {
  const { app, record, spec } = one;
  if (!sameHeld(deps.view.held.get(app), record)) return; // somebody has had a word since we looked
  const step = nextStep(one, deps.clock.now());
  if (spec && step.do === 'lower') return sayAgain(deps, { ...one, spec }, leading);
  if (spec && step.do === 'grow') return grow(deps, { ...one, spec }, leading);
  const to = rewritten(one, step.do);
  if (to === record || !(await rewrite(deps, { app, seen: record, to }, leading))) return;
  if (step.do === 'forget') deps.log.info('an app waits no longer', { app, why: step.why });
}

/** What becomes of the record alone. */
function rewritten(
  { record, spec, priority }: Waiting,
  step: HeldStep['do'],
): HeldRecord | undefined {
  switch (step) {
    case 'forget':
      return undefined;
    case 'confirm':
      return confirmed(record);
    case 'take back':
      return takenBack(record);
    case 'wait':
    case 'lower':
    case 'grow':
      return spec && (record.priority ?? 0) !== priority ? { ...record, priority } : record;
  }
}

/** Somebody died between the record and Marathon. Meanwhile more may have come up: none of it is ended. */
async function sayAgain(
  deps: HeldQueueDeps,
  { app, record, runs, spec }: Waiting & { readonly spec: HeldSpec },
  leading: Leading,
): Promise<void> {
  const allowed = Math.min(spec.instances, Math.max(record.allowed, runs));
  const next = { ...record, allowed };
  if (
    allowed !== record.allowed &&
    !(await rewrite(deps, { app, seen: record, to: next }, leading))
  )
    return;
  if (allowed === spec.instances || (await lower(deps, { spec, instances: allowed }, leading)))
    await rewrite(deps, { app, seen: next, to: confirmed(next) }, leading);
}
