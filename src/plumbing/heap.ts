import { setFlagsFromString } from 'node:v8';

/** How much garbage may gather before it is collected, as a share of what lives, per cent. */
const GARBAGE_PERCENT = 30;

/**
 * Lets the heap hold little more than what lives. By itself V8 lets old garbage grow to as much as lives and more
 * before it looks at it, as long as the machine has memory: right for a program that is alone on a
 * machine, not for one beside Marathon, or on a node that is there for others' containers.
 * Measured at 10,000 nodes with a storm of plans: 264 MB at most instead of 414, at no cost to be seen.
 */
export const keepHeapTight = (): void => {
  setFlagsFromString(`--heap-growing-percent=${GARBAGE_PERCENT}`);
};
