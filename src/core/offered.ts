import type { Demand } from './demand.ts';
import type { NodeRoom } from './room.ts';

/**
 * Whether an instance may be placed on a node: Mesos offers it, or our own fence keeps it out and opens it
 * as soon as something that needs an address is placed there (see fence-demand.ts). What needs no address
 * does not open a fence: it has to wait for the node, or go elsewhere.
 */
export const mayTake = ({ offered, isFenced }: NodeRoom, { addresses }: Demand): boolean =>
  offered || (isFenced === true && addresses.length > 0);
