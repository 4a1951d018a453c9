import { Counter, type Registry } from 'prom-client';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { startLoop } from '../plumbing/loop.ts';
import { itemOf } from './api.ts';
import type { PoolLinks } from './pool-links.ts';
import { arpProbes, type Probe } from './probe.ts';
import type { AgentPart } from './part.ts';

export interface SquattersDeps {
  readonly links: PoolLinks;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
  /** How arping is run; default the program of that name. */
  readonly arping?: readonly string[];
}

/** Whether anybody answers for an address that nobody was given. */
export interface Squatters {
  /** For the stock, which has time: looks for the pool's interface first where none is known. */
  readonly patient: Probe;
  /** For a call of Docker's, within which nothing may be asked of Docker: one probe of one second. */
  readonly quick: Probe;
  readonly part: AgentPart;
}

const LOOP = { everyMs: 30_000, backoffMs: 500, backoffCapMs: 10_000, deadlineMs: 10_000 };

export function squattersOn(deps: SquattersDeps): Squatters {
  const { links, clock, log, arping, registry } = deps;
  const found = new Counter({
    name: 'corral_agent_squatted_addresses_total',
    help: 'addresses that somebody answered for whom they were not given to',
    registers: [registry],
  });
  const interfaceOf = (pool: string): string | undefined => links.of(pool);
  const common = { clock, log, interfaceOf, ...(arping && { argv: arping }) };
  const counted =
    (probe: Probe): Probe =>
    async (...asked) => {
      const probed = await probe(...asked);
      if (probed.is === 'squatted') found.inc();
      return probed;
    };
  const patient = counted(arpProbes(common));
  const quick = counted(arpProbes({ ...common, withinSeconds: 1 }));
  const loop = startLoop('pool links', (signal) => links.look(signal), { ...LOOP, clock, log });
  return {
    patient: async (pool, address, signal) => {
      if (links.of(pool) === undefined) await links.look(signal).catch(() => undefined);
      return patient(pool, address, signal);
    },
    quick: (pool, address, signal) => {
      if (links.of(pool) === undefined) loop.wake();
      return quick(pool, address, signal);
    },
    part: {
      ready: () => {
        const item = itemOf(loop.state());
        const pools = links.known.join(', ') || 'no pool';
        return [item.ready ? { ...item, detail: `the wire of ${pools} is known` } : item];
      },
      stop: () => loop.stop(),
    },
  };
}
