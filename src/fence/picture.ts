import type { FencePicture, StagedTask } from '../core/fence-staging.ts';
import type { OwedPromise } from '../core/fence-pending.ts';
import type { Snapshot } from '../core/snapshot.ts';

/** What the fence looks at, of the picture that verdicts are computed on. */
export function pictureOf(snapshot: Snapshot, staged: readonly StagedTask[]): FencePicture {
  return {
    nodes: snapshot.room().nodes,
    pools: snapshot.poolStocks(),
    sparesOf: (node) => snapshot.sparesOf(node),
    promisedOn: (node) => snapshot.promisedOn(node),
    owedTo: (app) => {
      const record = snapshot.reservation(app);
      return record && { owed: snapshot.owed(app), demand: record.demand };
    },
    staged,
  };
}

/** Promises that are still owed something. */
export function owedPromises(snapshot: Snapshot): OwedPromise[] {
  return [...snapshot.reservations()].flatMap(([app, record]) => {
    const owed = snapshot.owed(app);
    const nodes = [...snapshot.placesOf(app).nodes.keys()];
    return owed > 0 ? [{ app, record, owed, nodes }] : [];
  });
}
