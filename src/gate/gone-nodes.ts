import { goneNodes, type NodeHeard, type Silences } from '../core/gone.ts';
import { forgetNode, readEstate } from '../ledger/forget.ts';
import { nameIn, prefixes } from '../ledger/keys.ts';
import { stillLeads, type Term } from '../ledger/election.ts';
import { listAll } from '../ledger/listing.ts';
import type { Store } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';

export interface GoneNodesDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Of a clock that is never set, ms. */
  readonly steadyMs: () => number;
  /** Nodes of the ledger, and whether Mesos lists them; undefined while Mesos does not answer. */
  readonly listed: () => readonly Omit<NodeHeard, 'alive'>[] | undefined;
  readonly holdDownMs: number;
}

/**
 * One round of giving up the addresses of nodes that are gone for good: neither Mesos nor their own agent
 * was heard of for the hold-down. For one gate at a time; whoever takes over begins to count anew.
 */
export function goneNodesTurn(
  deps: GoneNodesDeps,
): (signal: AbortSignal, term: Pick<Term, 'fence'>) => Promise<void> {
  const { store, log, steadyMs, holdDownMs } = deps;
  let silences: Silences = new Map();
  return async (signal, term) => {
    const listed = deps.listed();
    if (!listed) {
      silences = new Map();
      return;
    }
    const { entries } = await listAll(store, prefixes.alive, { signal });
    const alive = new Set(entries.map(({ key }) => nameIn(prefixes.alive, key)));
    const nodes = listed.map((one) => ({ ...one, alive: alive.has(one.node) }));
    const found = goneNodes(nodes, { silences, steadyMs: steadyMs(), holdDownMs });
    silences = found.silences;
    if (found.gone.length === 0) return;
    if (found.tooMany) {
      const { gone } = found;
      log.error('too many nodes are silent at once: none is forgotten', { silent: gone.length });
      return;
    }
    for (const node of found.gone) await forget(deps, node, { signal, term });
  };
}

interface Leading {
  readonly signal: AbortSignal;
  readonly term: Pick<Term, 'fence'>;
}

/** A leader that is none any more gives up nothing: it may have stood still since it looked, and the node be back. */
async function forget(deps: GoneNodesDeps, node: string, { signal, term }: Leading): Promise<void> {
  const estate = await readEstate({ ...deps, signal }, node);
  const { alive, leases, spares } = estate;
  if (alive || leases.length + spares.length === 0) return;
  if (!(await stillLeads(deps, term, signal))) return;
  const released = await forgetNode({ ...deps, signal }, estate);
  const { holdDownMs } = deps;
  deps.log.warn('a node that is gone was forgotten', { node, released, holdDownMs });
}
