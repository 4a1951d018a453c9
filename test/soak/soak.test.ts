import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { playSeed, plays, SeedFailed } from './plays.ts';
import { World } from '../fakes/simulated-world.ts';

/** 200 together; half of their time goes to whole agents. */
const SEEDS: Readonly<Record<string, number>> = { ledger: 50, desk: 70, agent: 80 };

describe('the promises, over 200 seeds (npm run soak plays thousands)', () => {
  for (const play of Object.keys(plays))
    it(`are kept: ${play}`, async (t) => {
      let [events, takes] = [0, 0];
      for (let seed = 1; seed <= SEEDS[play]!; seed += 1) {
        const played = await playSeed(play, seed);
        events += played.events;
        takes += played.takes;
      }
      t.diagnostic(`${events} events, ${takes} addresses given`);
    });

  for (const play of Object.keys(plays))
    it(`can be played again: ${play}`, async () => {
      const traces = [];
      for (const seed of [7, 7, 8]) {
        const world = new World(seed);
        await plays[play]!(world);
        traces.push(world.trace.join('\n'));
      }
      assert.equal(traces[0], traces[1]);
      assert.notEqual(traces[0], traces[2]);
    });

  it('says how a failing seed is played again', () => {
    const fault = new SeedFailed('ledger', 12, [], new Error('no'));
    assert.match(fault.message, /npm run soak -- --play ledger --from 12 --seeds 1 --trace/);
  });
});
