import { fateOf, type RunningDeployment } from '../core/keep.ts';
import type { ReservationRecord } from '../core/promise-record.ts';
import { changeReservation } from '../ledger/reservations.ts';
import type { Store } from '../ledger/store.ts';
import type { View } from '../ledger/view.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { Turn } from '../plumbing/loop.ts';

export interface KeeperDeps {
  readonly view: View;
  readonly store: Store;
  /** What Marathon is carrying out now. */
  readonly deployments: (signal: AbortSignal) => Promise<readonly RunningDeployment[]>;
  /** Whether Marathon has such an app or pod. */
  readonly exists: (id: string, signal: AbortSignal) => Promise<boolean>;
  /** How long a promise whose outcome is unknown is kept, ms. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * One round of looking after promises: ends those that are kept, gone or overdue, and finds out about
 * those whose answer was lost. Several gates may do so at once: ending what has ended is no change.
 */
export const keeperTurn =
  (deps: KeeperDeps): Turn =>
  async (signal) => {
    // Promises first: a deployment that is asked for after its promise was read cannot be too young. It may be too
    // old, and Marathon's answer may come meanwhile: what is done holds only for a promise as it was read.
    const promises = [...deps.view.snapshot.reservations()];
    if (promises.length === 0) return;
    const deployments = await deps.deployments(signal);
    for (const [app, record] of promises) await look(deps, { app, record, deployments }, signal);
  };

interface Looked {
  readonly app: string;
  readonly record: ReservationRecord;
  readonly deployments: readonly RunningDeployment[];
}

async function look(deps: KeeperDeps, looked: Looked, signal: AbortSignal): Promise<void> {
  const { view, store, clock, log, graceMs } = deps;
  const { app, record, deployments } = looked;
  const held = view.snapshot.heldBy(app);
  const deleted = await wasDeleted(deps, { app, record, held }, signal);
  const fate = fateOf(app, record, { deployments, held, nowMs: clock.now(), graceMs, deleted });
  const become = (next: (now: ReservationRecord) => ReservationRecord | undefined) =>
    changeReservation(
      store,
      { app, id: record.id },
      (now) => (now.deployment === record.deployment ? next(now) : now),
      signal,
    );
  switch (fate.do) {
    case 'keep':
      return;
    case 'adopt': {
      const { deployment } = fate;
      if (await become((now) => ({ ...now, deployment })))
        log.info('promise found its deployment', { app, deployment });
      return;
    }
    case 'end':
      if (await become(() => undefined))
        log.info('promise ended', { app, why: fate.why, held, target: record.target });
  }
}

/** Asked only where no deployment tells: about killed instances of which none has come back. */
async function wasDeleted(
  { exists }: KeeperDeps,
  { app, record, held }: Pick<Looked, 'app' | 'record'> & { readonly held: number },
  signal: AbortSignal,
): Promise<boolean> {
  if (record.until !== 'deadline' || held > 0) return false;
  return !(await exists(app, signal));
}
