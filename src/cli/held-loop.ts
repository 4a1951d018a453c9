import { randomBytes } from 'node:crypto';
import { NODES_KEPT } from '../gate/verdict-of.ts';
import { brakeTurn, type BrakeDeps } from '../gate/brake.ts';
import { type HeldQueueDeps, heldQueueTurn } from '../gate/held-queue.ts';
import type { Leading } from '../gate/held-hands.ts';
import { specFinder } from '../gate/held-spec.ts';
import { trimFailures } from '../ledger/failures.ts';
import type { Store } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';
import { type Loop, startLoop } from '../plumbing/loop.ts';
import type { GateParts } from './gate-parts.ts';
import { heldMetrics } from './held-metrics.ts';
import { type LeadingTurn, whileLeading } from './leading.ts';

/** Launches that fail are looked at this often; it costs nothing while none does. */
const TURN_MS = 500;
/** Held apps are looked after this often: each costs Marathon a read. */
const QUEUE_EVERY_MS = 2_000;
const TRIM_EVERY_MS = 60_000;
const TIMING = { everyMs: TURN_MS, backoffMs: 500, backoffCapMs: 10_000, deadlineMs: 30_000 };

/**
 * The brake and the queue of held apps, by one gate at a time and never at the same time: both change the
 * same records, and what one of them has begun the other must see whole.
 */
export function heldLoop(parts: GateParts, signal: AbortSignal): Loop {
  const { store, clock, log, settings } = parts;
  const deps = depsOf(parts);
  const { mode } = settings.gate.brake;
  const queue = every(clock, QUEUE_EVERY_MS, (leading: Leading) => heldQueueTurn(deps, leading));
  const trim = every(clock, TRIM_EVERY_MS, (leading: Leading) => trimmed(store, leading.signal));
  const turn: LeadingTurn = async (within, { fence }) => {
    const leading = { signal: within, fence };
    if (mode === 'on') await brakeTurn(deps, leading);
    await queue(leading);
    await trim(leading);
  };
  return startLoop('held apps', whileLeading('held-apps', turn, parts, signal), {
    ...TIMING,
    ...{ clock, log },
  });
}

const trimmed = async (store: Store, signal: AbortSignal): Promise<void> => {
  await trimFailures(store, {}, signal);
};

/** Does it when it is due; one that failed is due at once. */
function every<Arg>(
  clock: Clock,
  ms: number,
  act: (arg: Arg) => Promise<void>,
): (arg: Arg) => Promise<void> {
  let dueMs = 0;
  return async (arg) => {
    const nowMs = clock.now();
    if (nowMs < dueMs && dueMs - nowMs <= ms) return; // further off than that: the clock was set back
    await act(arg);
    dueMs = nowMs + ms;
  };
}

function depsOf(parts: GateParts): BrakeDeps & HeldQueueDeps {
  const { settings, view, marathon, judge, planner, registry, clock, failures } = parts;
  const { brake, rateNames, secretPolicy } = settings.gate;
  const { client } = marathon;
  return {
    ...parts,
    steadyMs: () => performance.now(),
    rule: brake,
    priorityLabel: brake.priorityLabel,
    demand: { rateNames, secretPolicy },
    mostNodes: NODES_KEPT,
    context: marathon.context,
    random: () => randomBytes(5).toString('hex'),
    find: specFinder((wanted, within) => client.read(wanted, within)),
    scale: ({ kind, spec }, { instances, force }, within) =>
      kind === 'app'
        ? client.scale(spec, instances, within, force)
        : client.scalePod(spec, instances, within, force),
    deployments: (within) => client.deployments(within),
    wouldGet: (request, within) => planner.wouldGet(request, within),
    judge: (request) => judge.judge(request),
    onHeld: heldMetrics(registry, { held: () => view.held, failures, clock }),
  };
}
