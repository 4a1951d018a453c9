import { createMesosClient, type MesosClient, type MesosStreams } from '../cluster/mesos/client.ts';
import { watchFacts } from '../cluster/mesos/watch-facts.ts';
import type { GateSettings } from '../config/gate.ts';
import type { NodeFacts } from '../core/facts.ts';
import type { ReadyItem } from '../console/shapes/ready.ts';
import type { View } from '../ledger/view.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { accessFrom } from './access.ts';

export interface FactsDeps {
  /** Absent: no master is configured. */
  readonly mesos: MesosClient | undefined;
  readonly gate: GateSettings;
  readonly view: View;
  /** Whether our own fence keeps the node out of offers. */
  readonly isFenced: (node: string) => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** What keeps the picture of the nodes' CPU, memory, disk and ports up to date. */
export interface FactsFeed {
  ready(): ReadyItem;
  /** The last reading of Mesos went well, and nothing but it says which nodes there are. */
  answered(): boolean;
  stop(): Promise<void>;
}

const EVERY_MS = 2_000;
const WITHIN_MS = 5_000;

/** Mesos for a process's own questions; undefined where no master is configured. */
export function openMesos(
  masters: readonly string[],
  gate: Pick<GateSettings, 'auth' | 'caFile'>,
  withinMs: number = WITHIN_MS,
): (MesosClient & MesosStreams) | undefined {
  if (masters.length === 0) return undefined;
  return createMesosClient({ masters, withinMs, ...accessFrom(gate) });
}

/** Mesos' own word where a master is configured. */
export function feedFacts(deps: FactsDeps): FactsFeed {
  const { gate, view, clock, log, mesos: client } = deps;
  if (client === undefined) return assumeFacts(view);
  const marked = fenceMarks(deps.isFenced);
  const watch = watchFacts({
    client,
    roles: gate.marathonRoles,
    everyMs: EVERY_MS,
    deadlineMs: WITHIN_MS,
    clock,
    log,
    onFacts: (facts, homeRegion) => {
      view.snapshot.replaceFacts(marked(facts));
      view.snapshot.setHomeRegion(homeRegion);
    },
  });
  return {
    ready: () => {
      const { ok, nodes, lastFault } = watch.state();
      return { name: 'mesos', ready: ok, detail: lastFault ?? `${nodes} nodes` };
    },
    answered: () => watch.state().ok,
    stop: () => watch.stop(),
  };
}

/**
 * Marks the nodes that our own fence keeps out of offers. What Mesos shows is older than what the records say: a node
 * that the fence has opened since is still shown as closed, and has no record any more. So what was
 * behind the fence at one reading counts at the next as well; otherwise the launches that the node was
 * opened for would be refused until Mesos is read again.
 */
export function fenceMarks(
  isFenced: (node: string) => boolean,
): (facts: ReadonlyMap<string, NodeFacts>) => ReadonlyMap<string, NodeFacts> {
  let before: ReadonlySet<string> = new Set();
  return (facts) => {
    const behind = new Set([...facts].flatMap(([node, { offered }]) => (offered ? [] : node)));
    const now = new Set([...behind].filter(isFenced));
    const isOurs = (node: string): boolean =>
      behind.has(node) && (now.has(node) || before.has(node));
    const marked = new Map(
      [...facts].map(([node, one]) => [
        node,
        isOurs(node) ? { ...one, isFenced: true as const } : one,
      ]),
    );
    before = now;
    return marked;
  };
}

/** Far more than any instance asks for. */
const PLENTY = 1e9;
const UNKNOWN: NodeFacts = {
  attributes: {},
  offered: true,
  cpus: PLENTY,
  memMiB: PLENTY,
  diskMiB: PLENTY,
  gpus: PLENTY,
  ports: [[1, 65_535]],
};

/** Without Mesos only addresses and bandwidth are judged: every node of the ledger counts as offered. */
function assumeFacts(view: View): FactsFeed {
  const assume = (): void => {
    const { snapshot } = view;
    for (const { name, record, facts } of snapshot.nodes())
      if (record && !facts) snapshot.setFacts(name, UNKNOWN);
  };
  const end = view.onChange(assume);
  assume();
  return {
    ready: () => ({ name: 'mesos', ready: true, detail: 'not configured: CPU is not judged' }),
    answered: () => false,
    stop: () => {
      end();
      return Promise.resolve();
    },
  };
}
