import type { Registry } from 'prom-client';
import type { Settings } from '../config/settings.ts';
import type { FailureWatch } from '../gate/brake-watch.ts';
import type { Judge } from '../gate/judge.ts';
import type { Planner } from '../gate/planner.ts';
import type { Store } from '../ledger/store.ts';
import type { View } from '../ledger/view.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { OwnMarathon } from './marathon.ts';

/** A gate's parts, for the loops that run beside its requests. */
export interface GateParts {
  readonly settings: Settings;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly view: View;
  readonly marathon: OwnMarathon;
  readonly judge: Judge;
  readonly planner: Planner;
  readonly registry: Registry;
  /** Launches that failed lately. */
  readonly failures: FailureWatch;
}
