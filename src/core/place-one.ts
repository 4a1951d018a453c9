import type { Site } from './constraints.ts';
import type { Grouping } from './groups.ts';
import { type Constrained, rulesOf } from './place-rules.ts';
import type { Room } from './room.ts';

/** Whether an ask's constraints let one instance more onto a node. Room is not looked at. */
export function admitsOne(
  room: Pick<Room, 'homeRegion'>,
  ask: Constrained,
): (node: Site) => boolean {
  const { tests, nodeCaps, perNode, groupings } = rulesOf(room, ask);
  const all = [...nodeCaps, ...(perNode ? [perNode] : []), ...groupings];
  return (node) =>
    tests.every(({ test }) => test(node) === true) &&
    all.every((grouping) => takesOne(grouping, grouping.read(node) ?? ''));
}

function takesOne({ base, bonus, remainder, isNew, slots }: Grouping, value: string): boolean {
  if (isNew(value) && slots <= 0) return false;
  return base(value) > 0 || (remainder > 0 && bonus(value) > 0);
}
