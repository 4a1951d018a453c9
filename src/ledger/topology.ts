import type { Step } from '../core/topology-diff.ts';
import { after, diffTopology, newFaults } from '../core/topology-diff.ts';
import type { Fault } from '../core/topology-errors.ts';
import { refuseFaults } from '../core/topology-errors.ts';
import type { Topology } from '../core/topology.ts';
import type { BadRecord } from './errors.ts';
import { nameIn, prefixes } from './keys.ts';
import { listAll } from './listing.ts';
import type { Codec } from './records.ts';
import { records } from './records.ts';
import type { Read, Store } from './store.ts';
import { applyNodeSteps, useFaultsOf } from './topology-nodes.ts';
import type { StepOptions } from './topology-wiring.ts';
import { applyWiringStep } from './topology-wiring.ts';
import { wiringUseFaults } from './topology-use.ts';

export interface SeenTopology {
  readonly topology: Topology;
  /** Records that do not read; the rest is what there is without them. */
  readonly faults: readonly BadRecord[];
}

/** Networks, pools and nodes as the ledger has them. */
export async function readTopology(read: Read, signal: AbortSignal): Promise<SeenTopology> {
  const faults: BadRecord[] = [];
  const all = async <Record>(
    prefix: string,
    codec: Codec<Record>,
  ): Promise<ReadonlyMap<string, Record>> => {
    const { entries } = await listAll(read, prefix, { signal });
    const decoded = codec.decodeAll(entries);
    faults.push(...decoded.faults);
    return new Map(decoded.good.map(({ key, record }) => [nameIn(prefix, key), record]));
  };
  const [networks, pools, nodes] = await Promise.all([
    all(prefixes.networks, records.network),
    all(prefixes.pools, records.pool),
    all(prefixes.nodes, records.node),
  ]);
  return { topology: { networks, pools, nodes }, faults };
}

export interface ApplyOptions extends StepOptions {
  /** Only say what would change; refusals are found all the same. */
  readonly dryRun?: boolean;
  /** Drop what the wanted topology does not name. */
  readonly prune?: boolean;
}

export interface Applied {
  /** What differed, in the order in which it was (or would be) changed. */
  readonly steps: readonly Step[];
  readonly faults: readonly BadRecord[];
}

/**
 * Makes the ledger's topology the wanted one. What can be refused is refused before the first change;
 * a rival who changes the topology in between may still stop it half-way, and saying it again goes on.
 *
 * @throws BadTopology, TopologyMoved, BadRecord, LedgerBusy, LedgerUnreachable
 */
export async function applyTopology(
  store: Store,
  wanted: Topology,
  options: ApplyOptions,
): Promise<Applied> {
  const { topology: seen, faults } = await readTopology(store, options.signal);
  const { prune = false } = options;
  refuseFaults(newFaults(seen, prune ? wanted : laidOver(seen, wanted)));
  const steps = diffTopology(wanted, seen, { prune });
  await applySteps(store, steps, options);
  return { steps, faults };
}

const laidOver = (seen: Topology, wanted: Topology): Topology => ({
  networks: new Map([...seen.networks, ...wanted.networks]),
  pools: new Map([...seen.pools, ...wanted.pools]),
  nodes: new Map([...seen.nodes, ...wanted.nodes]),
});

/**
 * Takes steps one after the other, each in a commit of its own (nodes by the dozen). A step already
 * taken is passed over.
 *
 * @throws as applyTopology
 */
export async function applySteps(
  store: Store,
  steps: readonly Step[],
  options: Omit<ApplyOptions, 'prune'>,
): Promise<void> {
  await refuseForeseeable(store, steps, options.signal);
  if (options.dryRun === true) return;
  for (const batch of batches(steps)) {
    const [first] = batch;
    if (first?.kind === 'node')
      await applyNodeSteps(
        store,
        batch.filter((step) => step.kind === 'node'),
        options,
      );
    else if (first) await applyWiringStep(store, first, options);
  }
}

/** Refuses, before anything is changed, what the ledger as it is now would refuse half-way. */
async function refuseForeseeable(
  read: Read,
  steps: readonly Step[],
  signal: AbortSignal,
): Promise<void> {
  const faults: Fault[] = [];
  const { topology: seen } = await readTopology(read, signal);
  let topology = seen;
  for (const step of steps) {
    if (step.kind === 'node')
      faults.push(...(await useFaultsOf(read, step, { resting: 'resting is given back', signal })));
    else {
      faults.push(...(await wiringUseFaults(read, step, signal)));
      topology = after(topology, step);
    }
  }
  refuseFaults([...faults, ...newFaults(seen, topology)]);
}

/** Nodes stand alone, so that many share a commit. */
const NODES_AT_ONCE = 40;

function batches(steps: readonly Step[]): Step[][] {
  const grouped: Step[][] = [];
  for (const step of steps) {
    const open = grouped.at(-1);
    const joins = step.kind === 'node' && open?.[0]?.kind === 'node';
    if (joins && open.length < NODES_AT_ONCE) open.push(step);
    else grouped.push([step]);
  }
  return grouped;
}
