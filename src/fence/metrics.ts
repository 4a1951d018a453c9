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

/** What is on closed nodes and nobody is offered: names, meaning, and how it is read. */
const STRANDED = [
  {
    name: 'corral_fence_stranded_cpus',
    help: 'free CPUs of nodes that the fence keeps out of offers',
    of: ({ cpus }: Stranded) => cpus,
  },
  {
    name: 'corral_fence_stranded_bytes',
    help: 'free memory of nodes that the fence keeps out of offers',
    of: ({ memMiB }: Stranded) => memMiB * 1024 * 1024,
  },
  {
    name: 'corral_fence_stranded_addresses',
    help: 'addresses that nodes had left when the fence took them out of offers',
    of: ({ addresses }: Stranded) => addresses,
  },
] as const;

function stranded({ registry, fences, snapshot }: FenceMetricsDeps): void {
  for (const { name, help, of } of STRANDED)
    new Gauge({
      ...{ name, help },
      registers: [registry],
      collect() {
        this.set(of(strandedOn(fences(), snapshot())));
      },
    });
}

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
    name: 'corral_fence_switches_total',
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

export interface Stranded {
  readonly cpus: number;
  readonly memMiB: number;
  readonly addresses: number;
}

/** CPU and memory that nobody is offered, and the addresses counted when each node was closed. */
export function strandedOn({ records }: Fences, snapshot: Snapshot): Stranded {
  const { nodes } = snapshot.room();
  let [cpus, memMiB, addresses] = [0, 0, 0];
  for (const [name, { record }] of records) {
    if (record.mode === 'watch' || record.state === 'yielded') continue;
    const node = nodes.get(name);
    cpus += node?.cpus ?? 0;
    memMiB += node?.memMiB ?? 0;
    addresses += record.figures.addresses;
  }
  return { cpus, memMiB, addresses };
}
