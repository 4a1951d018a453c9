import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Agenda } from '../../src/sim/agenda.ts';
import { createVirtualClock } from '../../src/sim/virtual-clock.ts';

const never = new AbortController().signal;

describe('a virtual clock', () => {
  it('wakes sleepers at their own moments, in order', async () => {
    const clock = createVirtualClock(0);
    const woken: string[] = [];
    const nap = async (name: string, ms: number) => {
      await clock.sleep(ms, never);
      woken.push(`${name} at ${clock.now()}`);
    };
    const naps = [nap('late', 30), nap('early', 10), nap('too late', 101)];
    await clock.advance(100);
    assert.deepEqual(woken, ['early at 10', 'late at 30']);
    assert.equal(clock.now(), 100);
    await clock.advance(1);
    await Promise.all(naps);
  });

  it('wakes those who fall asleep on the way', async () => {
    const clock = createVirtualClock(0);
    const twice = (async () => {
      await clock.sleep(10, never);
      await clock.sleep(10, never);
      return clock.now();
    })();
    await clock.advance(50);
    assert.equal(await twice, 20);
  });

  it('stands still while held work is under way', async () => {
    const clock = createVirtualClock(0);
    let seen = -1;
    const work = new Promise<void>((resolve) => setTimeout(resolve, 20)).then(
      () => void (seen = clock.now()),
    );
    clock.hold(work);
    await clock.advance(1000);
    assert.equal(seen, 0);
  });

  it('lets an aborted sleeper go with the reason', async () => {
    const clock = createVirtualClock(0);
    const stop = new AbortController();
    const nap = clock.sleep(10, stop.signal);
    stop.abort(new Error('enough'));
    await assert.rejects(nap, /enough/);
    await clock.advance(20);
  });
});

describe('an agenda', () => {
  const running = () => {
    const clock = createVirtualClock(0);
    const faults: unknown[] = [];
    const agenda = new Agenda(clock, (fault) => faults.push(fault));
    const done = agenda.run();
    return { clock, faults, agenda, done };
  };

  it('does what is due in order of time, then in order of asking', async () => {
    const { clock, agenda } = running();
    const did: string[] = [];
    agenda.after(20, () => did.push('c'));
    agenda.after(10, () => did.push('a'));
    agenda.after(10, () => did.push('b'));
    const cancel = agenda.after(15, () => did.push('never'));
    cancel();
    await clock.advance(15);
    assert.deepEqual(did, ['a', 'b']);
    await clock.advance(5);
    assert.deepEqual(did, ['a', 'b', 'c']);
    agenda.stop();
  });

  it('repeats until told to rest', async () => {
    const { clock, agenda } = running();
    const at: number[] = [];
    const rest = agenda.every(10, () => at.push(clock.now()));
    await clock.advance(35);
    rest();
    await clock.advance(35);
    assert.deepEqual(at, [10, 20, 30]);
    agenda.stop();
  });

  it('goes on past a fault and tells of it', async () => {
    const { clock, agenda, faults } = running();
    const did: string[] = [];
    agenda.after(1, () => assert.fail('oops'));
    agenda.after(2, () => did.push('next'));
    agenda.spawn(Promise.reject(new Error('async')));
    await clock.advance(5);
    assert.deepEqual(did, ['next']);
    assert.equal(faults.length, 2);
    agenda.stop();
  });

  it('ends its run when stopped', async () => {
    const { agenda, done } = running();
    agenda.stop();
    await done;
  });
});
