import type { MesosClient, MesosStreams } from '../cluster/mesos/client.ts';
import type { Staging, StagingTask } from '../cluster/mesos/staging.ts';
import { watchStaging } from '../cluster/mesos/watch-staging.ts';
import type { Settings } from '../config/settings.ts';
import { bandwidthOf } from '../core/demand.ts';
import type { StagedTask } from '../core/fence-staging.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { View } from '../ledger/view.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';

export interface StagedDeps {
  readonly mesos: MesosClient & Partial<MesosStreams>;
  readonly settings: Settings;
  readonly view: View;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The tasks that Mesos has launched and that do not run yet, for as long as the signal lasts. None where
 * Mesos' events cannot be had, or nobody looks at them.
 */
export function feedStaged(
  { mesos, settings, view, clock, log }: StagedDeps,
  signal: AbortSignal,
): () => readonly StagedTask[] {
  const { stream } = mesos;
  if (!stream || settings.fence.mode === 'off') return () => [];
  const { rateNames } = settings.gate;
  const watch = watchStaging({ client: { ...mesos, stream }, clock, log, rateNames });
  signal.addEventListener('abort', () => void watch.stop(), { once: true });
  return () => stagedIn(watch.staging, view.snapshot);
}

/** In core's words. Tasks that join no network of ours, and agents that have not been told of, are left out. */
export function stagedIn(staging: Staging, snapshot: Snapshot): StagedTask[] {
  return staging
    .agents()
    .flatMap(({ hostname, tasks }) =>
      hostname === undefined
        ? []
        : tasks.flatMap((task) => stagedTask(hostname, task, snapshot) ?? []),
    );
}

function stagedTask(node: string, task: StagingTask, snapshot: Snapshot): StagedTask | undefined {
  const networks = task.networks.filter((name) => snapshot.networks().has(name));
  if (networks.length === 0) return undefined;
  const { app, netInKbit, netOutKbit } = task;
  const usual = usualFor(app, networks, snapshot);
  const inKbit = netInKbit ?? usual.inKbit;
  const outKbit = netOutKbit ?? usual.outKbit;
  return { node, ...(app !== undefined && { app }), networks, inKbit, outKbit };
}

/** What was promised to the app, else what the networks give by default: Mesos shows no environment. */
function usualFor(
  app: string | undefined,
  networks: readonly string[],
  snapshot: Snapshot,
): { inKbit: number; outKbit: number } {
  const promise = app === undefined ? undefined : snapshot.reservation(app);
  if (promise) return bandwidthOf(promise.demand);
  const records = networks.flatMap((network) => snapshot.networks().get(network) ?? []);
  return {
    inKbit: records.reduce((sum, { defaultInKbit }) => sum + defaultInKbit, 0),
    outKbit: records.reduce((sum, { defaultOutKbit }) => sum + defaultOutKbit, 0),
  };
}
