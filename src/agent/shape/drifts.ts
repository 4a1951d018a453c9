import { type Drift, DRIFTS, driftSince } from '../../core/shape-drift.ts';
import type { Seen } from '../../core/shape-seen.ts';
import type { Log } from '../../plumbing/log.ts';
import type { Standing } from './standing.ts';

/** Counts what was found changed by others. */
export class Drifts {
  readonly #log: Log;
  readonly #counts = new Map<Drift, number>();

  constructor(log: Log) {
    this.#log = log;
  }

  counts(): Readonly<Record<Drift, number>> {
    const count = (drift: Drift): [Drift, number] => [drift, this.#counts.get(drift) ?? 0];
    return Object.fromEntries(DRIFTS.map(count)) as Record<Drift, number>;
  }

  /** What we did since it was last looked at is nobody else's doing. */
  note(standing: Standing, seen: Seen): void {
    const unseen = standing.unseen();
    const known = new Map([...standing.shape].filter(([name]) => !unseen.has(name)));
    for (const { link, drift } of driftSince(known, standing.seen, seen)) {
      this.#counts.set(drift, (this.#counts.get(drift) ?? 0) + 1);
      this.#log.warn('somebody else changed the bandwidth of an interface', { link, drift });
    }
  }
}
