import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admit } from '../../src/core/admit.ts';
import type { Room } from '../../src/core/room.ts';
import { nodeOf, webRestart } from './twins/models.ts';

const ROOM: Room = {
  nodes: new Map(['n1', 'n2'].map((name) => [name, nodeOf(name, { pools: ['dev', 'prod'] })])),
  pools: new Map([
    ['prod', { network: 'prod', free: 0 }],
    ['dev', { network: 'dev', free: 5 }],
  ]),
};
const OPTIONS = { reroute: false, maxConstraintLength: 100 };

describe('an app whose instances are replaced by ones on another network', () => {
  it('is promised all of its new addresses', () => {
    const verdict = admit(ROOM, [webRestart()], OPTIONS);
    assert.ok(verdict.answer === 'admit', JSON.stringify(verdict));
    assert.deepEqual(
      verdict.grants.map(({ target }) => target),
      [8],
    );
  });

  it('is refused when they are not there in the end', () => {
    const verdict = admit(ROOM, [webRestart({ instances: 6 })], OPTIONS);
    assert.equal(verdict.answer, 'refuse');
  });
});
