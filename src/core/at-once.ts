import { MOST_AT_ONCE } from './fence-burst.ts';
import { place } from './place.ts';
import type { Ask, Room } from './room.ts';

/**
 * Whether more instances than may fail at once will have no address when all of an ask are ended and
 * started again together: in a full pool the addresses of those that end are the only ones, and rest first.
 * Anything but addresses is free again at once.
 *
 * @param room  beside what the change was promised anyway
 * @param ask   for all of them, as if they ran nowhere
 */
export function comesLate(room: Room, ask: Ask): boolean {
  if (ask.instances <= MOST_AT_ONCE) return false;
  const { addresses } = ask.demand;
  const demand = {
    ...{ cpus: 0, memMiB: 0, diskMiB: 0, gpus: 0, ports: { any: 0, fixed: [] } },
    addresses: addresses.map(({ network }) => ({ network, netInKbit: 0, netOutKbit: 0 })),
  };
  const placed = place(room, { ...ask, demand, placed: [] });
  return !placed.fits && ask.instances - placed.most > MOST_AT_ONCE;
}
