import type { Scenario } from './script.ts';

type Fails = (scenario: Scenario) => Promise<boolean>;

/**
 * A scenario with as few steps as still fail: parts of the script are left out, large ones first, for as
 * long as `most` plays allow.
 */
export async function shrunk(scenario: Scenario, fails: Fails, most = 150): Promise<Scenario> {
  let best = scenario;
  let plays = 0;
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.steps.length && plays < most;) {
      const fewer = { ...best, steps: best.steps.toSpliced(at, size) };
      plays += 1;
      if (await fails(fewer)) best = fewer;
      else at += size;
    }
  }
  return best;
}
