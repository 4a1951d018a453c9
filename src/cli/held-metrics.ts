import { Counter, Gauge, type Registry } from 'prom-client';
import type { HeldRecord } from '../core/held-record.ts';
import type { FailureWatch } from '../gate/brake-watch.ts';
import type { Clock } from '../plumbing/clock.ts';

export interface HeldFigures {
  readonly held: () => ReadonlyMap<string, HeldRecord>;
  readonly failures: FailureWatch;
  readonly clock: Clock;
}

const MINUTE_MS = 60_000;

/** Figures of the queue and the brake. @returns what counts an app that the brake holds */
export function heldMetrics(
  registry: Registry,
  figures: HeldFigures,
): (record: HeldRecord) => void {
  const registers = [registry];
  queueGauges(registry, figures);
  new Gauge({
    name: 'corral_last_minute_launch_failures',
    help: 'launches that nodes refused for lack of room within the last minute',
    registers,
    collect() {
      const sinceMs = figures.clock.now() - MINUTE_MS;
      const recent = figures.failures.since(sinceMs).flatMap(({ times }) => times);
      this.set(recent.filter((atMs) => atMs >= sinceMs).length);
    },
  });
  const brakes = new Counter({
    name: 'corral_brakes_total',
    help: 'times that an app was held because its launches failed, by whether that stopped it',
    labelNames: ['stopped'],
    registers,
  });
  return ({ stoppedMs }) => brakes.inc({ stopped: String(stoppedMs !== undefined) });
}

function queueGauges(registry: Registry, { held }: HeldFigures): void {
  const registers = [registry];
  new Gauge({
    name: 'corral_held_apps',
    help: 'apps that run with fewer instances than asked, by state; stopped ones need an operator',
    labelNames: ['state'],
    registers,
    collect() {
      const records = [...held().values()];
      const stopped = records.filter(({ stoppedMs }) => stoppedMs !== undefined).length;
      this.set({ state: 'waiting' }, records.length - stopped);
      this.set({ state: 'stopped' }, stopped);
    },
  });
  new Gauge({
    name: 'corral_held_instances',
    help: 'instances that held apps still wait for',
    registers,
    collect() {
      this.set(
        [...held().values()].reduce((sum, { wanted, allowed }) => sum + wanted - allowed, 0),
      );
    },
  });
}
