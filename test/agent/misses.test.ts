import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HEAL_AFTER_MS, Misses } from '../../src/agent/misses.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { createVirtualClock } from '../../src/sim/virtual-clock.ts';

function missing() {
  const clock = createVirtualClock();
  const stopping = new AbortController();
  const looks: number[] = [];
  const look = (): void => void looks.push(clock.now());
  const misses = new Misses({ clock, log, look }, stopping.signal);
  return { clock, looks, misses, stop: () => stopping.abort(new Error('stopped')) };
}

describe('what a witness missed', () => {
  it('is healed by a look a moment later', async () => {
    const { clock, looks, misses } = missing();
    const startedMs = clock.now();
    misses.add('no answer');
    await clock.advance(HEAL_AFTER_MS - 1);
    assert.deepEqual(looks, []);
    await clock.advance(1);
    assert.deepEqual(looks, [startedMs + HEAL_AFTER_MS]);
  });

  it('is healed by one look where much was missed meanwhile, and each is counted', async () => {
    const { clock, looks, misses } = missing();
    misses.add('no answer');
    await clock.advance(HEAL_AFTER_MS / 2);
    misses.add('nor to the next');
    await clock.advance(10 * HEAL_AFTER_MS);
    assert.equal(looks.length, 1);
    assert.equal(misses.count, 2);
  });

  it('is healed again when more is missed after that', async () => {
    const { clock, looks, misses } = missing();
    for (const why of ['no answer', 'still none']) {
      misses.add(why);
      await clock.advance(HEAL_AFTER_MS);
    }
    assert.equal(looks.length, 2);
  });

  it('is nothing once the witness has stopped, and a look that is due is not asked for', async () => {
    const { clock, looks, misses, stop } = missing();
    misses.add('no answer');
    stop();
    misses.add('stopped');
    await clock.advance(HEAL_AFTER_MS);
    assert.deepEqual(looks, []);
    assert.equal(misses.count, 1);
  });
});
