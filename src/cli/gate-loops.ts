import type { Registry } from 'prom-client';
import type { Settings } from '../config/settings.ts';
import type { FailureWatch } from '../gate/brake-watch.ts';
import { goneNodesTurn } from '../gate/gone-nodes.ts';
import type { Judge } from '../gate/judge.ts';
import { keeperTurn } from '../gate/keeper.ts';
import type { Planner } from '../gate/planner.ts';
import type { Store } from '../ledger/store.ts';
import type { View } from '../ledger/view.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { type Loop, startLoop } from '../plumbing/loop.ts';
import type { FactsFeed } from './facts.ts';
import { heldLoop } from './held-loop.ts';
import { whileLeading } from './leading.ts';
import type { OwnMarathon } from './marathon.ts';
import { reportLoops } from './report-loops.ts';

/** A gate's parts, for the loops that run beside its requests. */
export interface GateParts {
  readonly settings: Settings;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly view: View;
  readonly marathon: OwnMarathon;
  readonly judge: Judge;
  readonly planner: Planner;
  readonly registry: Registry;
  /** Launches that failed lately. */
  readonly failures: FailureWatch;
}

/** All that a gate does by itself, beside answering requests. */
export const loopsBeside = (
  parts: GateParts,
  facts: FactsFeed,
  signal: AbortSignal,
): readonly Loop[] => [
  keeperLoop(parts),
  heldLoop(parts, signal),
  ...reportLoops(parts, signal),
  ...(parts.settings.gate.forgetNodes === 'gone' ? [goneLoop(parts, facts, signal)] : []),
];

/** Ends promises that hold nothing any more. */
function keeperLoop({ settings, store, clock, log, view, marathon }: GateParts): Loop {
  const graceMs = settings.gate.reservationKeptMs;
  const { deployments } = marathon;
  const exists = async (id: string, signal: AbortSignal): Promise<boolean> => {
    const [app, pod] = await Promise.all(
      (['app', 'pod'] as const).map((what) => marathon.client.read({ what, id }, signal)),
    );
    return (app ?? pod) !== undefined;
  };
  const turn = keeperTurn({ view, store, deployments, exists, graceMs, clock, log });
  const timing = { everyMs: 1_000, backoffMs: 500, backoffCapMs: 10_000, deadlineMs: 10_000 };
  return startLoop('promises', turn, { ...timing, clock, log });
}

/** Gives up the addresses of nodes that are gone for good. */
function goneLoop(
  { settings, store, clock, log, view }: GateParts,
  facts: FactsFeed,
  signal: AbortSignal,
): Loop {
  const holdDownMs = settings.gate.forgetNodesAfterMs;
  const listed = (): readonly { node: string; listed: boolean }[] | undefined => {
    if (!facts.answered()) return undefined;
    const known = view.snapshot.nodes().filter(({ record }) => record !== undefined);
    return known.map((one) => ({ node: one.name, listed: one.facts !== undefined }));
  };
  const steadyMs = (): number => performance.now();
  const turn = goneNodesTurn({ store, clock, log, steadyMs, listed, holdDownMs });
  const timing = { everyMs: 10_000, backoffMs: 1_000, backoffCapMs: 30_000, deadlineMs: 60_000 };
  const ifLeading = whileLeading('gone-nodes', turn, { store, clock, log }, signal);
  return startLoop('gone nodes', ifLeading, { ...timing, clock, log });
}
