import type { PlacedInstance, Room } from './room.ts';

/** The ledger knows where an app's instances are; a node that is gone from the room counts for none. */
export const placedOn = (
  heldOn: ReadonlyMap<string, number>,
  { nodes }: Pick<Room, 'nodes'>,
): readonly PlacedInstance[] =>
  [...heldOn].flatMap(([node, count]) => {
    const known = nodes.get(node);
    if (!known) return [];
    const { attributes, region, zone } = known;
    const one = { node, attributes, ...(region && { region }), ...(zone && { zone }) };
    return Array.from({ length: count }, () => one);
  });
