import process from 'node:process';

const share = Number(process.env['RUNS'] ?? 1);

/**
 * How often a property is tried, out of `all` times in `npm test`. `npm run check` takes a share of them, RUNS=10 by
 * hand ten times as many. What a property must have met on its way is taken by the same share.
 */
export const runs = (all: number): number => Math.max(1, Math.floor(all * share));
