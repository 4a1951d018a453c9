import type { Change } from '../cluster/marathon/change.ts';
import { isAccepted, isDefiniteRefusal } from '../cluster/marathon/errors-shape.ts';
import type { HeldRecord } from '../core/held-record.ts';
import type { AppRatesRecord, InjectedRecord, ReservationRecord } from '../core/promise-record.ts';
import { type Admission, settleReservation } from '../ledger/reservations.ts';
import type { Store } from '../ledger/store.ts';
import type { View } from '../ledger/view.ts';
import { shrinkReservation, withdraw, withdrawInjected } from '../ledger/withdraw.ts';
import type { Log } from '../plumbing/log.ts';
import type { ForwardResult } from './forward.ts';
import { valueOf } from './headers.ts';

/** What stood in the ledger about the apps of a change before it was promised room. */
export interface Before {
  readonly reservations: ReadonlyMap<string, ReservationRecord>;
  readonly held: ReadonlyMap<string, HeldRecord>;
  readonly injected: ReadonlyMap<string, InjectedRecord>;
  readonly rates: ReadonlyMap<string, AppRatesRecord>;
}

/** A change that was promised room, or needed none. */
export interface Settled {
  /** Operation id of its promises. */
  readonly id: string;
  readonly admission: Admission;
  readonly before: Before;
  readonly changes: readonly Change[];
}

/** With the promises that stood when it was sent, by app. */
interface Sent extends Settled {
  readonly standing: ReadonlyMap<string, ReservationRecord>;
}

const standingFor = ({ snapshot }: View, changes: readonly Change[]): Sent['standing'] =>
  new Map(
    changes.flatMap(({ id }) => {
      const promise = snapshot.reservation(id);
      return promise ? [[id, promise] as const] : [];
    }),
  );

/** Sees to promises once Marathon has answered. */
export interface Settling {
  before(admission: Admission): Before;
  of(settled: Settled): (result: ForwardResult) => Promise<void>;
}

export interface SettlingDeps {
  readonly store: Store;
  readonly view: View;
  readonly log: Log;
}

/** Undo has its own clock: the client's patience has nothing to do with it, ms. */
const SETTLE_WITHIN_MS = 5_000;

export function createSettling(deps: SettlingDeps): Settling {
  return {
    before: ({ reservations, injected = [] }) =>
      beforeOf(
        deps.view,
        [...reservations, ...injected].map(({ app }) => app),
      ),
    of: (settled) => {
      // Now, before it is sent: a promise that is made while Marathon answers is a later change's.
      const standing = standingFor(deps.view, settled.changes);
      return async (result) => {
        const signal = AbortSignal.timeout(SETTLE_WITHIN_MS);
        await settle(deps, { ...settled, standing }, { result, signal });
      };
    },
  };
}

function beforeOf(view: View, apps: readonly string[]): Before {
  const known = <Record>(of: { get(app: string): Record | undefined }): Map<string, Record> =>
    new Map(
      apps.flatMap((app) => {
        const record = of.get(app);
        return record === undefined ? [] : [[app, record] as const];
      }),
    );
  const reservations = known({ get: (app) => view.snapshot.reservation(app) });
  return {
    reservations,
    held: known(view.held),
    injected: known(view.injected),
    rates: known(view.appRates),
  };
}

/**
 * Taken on: the promise learns its deployment. Refused, or never sent: all is as it was before. Anything
 * else (a time-out, a 5xx): Marathon may have acted, so the room stays promised until the keeper has
 * seen what became of it.
 */
async function settle(
  deps: SettlingDeps,
  settled: Sent,
  { result, signal }: { result: ForwardResult; signal: AbortSignal },
): Promise<void> {
  if (result.outcome === 'unknown') return;
  if (result.outcome === 'refused-before-sending') return giveBack(deps, settled, signal);
  if (isDefiniteRefusal(result.status)) return giveBack(deps, settled, signal);
  if (!isAccepted(result.status)) return;
  const deployment = valueOf(result.headers, 'marathon-deployment-id');
  await confirm(deps, settled, { deployment, signal });
}

async function confirm(
  { store }: SettlingDeps,
  { id, admission, changes, standing }: Sent,
  { deployment, signal }: { deployment: string | undefined; signal: AbortSignal },
): Promise<void> {
  if (deployment !== undefined)
    await Promise.all(
      admission.reservations.map(({ app }) =>
        settleReservation(store, { app, id }, { deployment }, signal),
      ),
    );
  const promised = new Set(admission.reservations.map(({ app }) => app));
  for (const change of changes.filter(reduces)) {
    const { id: app, after } = change;
    const older = promised.has(app) ? undefined : standing.get(app);
    const target = countIn(after);
    if (older)
      await shrinkReservation(store, { app, id: older.id }, { target, deployment }, signal);
  }
}

/**
 * The same definition sent again is accepted without a deployment while one is at work on the app:
 * what that one was promised stands.
 */
const reduces = ({ before, after }: Change): boolean =>
  after === undefined || (before !== undefined && countIn(after) < countIn(before));

/** Instances of a definition; none when it is deleted. */
function countIn(after: Change['after']): number {
  const scaling = after?.['scaling'];
  const count =
    typeof scaling === 'object' && scaling !== null && 'instances' in scaling
      ? scaling.instances
      : after?.['instances'];
  return typeof count === 'number' ? count : 0;
}

async function giveBack(deps: SettlingDeps, settled: Settled, signal: AbortSignal): Promise<void> {
  const { id, admission, before } = settled;
  for (const { app } of admission.reservations)
    await withdraw(
      deps.store,
      { app, id },
      {
        reservation: before.reservations.get(app),
        held: before.held.get(app),
        injected: before.injected.get(app),
        rates: before.rates.get(app),
      },
      signal,
    );
  const promised = new Set(admission.reservations.map(({ app }) => app));
  for (const { app, record: written } of admission.injected ?? [])
    if (!promised.has(app))
      await withdrawInjected(
        deps.store,
        app,
        { written, former: before.injected.get(app) },
        signal,
      );
}
