import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Loop, startLoop, type Turn } from '../../src/plumbing/loop.ts';
import type { Fields, Log } from '../../src/plumbing/log.ts';

/** A clock that stands still until told; `sleeps` are those that wait now. */
class HeldClock {
  nowMs = 1_000;
  sleeps: { untilMs: number; end: () => void }[] = [];

  now(): number {
    return this.nowMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const mine = { untilMs: this.nowMs + ms, end: resolve };
      this.sleeps.push(mine);
      signal.addEventListener('abort', () => {
        this.sleeps = this.sleeps.filter((one) => one !== mine);
        reject(signal.reason as Error);
      });
    });
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    const due = this.sleeps.filter(({ untilMs }) => untilMs <= this.nowMs);
    this.sleeps = this.sleeps.filter(({ untilMs }) => untilMs > this.nowMs);
    for (const { end } of due) end();
    await settle();
  }

  /** When the loop goes on by itself; its deadline timers are gone between turns. */
  nextInMs(): number {
    return Math.min(...this.sleeps.map(({ untilMs }) => untilMs)) - this.nowMs;
  }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

class Lines {
  readonly lines: (Fields & { message: string })[] = [];
  readonly log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message, fields) => void this.lines.push({ message, ...fields }),
    error: () => undefined,
    with: () => this.log,
  };
}

async function startHeld(turn: Turn): Promise<{ loop: Loop; clock: HeldClock; lines: Lines }> {
  const clock = new HeldClock();
  const lines = new Lines();
  const loop = startLoop('poll', turn, {
    everyMs: 5_000,
    backoffMs: 100,
    backoffCapMs: 1_000,
    deadlineMs: 30_000,
    clock,
    log: lines.log,
  });
  await settle();
  return { loop, clock, lines };
}

describe('startLoop', () => {
  it('turns at once, then after each pause', async () => {
    const { loop, clock } = await startHeld(() => Promise.resolve());
    assert.deepEqual(loop.state(), { name: 'poll', ok: true, turns: 1, lastOkMs: 1_000 });
    assert.equal(clock.nextInMs(), 5_000);
    await clock.pass(5_000);
    assert.equal(loop.state().turns, 2);
    await loop.stop();
  });

  it('backs off twice as long each time, up to the cap, and recovers', async () => {
    let down = true;
    const { loop, clock, lines } = await startHeld(() =>
      down ? Promise.reject(new Error('no answer')) : Promise.resolve(),
    );
    for (const pause of [100, 200, 400, 800, 1_000, 1_000]) {
      assert.equal(clock.nextInMs(), pause);
      await clock.pass(pause);
    }
    assert.deepEqual(loop.state(), { name: 'poll', ok: false, turns: 7, lastFault: 'no answer' });
    down = false;
    await clock.pass(1_000);
    assert.equal(loop.state().ok, true);
    assert.equal(loop.state().lastFault, undefined);
    assert.equal(clock.nextInMs(), 5_000);
    assert.deepEqual(lines.lines, [{ message: 'a turn failed', loop: 'poll', fault: 'no answer' }]);
    await loop.stop();
  });

  it('goes on at once when woken', async () => {
    const { loop } = await startHeld(() => Promise.resolve());
    loop.wake();
    await settle();
    assert.equal(loop.state().turns, 2);
    await loop.stop();
  });

  it('never runs two turns at once; woken during one, the next follows it', async () => {
    const ends: (() => void)[] = [];
    const { loop } = await startHeld(() => new Promise<void>((resolve) => ends.push(resolve)));
    loop.wake();
    loop.wake();
    await settle();
    assert.equal(ends.length, 1);
    ends[0]?.();
    await settle();
    assert.equal(ends.length, 2);
    ends[1]?.();
    await settle();
    assert.equal(ends.length, 2);
    await loop.stop();
  });

  it('gives up a turn at its deadline, even one that ignores its signal', async () => {
    const { loop, clock } = await startHeld(() => new Promise(() => undefined));
    await clock.pass(30_000);
    assert.equal(loop.state().lastFault, 'a turn of "poll" did not end within 30000 ms');
    await loop.stop();
  });

  it('stops in a turn: aborts it, waits for it, and turns no more', async () => {
    const seen: string[] = [];
    const { loop, clock } = await startHeld(
      (signal) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            seen.push('aborted');
            reject(signal.reason as Error);
          }),
        ),
    );
    await loop.stop();
    await loop.stop();
    assert.deepEqual(seen, ['aborted']);
    assert.equal(loop.state().turns, 0);
    assert.equal(clock.sleeps.length, 0);
  });

  it('stops in a pause and leaves no timer behind', async () => {
    const { loop, clock } = await startHeld(() => Promise.resolve());
    await loop.stop();
    assert.equal(clock.sleeps.length, 0);
    assert.equal(loop.state().turns, 1);
  });
});
