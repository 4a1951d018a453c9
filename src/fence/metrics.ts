import { Gauge, type Registry } from 'prom-client';
import type { Snapshot } from '../core/snapshot.ts';
import type { Fences } from '../ledger/fences.ts';
import type { FenceState } from './state.ts';

export interface FenceMetricsDeps {
  readonly registry: Registry;
  readonly fences: () => Fences;
  readonly state: () => FenceState;
  readonly snapshot: () => Snapshot;
}

/** Nodes out of offers, what is stranded on them, and what was done. */
export function fenceMetrics(deps: FenceMetricsDeps): void {
  stateOfNodes(deps);
  stranded(deps);
  switches(deps);
}

const RECORD_STATES = ['closing', 'closed', 'opening', 'yielded', 'watch'] as const;

const stateOfNodes = ({ registry, fences }: FenceMetricsDeps) =>
  new Gauge({
    name: 'corral_fence_nodes',
    help: 'nodes of the fence, by the state of their record; watch: those that would be closed',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const state of RECORD_STATES) this.set({ state }, 0);
      for (const { record } of fences().records.values())
        this.inc({ state: record.mode === 'watch' ? 'watch' : record.state });
    },
  });

const stranded = ({ registry, fences, snapshot }: FenceMetricsDeps) =>
  new Gauge({
    name: 'corral_fence_stranded',
    help: 'what nodes that the fence keeps out of offers have left, by resource',
    labelNames: ['resource'],
    registers: [registry],
    collect() {
      const left = strandedOn(fences(), snapshot());
      for (const [resource, amount] of Object.entries(left)) this.set({ resource }, amount);
    },
  });

function switches({ registry, state }: FenceMetricsDeps): void {
  new Gauge({
    name: 'corral_fence_foreign_nodes',
    help: 'nodes without room that somebody else deactivated, drains, or wants left alone',
    registers: [registry],
    collect() {
      this.set(state().foreign.length);
    },
  });
  new Gauge({
    name: 'corral_fence_switches',
    help: 'nodes switched by this process since it began, by what was done',
    labelNames: ['what'],
    registers: [registry],
    collect() {
      const { closings, openings, refusals } = state();
      this.set({ what: 'closed' }, closings);
      this.set({ what: 'opened' }, openings);
      this.set({ what: 'failed' }, refusals);
    },
  });
}

/** CPU and memory that nobody is offered, and the addresses counted when each node was closed. */
export function strandedOn(
  { records }: Fences,
  snapshot: Snapshot,
): { readonly cpus: number; readonly mem_mib: number; readonly addresses: number } {
  const { nodes } = snapshot.room();
  let [cpus, mem_mib, addresses] = [0, 0, 0];
  for (const [name, { record }] of records) {
    if (record.mode === 'watch' || record.state === 'yielded') continue;
    const node = nodes.get(name);
    cpus += node?.cpus ?? 0;
    mem_mib += node?.memMiB ?? 0;
    addresses += record.figures.addresses;
  }
  return { cpus, mem_mib, addresses };
}
