import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { registerNodeForget } from '../../src/cli/commands/node-forget.ts';
import { registerNode } from '../../src/cli/commands/node.ts';
import { checkLedger } from '../../src/ledger/check.ts';
import { keys } from '../../src/ledger/keys.ts';
import { openDesk } from '../../src/ledger/open-desk.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { lay, opened, patience } from '../ledger/opened.ts';
import { corralOn } from './corral.ts';

async function cluster(t: TestContext): Promise<Store> {
  const store = await opened(t);
  await lay(store, {
    pools: { p: { cidr: '198.51.100.0/24' } },
    networks: { prod: { pools: ['p'] } },
    nodes: { gone: { link: '1gbit' }, stays: { link: '1gbit' } },
  });
  for (const node of ['gone', 'stays']) {
    const desk = openDesk(store, { node, clock, log });
    for (const n of [1, 2, 3])
      await desk.take({ network: 'prod', by: 'docker', incarnation: `${node}-${n}` }, patience());
    await desk.stock('p', 2, patience());
    await desk.close();
  }
  return store;
}

const corral = corralOn((program, deps) => {
  registerNode(program, deps);
  registerNodeForget(program, deps);
});

const held = async (store: Store, node: string): Promise<readonly number[]> => {
  const desk = openDesk(store, { node, clock, log });
  const counts = [(await desk.leases(patience())).length, (await desk.spares(patience())).length];
  await desk.close();
  return counts;
};
const sound = async (store: Store): Promise<void> =>
  assert.deepEqual((await checkLedger(store, patience())).findings, []);

describe('corral node forget', () => {
  it('says what would be released, and does nothing unless told so', async (t) => {
    const store = await cluster(t);
    const { code, out, err } = await corral(store, ...'node forget gone'.split(' '));
    assert.equal(code, 1);
    assert.match(out, /^node gone: 3 leases, 2 in stock, agent silent\nADDRESS +NETWORK/);
    assert.match(err, /would lose 3 leases and 2 spares[^]+way out: .+--yes/);
    assert.deepEqual(await held(store, 'gone'), [3, 2]);
  });

  it('releases leases and stock of that node and of no other', async (t) => {
    const store = await cluster(t);
    const { code, out } = await corral(store, ...'node forget gone --yes'.split(' '));
    assert.equal(code, 0);
    assert.match(out, /released 3 leases and 2 spares of node gone$/);
    assert.deepEqual(
      [await held(store, 'gone'), await held(store, 'stays')],
      [
        [0, 0],
        [3, 2],
      ],
    );
    await sound(store);
    const again = await corral(store, ...'node forget gone --yes'.split(' '));
    assert.deepEqual([again.code, again.out.includes('has nothing in the ledger')], [0, true]);
  });

  it('refuses while the agent gives signs of life, unless forced', async (t) => {
    const store = await cluster(t);
    const value = '{"v":1,"bootId":"b","sinceMs":1}';
    await store.commit({ guards: [], writes: [{ put: keys.alive('gone'), value }] }, patience());
    const { code, err } = await corral(store, ...'node forget gone --yes'.split(' '));
    assert.equal(code, 1);
    assert.match(err, /agent of node "gone" gives signs of life/);
    assert.deepEqual(await held(store, 'gone'), [3, 2]);
    const forced = await corral(store, ...'node forget gone --yes --force --json'.split(' '));
    assert.deepEqual(JSON.parse(forced.out), { node: 'gone', released: 3, spares: 2 });
    assert.deepEqual(await held(store, 'gone'), [0, 0]);
    await sound(store);
  });
});
