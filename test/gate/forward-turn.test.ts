import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { createTurn } from '../../src/gate/forward-turn.ts';

describe('a turn', () => {
  it('writes nothing before its end, then everything in order', async () => {
    const turn = createTurn();
    const wrote: string[] = [];
    turn.add({ write: () => wrote.push('first') });
    turn.add({ write: () => wrote.push('second') });
    await Promise.resolve();
    assert.deepEqual(wrote, []);
    await endOfTurn();
    assert.deepEqual(wrote, ['first', 'second']);
  });

  it('writes in the next one what is added while it writes', async () => {
    const turn = createTurn();
    const wrote: string[] = [];
    turn.add({ write: () => turn.add({ write: () => wrote.push('later') }) });
    await endOfTurn();
    assert.deepEqual(wrote, []);
    await endOfTurn();
    assert.deepEqual(wrote, ['later']);
  });
});
