import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { replaceBudget } from '../../src/sim/scheduler/replace.ts';

describe('a replacement of N instances', () => {
  const row = (says: string, wanted: number, all: number, minHealth: number, maxOver: number, killNow: number, capacity: number, resident = false, healthy = all) =>
    ({ says, wanted, all, healthy, rule: { minHealth, maxOver }, resident, killNow, capacity }); // prettier-ignore
  for (const { says, killNow, capacity, ...input } of [
    row('doubles at 1/1', 10, 10, 1, 1, 0, 20),
    row('takes one more at 1/0', 10, 10, 1, 0, 0, 11),
    row('stays at N at 0.5/0', 10, 10, 0.5, 0, 5, 10),
    row('kills all first at 0/0', 10, 10, 0, 0, 10, 10),
    row('loses one where residents have no slack', 10, 10, 1, 0, 1, 10, true),
    row('scales down on the way', 2, 10, 1, 1, 8, 4),
    row('gains nothing while the old ones are not healthy', 4, 4, 1, 0, 0, 4, false, 0),
    row('starts from nothing', 3, 0, 1, 1, 0, 6),
    row('truncates 25 × 1.16 to 28', 25, 25, 1, 0.16, 0, 28),
    row('truncates 45 × 1.4 to 62', 45, 45, 1, 0.4, 0, 62),
    row('truncates 100 × 1.15 to 114', 100, 100, 1, 0.15, 0, 114),
  ])
    it(says, () => assert.deepEqual(replaceBudget(input), { killNow, capacity }));
});
