import { parseAddress } from '../core/address.ts';
import type { NodeAddress } from '../core/pool.ts';
import type { NodeRecord } from '../core/topology-record.ts';
import type { NodeStep } from '../core/topology-diff.ts';
import { sameRecord } from '../core/topology-diff.ts';
import type { Fault } from '../core/topology-errors.ts';
import { refuseFaults } from '../core/topology-errors.ts';
import { nodeUseFaults } from '../core/topology.ts';
import { readReserve } from './desk-stock.ts';
import { keys, nameIn, prefixes } from './keys.ts';
import { listAll } from './listing.ts';
import { advancing, readAdmission } from './reservations.ts';
import { recall } from './recall.ts';
import { records } from './records.ts';
import type { Change, Read, Store } from './store.ts';
import { TopologyMoved } from './topology-errors.ts';
import type { Resting } from './topology-use.ts';
import type { StepOptions } from './topology-wiring.ts';
import { STEP_ATTEMPTS } from './topology-wiring.ts';
import { transact } from './transact.ts';

/**
 * Changes up to some 40 nodes in one commit. Like every change of the topology it advances the
 * admission sequence.
 *
 * @throws BadTopology, TopologyMoved, BadRecord, LedgerBusy, LedgerUnreachable
 */
export async function applyNodeSteps(
  store: Store,
  steps: readonly NodeStep[],
  options: StepOptions,
): Promise<void> {
  const { signal } = options;
  for (const { do: what, name } of steps)
    if (what === 'drop') await recall(store, { node: name }, options);
  await transact(
    store,
    async (read) => {
      const admission = await readAdmission(read, signal);
      const changes = await Promise.all(steps.map((step) => changeOf(read, step, signal)));
      const writes = changes.flatMap((change) => change.writes);
      if (writes.length === 0) return { result: undefined, guards: [], writes };
      const advance = advancing(admission);
      return {
        result: undefined,
        guards: [advance.guard, ...changes.flatMap((change) => change.guards)],
        writes: [advance.write, ...writes],
      };
    },
    { attempts: STEP_ATTEMPTS, ...options },
  );
}

const NOTHING: Change = { guards: [], writes: [] };

/** What agents write about themselves is no operator's change. */
const stated = (record: NodeRecord | undefined): unknown =>
  record && { ...record, agentId: undefined, bootId: undefined };

async function changeOf(read: Read, step: NodeStep, signal: AbortSignal): Promise<Change> {
  const key = keys.node(step.name);
  const entry = await read.get(key, signal);
  const seen = entry && records.node.decode(entry);
  const target = step.do === 'put' ? step.record : undefined;
  if (sameRecord(stated(seen), stated(target))) return NOTHING;
  if (!sameRecord(stated(seen), stated(step.before))) throw new TopologyMoved('node', step.name);
  const guard = { key, revision: entry?.revision ?? 0 };
  if (step.do === 'drop')
    return dropOf(read, step, { guards: [guard], writes: [{ drop: key }] }, signal);
  const value = records.node.encode({ ...step.record, ...identityOf(seen) });
  return { guards: [guard], writes: [{ put: key, value }] };
}

const identityOf = (seen: NodeRecord | undefined): Partial<NodeRecord> => ({
  ...(seen?.agentId === undefined ? {} : { agentId: seen.agentId }),
  ...(seen?.bootId === undefined ? {} : { bootId: seen.bootId }),
});

/** The tally moves with every lease and every stocking, so its guard vouches that the node has nothing. */
async function dropOf(
  read: Read,
  step: NodeStep,
  { guards, writes }: Change,
  signal: AbortSignal,
): Promise<Change> {
  const key = keys.tally(step.name);
  const revision = (await read.get(key, signal))?.revision ?? 0;
  refuseFaults(await useFaultsOf(read, step, { resting: 'resting counts', signal }));
  return {
    guards: [...guards, { key, revision }],
    writes: [...writes, { drop: key }],
  };
}

/** Leases and spares of a node that is to go. */
export async function useFaultsOf(
  read: Read,
  step: NodeStep,
  { resting, signal }: { readonly resting: Resting; readonly signal: AbortSignal },
): Promise<Fault[]> {
  if (step.do === 'put') return [];
  const prefix = prefixes.leasesOf(step.name);
  const { entries } = await listAll(read, prefix, { signal });
  const stock = await readReserve(read, step.name, signal);
  const had = (text: string): NodeAddress => ({ node: step.name, address: parseAddress(text) });
  return nodeUseFaults(step.name, {
    leases: entries.map(({ key }) => had(nameIn(prefix, key))),
    spares: stock
      .filter(({ restsUntilMs }) => restsUntilMs === undefined || resting === 'resting counts')
      .map(({ address }) => had(address)),
  });
}
