import assert from 'node:assert/strict';
import { it } from 'node:test';
import { prefixes } from '../../src/ledger/keys.ts';
import type { Store } from '../../src/ledger/store.ts';
import { opened } from '../ledger/opened.ts';
import { startTestCluster } from './cluster.ts';
import { webApp } from './specs.ts';

it('a change whose promise was given up while the ledger was slow to confirm it is not sent', async (t) => {
  const store = await opened(t);
  let release = (): void => undefined;
  const isReleased = new Promise<void>((resolve) => (release = resolve));
  let isPromised = false;
  const slow: Store = {
    get: store.get.bind(store),
    range: store.range.bind(store),
    watch: store.watch.bind(store),
    hold: store.hold.bind(store),
    close: store.close.bind(store),
    commit: async (...[change, signal]: Parameters<Store['commit']>) => {
      const outcome = await store.commit(change, signal);
      const promises = change.writes.some(
        (write) => 'put' in write && write.put.startsWith(prefixes.reservations),
      );
      if (promises) {
        isPromised = true; // it may be over before anybody has looked
        await isReleased;
      }
      return outcome;
    },
  };
  const settings = { gate: { reservationKeptMs: 1_000 } };
  const cluster = await startTestCluster({ store: slow, settings });
  try {
    const asked = cluster.request('POST', '/v2/apps', webApp('/web'));
    await cluster.until(() => isPromised, 'it is promised room');
    const isOver = async () => !(await cluster.reservations()).has('/web');
    await cluster.until(isOver, 'nobody believes in it any more');
    release();
    const answer = await asked;
    assert.equal(answer.status, 503, answer.text);
    assert.deepEqual(cluster.arrived(), []);
  } finally {
    release();
    await cluster.stop();
  }
});
