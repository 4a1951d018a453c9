import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fullWay } from '../../src/core/link-full.ts';

/** Containers get 950 Mbit/s in and 95 out. */
const LINK = { linkInKbit: 1_000_000, linkOutKbit: 100_000, headroom: 0.95, overcommit: 1 };
const limit = (netInKbit: number, netOutKbit: number, forced?: true) => ({
  ...{ netInKbit, netOutKbit, classMinor: 256 },
  ...(forced && { forced }),
});

describe('a link', () => {
  for (const { says, limits, link = LINK, full } of [
    { says: 'of nobody has room', limits: [] },
    { says: 'with the least limit left has room', limits: [limit(949_992, 94_992)] },
    { says: 'with less than that has none, in', limits: [limit(949_993, 1)], full: 'net_in' },
    {
      says: 'with less than that has none, out',
      limits: [limit(1, 50_000), limit(1, 45_000)],
      full: 'net_out',
    },
    {
      says: 'is as wide as overcommit says',
      limits: [limit(1, 95_000)],
      link: { ...LINK, overcommit: 2 },
    },
    { says: 'that somebody insisted on passing has room', limits: [limit(1, 200_000, true)] },
    {
      says: 'that is smaller than one container may have is full',
      limits: [],
      link: { ...LINK, linkInKbit: 8 },
      full: 'net_in',
    },
  ])
    it(says, () => assert.equal(fullWay(limits, link)?.way, full));
});
