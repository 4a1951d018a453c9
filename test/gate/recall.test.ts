import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalApp } from '../../src/cluster/marathon/canonical-app.ts';
import { PLAIN_CONTEXT } from '../../src/cluster/marathon/canonical-context.ts';
import { appChange } from '../../src/cluster/marathon/app-update.ts';
import { spelledIn } from '../../src/cluster/marathon/edit.ts';
import { recall } from '../../src/gate/recall.ts';
import type { App } from '../../src/cluster/marathon/json.ts';

const added = [['rack', 'UNLIKE', 'r1']];
const own = [['hostname', 'UNIQUE']];
const app = (fields: App): App =>
  canonicalApp({ id: '/web', cmd: 'run', ...fields }, PLAIN_CONTEXT);
const steered = app({ instances: 2, constraints: [...own, ...added] });
const change = (before: App | undefined, after: App) =>
  appChange('/web', before, after, PLAIN_CONTEXT);

describe('recall', () => {
  it('trap 4: re-injects byte for byte when a client sends its own file with another count', () => {
    const {
      change: got,
      resend,
      forgotten,
    } = recall(change(steered, app({ instances: 5, constraints: own })), added, PLAIN_CONTEXT);
    assert.deepEqual(resend, [...own, ...added]);
    assert.equal(got.restart, false, 'a scale stays a scale');
    assert.equal(forgotten, false);
  });

  it('trap 5: leaves a GET-modify-PUT that sends them back as it is', () => {
    const { change: got, resend } = recall(
      change(steered, app({ instances: 5, constraints: [...own, ...added] })),
      added,
      PLAIN_CONTEXT,
    );
    assert.equal(resend, undefined);
    assert.equal(got.restart, false);
  });

  it('takes them out when the change replaces the instances anyway', () => {
    const upgrade = app({ cmd: 'run v2', constraints: [...own, ...added] });
    const {
      change: got,
      resend,
      forgotten,
    } = recall(change(steered, upgrade), added, PLAIN_CONTEXT);
    assert.deepEqual(resend, own);
    assert.deepEqual(spelledIn('app', got.after ?? {}), own);
    assert.equal(got.restart, true);
    assert.equal(forgotten, true);
  });

  it('leaves what a client says in a file of its own, even where it says the same as ours', () => {
    const upgrade = app({ cmd: 'run v2', constraints: added });
    const { change: got, ...rest } = recall(change(steered, upgrade), added, PLAIN_CONTEXT);
    assert.deepEqual(rest, { forgotten: true });
    assert.deepEqual(spelledIn('app', got.after ?? {}), added);
    assert.equal(got.restart, true);
  });

  it('forgets them when Marathon never took them', () => {
    const plain = app({ instances: 2, constraints: own });
    const {
      change: got,
      resend,
      forgotten,
    } = recall(change(plain, app({ instances: 5, constraints: own })), added, PLAIN_CONTEXT);
    assert.deepEqual([got.restart, resend, forgotten], [false, undefined, true]);
  });

  it('forgets them when the app is made anew', () => {
    const { forgotten } = recall(change(undefined, app({})), added, PLAIN_CONTEXT);
    assert.equal(forgotten, true);
  });
});
