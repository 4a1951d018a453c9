import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import process from 'node:process';
import { NothingCame, Patience } from '../../../src/cluster/mesos/patience.ts';

const timers = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

describe('a wait that goes on as long as something happens', () => {
  it('is over once nothing came for so long', async () => {
    const patience = new Patience(new AbortController().signal, 5);
    await new Promise((resolve) => patience.signal.addEventListener('abort', resolve));
    assert.ok(patience.signal.reason instanceof NothingCame);
  });

  it('keeps no process alive once what it is part of has ended, whoever forgot it', () => {
    const [outer, before] = [new AbortController(), timers()];
    const patience = new Patience(outer.signal, 60_000);
    assert.equal(timers(), before + 1);
    outer.abort(new Error('stopped'));
    assert.equal(timers(), before);
    patience.renew();
    assert.equal(timers(), before);
  });
});
