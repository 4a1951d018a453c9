import { Counter } from 'prom-client';
import type { FactNames } from '../core/container-facts.ts';
import { FailureLog } from '../ledger/failure-log.ts';
import { startLoop } from '../plumbing/loop.ts';
import { itemOf } from './api.ts';
import { LaunchFailures } from './launch-failures.ts';
import type { StartPart } from './part.ts';

/** Once a second at most: a loop of launches must flood neither Docker nor the ledger. */
const LOOP = { everyMs: 1_000, backoffMs: 1_000, backoffCapMs: 10_000, deadlineMs: 10_000 };

/** Tells the ledger of launches that got no address, as a part of an agent. */
export const failuresPart =
  ({ factNames }: { readonly factNames: FactNames }): StartPart =>
  (context) => {
    const { allocator, store, registry, clock, log } = context;
    const launches = new LaunchFailures({
      ...context,
      factNames,
      failures: new FailureLog(store),
    });
    const counter = new Counter({
      name: 'corral_agent_launches_refused_total',
      help: 'launches refused for lack of room, by what ran short',
      labelNames: ['short'],
      registers: [registry],
    });
    const forget = allocator.refusals.onRefused((refused) => {
      counter.inc({ short: refused.short });
      launches.refused(refused);
    });
    const loop = startLoop('launch failures', launches.turn, { ...LOOP, clock, log });
    return {
      ready: () => [itemOf(loop.state())],
      stop: async () => {
        forget();
        await loop.stop();
      },
    };
  };
