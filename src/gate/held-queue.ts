import { type App, isObject, type Json, numberAt } from '../cluster/marathon/json.ts';
import type { Scaled } from '../cluster/marathon/scale.ts';
import type { UpdateApp } from '../cluster/marathon/routes.ts';
import type { HeldRecord } from '../core/records.ts';
import type { Log } from '../plumbing/log.ts';
import type { Turn } from '../plumbing/loop.ts';
import type { ChangeRequest, Ruling } from './judge.ts';

export interface HeldQueueDeps {
  /** Apps that wait for room. */
  readonly waiting: () => ReadonlyMap<string, HeldRecord>;
  /** The app as Marathon has it; undefined when it is gone. */
  readonly app: (id: string, signal: AbortSignal) => Promise<App | undefined>;
  /** Instances that a scale would be admitted with now; promises nothing. */
  readonly wouldGet: (request: ChangeRequest, signal: AbortSignal) => Promise<number | undefined>;
  readonly judge: (request: ChangeRequest) => Promise<Ruling>;
  readonly scale: (app: App, instances: number, signal: AbortSignal) => Promise<Scaled>;
  readonly drop: (app: string, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

/**
 * One round of the queue of held apps, oldest first. An app that is gone, or that somebody scaled
 * themselves, waits no longer. Growth is judged like any change. Run by one gate at a time.
 */
export const heldQueueTurn =
  (deps: HeldQueueDeps): Turn =>
  async (signal) => {
    const oldestFirst = [...deps.waiting()].sort(
      ([a, one], [b, other]) => one.sinceMs - other.sinceMs || (a < b ? -1 : 1),
    );
    for (const [id, record] of oldestFirst) await serve(deps, { id, record }, signal);
  };

interface Waiting {
  readonly id: string;
  readonly record: HeldRecord;
}

async function serve(
  deps: HeldQueueDeps,
  { id, record }: Waiting,
  signal: AbortSignal,
): Promise<void> {
  const app = await deps.app(id, signal);
  const runs = app && (numberAt(app, 'instances') ?? 1);
  if (!app || runs !== record.allowed) {
    deps.log.info('held app is in other hands', { app: id, runs, allowed: record.allowed });
    await deps.drop(id, signal);
    return;
  }
  const request = growthOf(app, { id, record });
  const room = await deps.wouldGet(request, signal);
  if (room === undefined || room <= runs) return;
  await grow(deps, { app, request, id }, signal);
}

/** What an update leaves out is erased, and that would restart every instance (trap 3). */
const carried = (app: App): Record<string, Json> =>
  Object.fromEntries(
    ['resourceLimits', 'executorResources'].flatMap((key) => {
      const value = app[key];
      return value === undefined || value === null ? [] : [[key, value] as const];
    }),
  );

function growthOf(app: App, { id, record }: Waiting): ChangeRequest {
  const route: UpdateApp = {
    kind: 'updateApp',
    id,
    partial: true,
    patch: false,
    force: false,
    canonicalTarget: `/v2/apps${id}`,
  };
  const body = Buffer.from(JSON.stringify({ instances: record.wanted, ...carried(app) }));
  return { route, body, hold: 'always' };
}

async function grow(
  deps: HeldQueueDeps,
  { app, request, id }: { app: App; request: ChangeRequest; id: string },
  signal: AbortSignal,
): Promise<void> {
  const ruling = await deps.judge(request);
  const json = JSON.parse(ruling.body.toString('utf8')) as Json;
  const instances = isObject(json) ? (numberAt(json, 'instances') ?? 0) : 0;
  const scaled = await deps.scale(app, instances, signal);
  const accepted = scaled.outcome === 'accepted';
  await ruling.settle({
    outcome: 'answered',
    status: accepted ? 200 : 409,
    headers: accepted ? ['Marathon-Deployment-Id', scaled.deployment] : [],
    complete: true,
  });
  if (accepted) deps.log.info('held app grows', { app: id, to: instances });
}
