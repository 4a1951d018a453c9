/** A node of the ledger, and who has heard of it lately. */
export interface NodeHeard {
  readonly node: string;
  /** Corral's agent on it gives a sign of life. */
  readonly alive: boolean;
  /** Mesos lists an agent on it, in whatever state. */
  readonly listed: boolean;
}

/** Since when nobody has heard of a node, ms of a clock that is never set. */
export type Silences = ReadonlyMap<string, number>;

export interface Gone {
  /** Silent for as long as is asked, sorted. */
  readonly gone: readonly string[];
  /** So many at once look like a fault of who lists them: then none is to be forgotten. */
  readonly tooMany: boolean;
  readonly silences: Silences;
}

/** Share of all nodes that may be gone at once, but one always may. */
const MOST_SHARE = 0.1;

/**
 * Nodes that nobody has heard of in any look for `holdDownMs`. A silence that is interrupted once begins
 * anew. A master that lost its registry, or a ledger that lost its signs of life, looks as if every node
 * were gone, so a large share of them is no proof.
 */
export function goneNodes(
  nodes: readonly NodeHeard[],
  { silences, steadyMs, holdDownMs }: { silences: Silences; steadyMs: number; holdDownMs: number },
): Gone {
  const silent = nodes.filter(({ alive, listed }) => !alive && !listed);
  const now = new Map(silent.map(({ node }) => [node, silences.get(node) ?? steadyMs]));
  const gone = [...now].flatMap(([node, since]) => (steadyMs - since >= holdDownMs ? node : []));
  const most = Math.max(1, Math.floor(nodes.length * MOST_SHARE));
  return { gone: gone.sort(), tooMany: silent.length > most, silences: now };
}
