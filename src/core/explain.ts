import { inspector } from './place-inspect.ts';
import type { NodeReason } from './records.ts';
import type { Ask, Room } from './room.ts';

/**
 * Node by node: how many of the instances would fit there if it were the only node, and the first
 * thing that runs out. Nodes that hold the most come first, then by name. What nodes share (pools,
 * limits per zone) is counted for each as if it were alone, so the sum may be more than fits.
 */
export function explain(room: Room, ask: Ask): NodeReason[] {
  const inspect = inspector(room, ask);
  const reasons: NodeReason[] = [];
  for (const node of room.nodes.values()) {
    const { fits, short } = inspect(node);
    reasons.push({ node: node.name, fits, ...(short ? { short: short.words(node) } : {}) });
  }
  return reasons.sort((a, b) => b.fits - a.fits || (a.node < b.node ? -1 : 1));
}
