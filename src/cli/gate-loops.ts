import { goneNodesTurn } from '../gate/gone-nodes.ts';
import { goneRatesTurn } from '../gate/gone-rates.ts';
import { keeperTurn } from '../gate/keeper.ts';
import { type Loop, startLoop } from '../plumbing/loop.ts';
import type { FactsFeed } from './facts.ts';
import type { GateParts } from './gate-parts.ts';
import { heldLoop } from './held-loop.ts';
import { whileLeading } from './leading.ts';
import { reportLoops } from './report-loops.ts';

/** All that a gate does by itself, beside answering requests. */
export const loopsBeside = (
  parts: GateParts,
  facts: FactsFeed,
  signal: AbortSignal,
): readonly Loop[] => [
  keeperLoop(parts),
  ratesLoop(parts),
  heldLoop(parts, signal),
  ...reportLoops(parts, signal),
  ...(parts.settings.gate.forgetNodes === 'gone' ? [goneLoop(parts, facts, signal)] : []),
];

/** Ends promises that hold nothing any more. */
function keeperLoop({ settings, store, clock, log, view, marathon }: GateParts): Loop {
  const graceMs = settings.gate.reservationKeptMs;
  const { deployments } = marathon;
  const exists = existsIn(marathon);
  const turn = keeperTurn({ view, store, deployments, exists, graceMs, clock, log });
  const timing = { everyMs: 1_000, backoffMs: 500, backoffCapMs: 10_000, deadlineMs: 10_000 };
  return startLoop('promises', turn, { ...timing, clock, log });
}

const existsIn =
  ({ client }: GateParts['marathon']) =>
  async (id: string, signal: AbortSignal): Promise<boolean> => {
    const [app, pod] = await Promise.all(
      (['app', 'pod'] as const).map((what) => client.read({ what, id }, signal)),
    );
    return (app ?? pod) !== undefined;
  };

/** Forgets the rates of apps that are no more. */
function ratesLoop({ store, clock, log, view, marathon }: GateParts): Loop {
  const turn = goneRatesTurn({ view, store, exists: existsIn(marathon), log });
  const timing = { everyMs: 60_000, backoffMs: 1_000, backoffCapMs: 30_000, deadlineMs: 60_000 };
  return startLoop('rates of apps', turn, { ...timing, clock, log });
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
