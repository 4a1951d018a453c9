import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keeps } from './random/failed.ts';
import { play } from './random/play.ts';
import { randomScenario, type Scenario } from './random/script.ts';
import { SEEDS, TESTED } from './random/seeds.ts';
import { shrunk } from './random/shrink.ts';
import { added, type Row } from './random/table.ts';

describe(`random scenarios with ${TESTED}, even seeds (npm run soak plays thousands)`, () => {
  it('keep every promise', { timeout: 600_000 }, async () => {
    for (let seed = 2; seed <= SEEDS; seed += 2) await keeps(seed, TESTED);
  });
});

/** Enough to see the loop of the article, again and again. */
const ALONE = 30;

describe('random scenarios without Corral', () => {
  it('have apps that are launched and fail without end', async (t) => {
    let row: Row | undefined;
    for (let seed = 1; seed <= ALONE; seed += 1)
      row = added(row, (await play(randomScenario(seed), 'nothing')).figures);
    const { loops = 0, looping = 0, longest = 0 } = row ?? {};
    t.diagnostic(`${loops} apps in a loop in ${looping} of ${ALONE} scenarios, up to ${longest}`);
    assert.ok(looping > ALONE / 2);
    assert.ok(longest > 20);
  });

  it('can be played again', async () => {
    const scenario = randomScenario(1);
    const [one, other] = [await play(scenario, TESTED), await play(scenario, TESTED)];
    assert.deepEqual(one.trace, other.trace);
  });

  it('are cut down to what matters when they fail', async () => {
    const scenario = randomScenario(2);
    const last = scenario.steps.at(-1);
    const fails = (one: Scenario) => Promise.resolve(one.steps.some((step) => step === last));
    assert.deepEqual((await shrunk(scenario, fails)).steps, [last]);
  });
});
