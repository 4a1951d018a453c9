import { type MarathonClient, createMarathonClient } from '../cluster/marathon/client.ts';
import type { MarathonContext } from '../cluster/marathon/canonical-context.ts';
import { createEndpoints, type Endpoints } from '../cluster/marathon/endpoints.ts';
import type { GateSettings } from '../config/gate.ts';
import type { RunningDeployment } from '../core/keep.ts';
import type { Clock } from '../plumbing/clock.ts';
import { accessFrom } from './access.ts';

/** Marathon as the gate uses it for its own questions. */
export interface OwnMarathon {
  readonly endpoints: Endpoints;
  readonly client: MarathonClient;
  readonly context: (signal: AbortSignal) => Promise<MarathonContext>;
  readonly deployments: (signal: AbortSignal) => Promise<readonly RunningDeployment[]>;
  readonly lockedBy: (apps: readonly string[], signal: AbortSignal) => Promise<readonly string[]>;
}

/** Of the time for a verdict, what one endpoint gets to answer before another is asked. */
const SHARE = 0.75;
const MOST_BYTES = 256 * 1024 * 1024;
/** How long Marathon's own settings are believed without asking again, ms. */
const CONTEXT_FOR_MS = 60_000;

export function openMarathon(
  urls: readonly string[],
  { gate, clock }: { readonly gate: GateSettings; readonly clock: Clock },
): OwnMarathon {
  const endpoints = createEndpoints(urls, clock);
  const client = createMarathonClient({
    endpoints,
    withinMs: Math.round(gate.decideWithinMs * SHARE),
    mostBytes: MOST_BYTES,
    ...accessFrom(gate),
  });
  return ownMarathon({ endpoints, client, clock });
}

/** The gate's own questions through a client that is open already. */
export function ownMarathon({
  endpoints,
  client,
  clock,
}: Pick<OwnMarathon, 'endpoints' | 'client'> & { readonly clock: Clock }): OwnMarathon {
  const deployments = (signal: AbortSignal) => running(client, signal);
  return {
    endpoints,
    client,
    context: remembered(clock, async (signal) => (await client.info(signal)).context),
    deployments,
    lockedBy: async (apps, signal) =>
      (await deployments(signal))
        .filter(({ apps: affected }) => apps.some((app) => affected.has(app)))
        .map(({ id }) => id),
  };
}

async function running(
  client: MarathonClient,
  signal: AbortSignal,
): Promise<readonly RunningDeployment[]> {
  const deployments = await client.deployments(signal);
  return deployments.map(({ id, affectedApps, affectedPods }) => ({
    id,
    apps: new Set([...affectedApps, ...affectedPods]),
  }));
}

/** Marathon's settings change only with a restart of it. */
function remembered<T>(
  clock: Clock,
  ask: (signal: AbortSignal) => Promise<T>,
): (signal: AbortSignal) => Promise<T> {
  let known: { readonly value: T; readonly untilMs: number } | undefined;
  return async (signal) => {
    if (known && clock.now() < known.untilMs) return known.value;
    const value = await ask(signal);
    known = { value, untilMs: clock.now() + CONTEXT_FOR_MS };
    return value;
  };
}
