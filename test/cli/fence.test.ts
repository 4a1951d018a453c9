import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { registerAudit } from '../../src/cli/commands/audit.ts';
import { registerFence } from '../../src/cli/commands/fence.ts';
import { keys } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { lay, opened, patience } from '../ledger/opened.ts';
import { corralOn } from './corral.ts';

const corral = corralOn((program, deps) => {
  registerFence(program, deps, { who: () => 'ann', random: () => 'abc' });
  registerAudit(program, deps);
});

describe('corral fence', () => {
  it('lists nodes that are out of offers, and those left alone', async (t) => {
    const store = await opened(t);
    await lay(store, { nodes: { 'n-1': { link: '1gbit' }, 'n-2': { link: '1gbit' } } });
    assert.equal((await corral(store, 'fence', 'list')).out, 'no node is kept out of offers');
    const value = records.fence.encode({
      ...{ v: 1, agentId: 'S1', state: 'closed', mode: 'on', by: 'deactivate' },
      ...{ why: 'no addresses left on network prod', sinceMs: 0, term: 1, flips: [], undone: [] },
      figures: { addresses: 0, network: 'prod', netInKbit: 5, netOutKbit: 6, cpus: 3, memMiB: 512 },
    });
    const bad = { put: keys.fence('n-9'), value: '{' };
    const writes = [{ put: keys.fence('n-1'), value }, bad];
    await store.commit({ guards: [], writes }, patience());
    const left = await corral(store, 'fence', 'leave', 'n-2', '--why', 'ticket 4711');
    assert.deepEqual([left.code, left.err], [0, '']);
    const { out, err } = await corral(store, 'fence', 'list');
    assert.match(out, /^NODE +STATE +SINCE +ADDRESSES +CPUS +MEM MIB +WHY/);
    assert.match(out, /n-1 +closed +1970-01-01T00:00:00.000Z +0 +3 +512 +no addresses left/);
    assert.match(out, /n-2 +left alone .* ann: ticket 4711/);
    assert.match(err, /fence\/nodes\/n-9/);
    const shown = JSON.parse((await corral(store, 'fence', 'list', '--json')).out) as {
      nodes: { node: string; state: string }[];
      left: { node: string; who: string }[];
    };
    assert.deepEqual(
      shown.nodes.map(({ node, state }) => [node, state]),
      [['n-1', 'closed']],
    );
    assert.deepEqual(
      shown.left.map(({ node, who }) => [node, who]),
      [['n-2', 'ann']],
    );
  });

  it('is told who leaves what alone, and until when', async (t) => {
    const store = await opened(t);
    await lay(store, { nodes: { 'n-1': { link: '1gbit' } } });
    await corral(store, 'fence', 'leave', 'n-1');
    await corral(store, 'fence', 'resume', 'n-1', '--why', 'done');
    assert.equal((await corral(store, 'fence', 'list')).out, 'no node is kept out of offers');
    const { out } = await corral(store, 'audit', 'list', '--node', 'n-1');
    assert.match(out, /ann +cli +fence resumed +- +n-1 .*done/);
    assert.match(out, /ann +cli +fence left +- +n-1/);
  });

  it('knows no node that the ledger does not know', async (t) => {
    const { code, err } = await corral(await opened(t), 'fence', 'leave', 'n-7');
    assert.notEqual(code, 0);
    assert.match(err, /node "n-7" is not in the ledger/);
  });
});
