import type { Burst } from '../core/fence-burst.ts';
import { takesOf } from '../core/fence-demand.ts';
import type { FencePicture, StagedTask } from '../core/fence-staging.ts';
import type { OwedPromise } from '../core/fence-pending.ts';
import type { Growth } from '../core/snapshot-nodes.ts';
import type { Snapshot } from '../core/snapshot.ts';

/** What the fence looks at, of the picture that verdicts are computed on. */
export function pictureOf(snapshot: Snapshot, staged: readonly StagedTask[]): FencePicture {
  return {
    nodes: snapshot.room().nodes,
    pools: snapshot.poolStocks(),
    sparesOf: (node) => snapshot.sparesOf(node),
    promisedOn: (node) => snapshot.promisedOn(node),
    growths: growthsOf(snapshot),
    owedTo: (app) => {
      const record = snapshot.reservation(app);
      return record && { owed: snapshot.owed(app), demand: record.demand };
    },
    staged,
  };
}

/** What promises add to the rates of instances that an upgrade replaces: taken off where those run. */
function growthsOf(snapshot: Snapshot): Map<string, Growth> {
  const growths = new Map<string, Growth>();
  for (const [app, { growInKbit, growOutKbit }] of snapshot.reservations()) {
    if (growInKbit === 0 && growOutKbit === 0) continue;
    for (const [node, held] of snapshot.heldOn(app)) {
      const { inKbit, outKbit } = growths.get(node) ?? { inKbit: 0, outKbit: 0 };
      const more = { inKbit: inKbit + held * growInKbit, outKbit: outKbit + held * growOutKbit };
      growths.set(node, more);
    }
  }
  return growths;
}

/** Promises that are still owed something. */
export function owedPromises(snapshot: Snapshot): OwedPromise[] {
  return [...snapshot.reservations()].flatMap(([app, record]) => {
    const owed = snapshot.owed(app);
    const nodes = [...snapshot.placesOf(app).nodes.keys()];
    return owed > 0 ? [{ app, record, owed, nodes }] : [];
  });
}

/** Promises to instances that come back all at once. */
export function burstsIn(snapshot: Snapshot): Burst[] {
  return [...snapshot.reservations()].flatMap(([app, record]) => {
    const { id, atOnce, demand, constraints, sinceMs } = record;
    if (atOnce === undefined) return [];
    return [{ app, id, instances: atOnce, takes: takesOf(demand), constraints, sinceMs }];
  });
}
