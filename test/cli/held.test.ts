import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { registerAudit } from '../../src/cli/commands/audit.ts';
import { registerFailures } from '../../src/cli/commands/failures.ts';
import { registerHeld } from '../../src/cli/commands/held.ts';
import type { HeldRecord } from '../../src/core/held-record.ts';
import { FailureLog } from '../../src/ledger/failure-log.ts';
import { heldApps } from '../../src/ledger/held.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { opened, patience } from '../ledger/opened.ts';
import { corralOn } from './corral.ts';

const corral = corralOn((program, deps) => {
  registerHeld(program, deps, { who: () => 'ann', random: () => 'abc' });
  registerFailures(program, deps);
  registerAudit(program, deps);
});

const record = (sinceMs: number, more: Partial<HeldRecord> = {}): HeldRecord => ({
  ...{ v: 1, wanted: 5, allowed: 2, why: 'no address', sinceMs },
  ...more,
});
const stopped = record(2_000, {
  ...{ by: 'brake', priority: 7, cycles: 2, stoppedMs: 9, notBeforeMs: 9, heldMs: 8, ran: 2 },
});
const queue = async (store: Store): Promise<void> => {
  await heldApps.set(store, { app: '/shop/web', record: stopped }, patience());
  await heldApps.set(store, { app: '/old', record: record(1_000) }, patience());
};
const kept = (store: Store, app: string) => heldApps.get(store, app, patience());

describe('corral held', () => {
  it('lists the queue, the oldest first, with or without the word', async (t) => {
    const store = await opened(t);
    assert.equal((await corral(store, 'held')).out, 'no app waits for room');
    await queue(store);
    const { out } = await corral(store, 'held');
    assert.deepEqual(
      out.split('\n').map((line) => line.split(/ {2,}/)),
      [
        ['APP', 'ALLOWED', 'WANTED', 'STATE', 'BY', 'PRIORITY', 'SINCE', 'WHY'],
        ['/old', '2', '5', 'waiting', 'gate', '0', '1970-01-01T00:00:01.000Z', 'no address'],
        ['/shop/web', '2', '5', 'stopped', 'brake', '7', '1970-01-01T00:00:02.000Z', 'no address'],
      ],
    );
    const told = JSON.parse((await corral(store, 'held', 'list', '--json')).out) as object[];
    assert.deepEqual(told, [
      { app: '/old', ...record(1_000) },
      { app: '/shop/web', ...stopped },
    ]);
    assert.deepEqual(JSON.parse((await corral(store, 'held', '--json')).out), told);
  });

  it('releases one that was stopped: it starts over', async (t) => {
    const store = await opened(t);
    await queue(store);
    const said = await corral(store, 'held', 'release', 'shop/web');
    assert.deepEqual(said, {
      ...{ code: 0, err: '' },
      out: '/shop/web grows from 2 to 5 as there is room',
    });
    const { stoppedMs: _s, notBeforeMs: _n, cycles: _c, ...left } = stopped;
    assert.deepEqual(await kept(store, '/shop/web'), left);
    assert.deepEqual(await kept(store, '/old'), record(1_000));
  });

  it('forgets one: nobody adds to it any more', async (t) => {
    const store = await opened(t);
    await queue(store);
    const said = await corral(store, 'held', 'forget', '/old');
    assert.deepEqual(said, { code: 0, out: '/old stays at 2', err: '' });
    assert.equal(await kept(store, '/old'), undefined);
  });

  it('leaves word of who released and forgot what, when and why', async (t) => {
    const store = await opened(t);
    await queue(store);
    const begunMs = clock.now();
    await corral(store, 'held', 'release', '/shop/web', '--why', 'ticket 4711');
    await corral(store, 'held', 'forget', '/old');
    await corral(store, 'held', 'forget', '/none'); // changes nothing, so that nothing is told
    const { out } = await corral(store, 'audit', 'list', '--json');
    const told = JSON.parse(out) as { id: string; atMs: number; act: string }[];
    assert.ok(told.every(({ atMs }) => atMs >= begunMs && atMs <= clock.now()));
    const ann = { v: 1, who: 'ann', by: 'cli' };
    assert.deepEqual(
      told
        .sort((one, other) => (one.act < other.act ? -1 : 1))
        .map(({ id: _id, atMs: _at, ...rest }) => rest),
      [
        { ...ann, act: 'held forgotten', app: '/old' },
        { ...ann, act: 'held released', app: '/shop/web', why: 'ticket 4711' },
      ],
    );
    const { out: text } = await corral(store, 'audit', 'list', '--app', '/shop/web');
    assert.match(text, /ann +cli +held released +- +- +\/shop\/web .*ticket 4711$/);
    assert.equal(
      (await corral(store, 'audit', 'list', '--node', 'n-1')).out,
      'nothing was changed',
    );
  });

  it('refuses one that nobody holds, and what it does not understand', async (t) => {
    const store = await opened(t);
    for (const word of ['release', 'forget']) {
      const said = await corral(store, 'held', word, '/none');
      assert.deepEqual([said.code, said.out], [1, '']);
      assert.match(said.err, /app "\/none" is not held\n {2}way out: .*corral held list/);
      assert.equal((await corral(store, 'held', word)).code, 2);
      assert.match((await corral(store, 'held', word, '--help')).out, /Example:\n {2}corral held/);
    }
    assert.equal((await corral(store, 'held', 'list', '--sideways')).code, 2);
  });
});

describe('corral failures list', () => {
  it('shows refused launches, of an app or a node where told', async (t) => {
    const store = await opened(t);
    assert.equal((await corral(store, 'failures', 'list')).out, 'no launch was refused');
    const log = new FailureLog(store);
    const failure = { network: 'prod', short: 'address', why: '2 held' } as const;
    for (const atMs of [1_000, 2_000]) log.add({ ...failure, atMs, node: 'n1', app: '/web' });
    log.add({ ...failure, atMs: 61_000, node: 'n2' });
    await log.flush(patience());
    const { out } = await corral(store, 'failures', 'list');
    assert.deepEqual(
      out.split('\n').map((line) => line.split(/ {2,}/)),
      [
        ['LAST', 'COUNT', 'APP', 'NODE', 'NETWORK', 'SHORT', 'WHY'],
        ['1970-01-01T00:01:01.000Z', '1', '-', 'n2', 'prod', 'address', '2 held'],
        ['1970-01-01T00:00:02.000Z', '2', '/web', 'n1', 'prod', 'address', '2 held'],
      ],
    );
    const only = async (...argv: readonly string[]) =>
      (
        JSON.parse((await corral(store, 'failures', 'list', '--json', ...argv)).out) as {
          node: string;
        }[]
      ).map(({ node }) => node);
    assert.deepEqual(await only('--app', '/web'), ['n1']);
    assert.deepEqual(await only('--node', 'n2'), ['n2']);
    assert.deepEqual(await only('--limit', '1'), ['n2']);
    assert.deepEqual(await only(), ['n2', 'n1']);
  });
});
