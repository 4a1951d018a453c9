import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Allocator } from './allocator.ts';
import type { CallSeen } from './docker/protocol.ts';
import type { Journal } from './journal.ts';
import type { Stock } from './stock.ts';

export interface Measured {
  readonly allocator: Allocator;
  readonly journal: Journal;
  readonly stock: Stock;
}

const MS = 1_000;

/** Figures of one agent. @returns what counts the calls of Docker's */
export function agentMetrics(registry: Registry, measured: Measured): (call: CallSeen) => void {
  const registers = [registry];
  const durations = new Histogram({
    name: 'corral_agent_call_duration_seconds',
    help: "time from Docker's call to the answer",
    labelNames: ['call'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 3],
    registers,
  });
  const refusals = new Counter({
    name: 'corral_agent_refusals_total',
    help: 'calls that were answered with an error, by its code',
    labelNames: ['call', 'code'],
    registers,
  });
  holdingMetrics(registry, measured);
  return ({ call, tookMs, refused }) => {
    durations.observe({ call }, tookMs / MS);
    if (refused !== undefined) refusals.inc({ call, code: refused });
  };
}

/** What is held, at hand, and still to be told. */
function holdingMetrics(registry: Registry, measured: Measured): void {
  const registers = [registry];
  new Gauge({
    name: 'corral_agent_held_addresses',
    help: 'addresses that this node holds',
    registers,
    collect() {
      this.set(measured.allocator.held.size);
    },
  });
  new Gauge({
    name: 'corral_agent_journalled_releases',
    help: 'releases that the ledger has not heard of yet',
    registers,
    collect() {
      this.set(measured.journal.state().pending);
    },
  });
  new Gauge({
    name: 'corral_agent_spare_addresses',
    help: 'addresses kept at hand, ready to be given',
    labelNames: ['pool'],
    registers,
    collect() {
      this.reset();
      for (const [pool, count] of measured.stock.ready) this.set({ pool }, count);
    },
  });
}
