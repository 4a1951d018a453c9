import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { HeldRecord } from '../../src/core/held-record.ts';
import { rewrite } from '../../src/gate/held-hands.ts';
import type { Store } from '../../src/ledger/store.ts';
import { openView } from '../../src/ledger/view.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { opened, patience } from '../ledger/opened.ts';
import { elected } from '../report/ledger.ts';

/** Longer than anybody waits for a change of which nobody knows whether it comes, ms. */
const LATE_MS = 500;

it('what is written of a held app is in the picture, though the ledger is late to tell of it', async (t) => {
  const store = await opened(t);
  const late: Store = Object.assign(Object.create(store) as Store, {
    get: store.get.bind(store),
    range: store.range.bind(store),
    async *watch(...asked: Parameters<Store['watch']>) {
      for await (const batch of store.watch(...asked)) {
        await systemClock.sleep(LATE_MS, patience());
        yield batch;
      }
    },
  });
  const ending = new AbortController();
  t.after(() => ending.abort());
  const deps = { clock: systemClock, log: silentLog };
  const view = await openView(late, deps, ending.signal);
  const { fence } = await elected(store, 'held-apps');
  const record: HeldRecord = { v: 1, wanted: 4, allowed: 2, why: 'no address', sinceMs: 0 };
  const change = { app: '/web', seen: undefined, to: record };
  assert.ok(await rewrite({ store, view }, change, { signal: patience(), fence }));
  assert.deepEqual(view.held.get('/web'), record);
});
