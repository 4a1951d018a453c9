import type { Middleware } from 'koa';
import { Gauge, Histogram, type Registry } from 'prom-client';
import type { SnapshotReader } from './deps.ts';

/** Times every answer, by route; a path that no route has is not a label. */
const STATES = ['held', 'promised', 'cooling', 'quarantined', 'spare', 'free'] as const;

export function measure(registry: Registry): Middleware {
  const durations = new Histogram({
    name: 'corral_console_request_duration_seconds',
    help: 'time from request to answer on the console port',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [registry],
  });
  return async function measured(ctx, next) {
    const end = durations.startTimer();
    await next();
    const route = (ctx as { _matchedRoute?: unknown })._matchedRoute;
    const served = typeof route === 'string' ? route : 'none';
    end({ route: served, method: ctx.method, status: ctx.status });
  };
}

/** Figures of the whole cluster, read from the picture when they are asked for. */
export function clusterMetrics(registry: Registry, snapshot: () => SnapshotReader): void {
  const registers = [registry];
  new Gauge({
    name: 'corral_cluster_nodes',
    help: 'nodes known to Mesos or the ledger, by whether Mesos offers them',
    labelNames: ['offered'],
    registers,
    collect() {
      const nodes = snapshot().nodes();
      const offered = nodes.filter(({ room }) => room.offered).length;
      this.set({ offered: 'true' }, offered);
      this.set({ offered: 'false' }, nodes.length - offered);
    },
  });
  new Gauge({
    name: 'corral_pool_addresses',
    help: 'addresses of each pool, by state; spare ones are also free or promised',
    labelNames: ['pool', 'state'],
    registers,
    collect() {
      this.reset();
      for (const pool of snapshot().pools())
        for (const state of STATES) this.set({ pool: pool.name, state }, pool[state]);
    },
  });
  forcedLimits(registers, snapshot);
  new Gauge({
    name: 'corral_cluster_reservations',
    help: 'admitted apps that still hold a promise',
    registers,
    collect() {
      this.set(snapshot().reservations().size);
    },
  });
}

function forcedLimits(registers: Registry[], snapshot: () => SnapshotReader): void {
  new Gauge({
    name: 'corral_cluster_forced_limits',
    help: 'limits that were forced past the link, of nodes that have some',
    labelNames: ['node'],
    registers,
    collect() {
      this.reset();
      for (const { name, tally } of snapshot().nodes())
        if (tally?.forced !== undefined) this.set({ node: name }, tally.forced);
    },
  });
}
