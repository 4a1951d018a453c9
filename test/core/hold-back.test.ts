import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admit } from '../../src/core/admit.ts';
import type { Claim } from '../../src/core/claim.ts';
import type { Room } from '../../src/core/room.ts';
import { clusterOf, constraintOf, nodeOf, webAsk, webRestart } from './twins/models.ts';

const sevenThatMayWait = (of: Partial<Claim> = {}): Claim =>
  webRestart({
    ...{ kind: 'create', demand: webAsk(1).demand, instances: 7, peak: 7 },
    ...{ heldOn: new Map(), mayHold: true },
    ...of,
  });

describe('what an app that may wait gets', () => {
  const racks = (...free: readonly number[]): Room =>
    clusterOf(
      free.map((_, n) => nodeOf(`n${n}`, { attributes: { rack: `r${n}` }, pools: [`p${n}`] })),
      Object.fromEntries(free.map((left, n) => [`p${n}`, left])),
    );
  for (const { says, free, constraint, gives } of [
    { says: 'all that fits', free: [2, 2, 0], gives: 4 },
    { says: 'nothing where nothing fits', free: [0, 0, 0], gives: 0 },
    // of seven each rack may have two; of four or three it may have one, and two racks have no four
    { says: 'as many as GROUP_BY spreads by themselves', free: [2, 2, 0], constraint: 3, gives: 2 },
    { says: 'also of an uneven count', free: [3, 2, 2], constraint: 3, gives: 7 },
    { says: 'and one where one rack is left', free: [5, 0, 0], constraint: 3, gives: 1 },
  ] satisfies readonly {
    says: string;
    free: readonly number[];
    constraint?: number;
    gives: number;
  }[])
    it(says, () => {
      const groupBy = constraint !== undefined && constraintOf('rack', 'GROUP_BY', `${constraint}`);
      const claim = sevenThatMayWait(groupBy ? { constraints: [groupBy] } : {});
      const verdict = admit(racks(...free), [claim], { reroute: false, maxConstraintLength: 100 });
      assert.ok(verdict.answer === (gives === 7 ? 'admit' : 'hold'), JSON.stringify(verdict));
      assert.deepEqual(
        verdict.grants.map(({ instances, target }) => [instances, target]),
        [[gives, gives]],
      );
    });

  it('is promised beside what is dying or lost and keeps its addresses', () => {
    // two run and one is lost: five take three new ones, and there is room for two
    const claim = sevenThatMayWait({
      ...{ kind: 'scale', instances: 5, peak: 6, heldOn: new Map([['n0', 3]]) },
    });
    const verdict = admit(racks(2), [claim], { reroute: false, maxConstraintLength: 100 });
    assert.ok(verdict.answer === 'hold', JSON.stringify(verdict));
    const [grant] = verdict.grants;
    assert.deepEqual([grant?.instances, grant?.target], [4, 5]);
  });
});
