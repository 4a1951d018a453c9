import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { undo } from '../../src/plumbing/undo.ts';

describe('undo', () => {
  it('goes on past faults and reports them together', async () => {
    const done: string[] = [];
    const steps = ['a', 'b', 'c'].map((name) => () => {
      done.push(name);
      return name === 'c' ? Promise.resolve() : Promise.reject(new Error(name));
    });
    await assert.rejects(undo(steps, 1_000), (thrown) => {
      assert.ok(thrown instanceof AggregateError);
      assert.equal(thrown.message, 'cleanup left 2 of 3 steps undone');
      assert.deepEqual(thrown.errors.map(String), ['Error: a', 'Error: b']);
      return true;
    });
    assert.deepEqual(done, ['a', 'b', 'c']);
  });

  it('is not held up by a step that ignores its signal', async () => {
    const done: string[] = [];
    const stuck = () => new Promise<void>(() => undefined);
    const keepAlive = setTimeout(() => undefined, 60_000);
    await assert.rejects(
      undo([stuck, () => Promise.resolve(void done.push('next'))], 20),
      AggregateError,
    );
    clearTimeout(keepAlive);
    assert.deepEqual(done, ['next']);
  });

  it('gives each step a signal that is still fresh', async () => {
    const seen: boolean[] = [];
    const look = (signal: AbortSignal) => Promise.resolve(void seen.push(signal.aborted));
    await undo([look, look], 1_000);
    assert.deepEqual(seen, [false, false]);
  });

  it('is content with nothing to do', async () => {
    await undo([], 1);
  });
});
