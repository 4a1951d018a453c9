import { inspector, type Inspection } from './place-inspect.ts';
import type { NodeReason } from './verdict-record.ts';
import type { Ask, NodeRoom, Room } from './room.ts';

interface Seen extends Inspection {
  readonly node: NodeRoom;
}

/**
 * Node by node: how many of the instances would fit there if it were the only node, and the first
 * thing that runs out. Nodes that hold the most come first, then by name. What nodes share (pools,
 * limits per zone) is counted for each as if it were alone, so the sum may be more than fits.
 *
 * @param most  nodes to tell of: words are made for no others
 */
export function explain(room: Room, ask: Ask, most = Infinity): NodeReason[] {
  const inspect = inspector(room, ask);
  const seen: Seen[] = [];
  for (const node of room.nodes.values()) {
    const { fits, short } = inspect(node);
    seen.push({ node, fits, ...(short && { short }) });
  }
  return leading(seen, most).map(({ node, fits, short }) => ({
    node: node.name,
    fits,
    ...(short ? { short: short.words(node) } : {}),
  }));
}

const byFits = (one: Seen, other: Seen): number =>
  other.fits - one.fits || (one.node.name < other.node.name ? -1 : 1);

/** The first `most` in order. Of thousands that hold nothing only the names at the front are compared. */
function leading(seen: Seen[], most: number): readonly Seen[] {
  if (seen.length <= most) return seen.sort(byFits);
  const first = seen.splice(0, most).sort(byFits);
  for (const one of seen) {
    const last = first.at(-1);
    if (last === undefined || byFits(one, last) > 0) continue;
    first.pop();
    first.splice(rankOf(one, first), 0, one);
  }
  return first;
}

function rankOf(one: Seen, sorted: readonly Seen[]): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = sorted[middle];
    if (other !== undefined && byFits(one, other) > 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
