import { askOf, type Claim } from './claim.ts';
import { placeAll } from './group-place.ts';
import { place } from './place.ts';
import type { ReservationRecord } from './promise-record.ts';
import type { Ask } from './room.ts';
import type { Snapshot } from './snapshot.ts';

/** What is still owed of a promise, as a question to the room. */
const askOwed = (app: string, record: ReservationRecord, instances: number): Ask => ({
  app,
  instances,
  demand: record.demand,
  constraints: record.constraints,
  placed: [],
  total: record.target,
});

/** Most promises that are placed anew for one verdict; the rest keep the proof they have. */
const MOST = 64;

/**
 * Finds a new place for every promise whose own no longer holds, one by one. A promise that fits nowhere
 * keeps its place: its addresses stay counted off, and the fence and the brake see to the rest.
 */
export function replaceStale(snapshot: Snapshot): void {
  for (const app of snapshot.stale().slice(0, MOST)) {
    const record = snapshot.reservation(app);
    if (!record) continue;
    const again = place(snapshot.roomWithout([app]), askOwed(app, record, snapshot.owed(app)));
    if (again.fits) snapshot.replan(app, again.witness);
  }
}

/**
 * Looks for places for all promises and the claims together, since promises placed one after the other
 * may stand in the way of what would fit beside them.
 *
 * @returns whether there are such places; the promises have then been moved to them in the picture
 */
export function planAgain(snapshot: Snapshot, claims: readonly Claim[]): boolean {
  const asking = new Set(claims.map(({ app }) => app));
  const owed = [...snapshot.reservations()]
    .map(([app, record]) => askOwed(app, record, snapshot.owed(app)))
    .filter(({ app, instances }) => instances > 0 && !asking.has(app))
    .slice(0, MOST);
  if (owed.length === 0) return false;
  const apps = [...asking, ...owed.map(({ app }) => app)];
  const placed = placeAll(snapshot.roomWithout(apps), [
    ...owed,
    ...claims.map((claim) => askOf(claim)),
  ]);
  if (!placed.fits) return false;
  owed.forEach(({ app }, i) => {
    const witness = placed.witnesses[i];
    if (witness) snapshot.replan(app, witness);
  });
  return true;
}
