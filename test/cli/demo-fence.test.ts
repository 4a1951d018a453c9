import assert from 'node:assert/strict';
import { it } from 'node:test';
import { watchFence } from '../../src/cli/demo-fence.ts';
import type { FenceRecord } from '../../src/core/fence-record.ts';
import { openFenceBook } from '../../src/ledger/fence-book.ts';
import { keys } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import type { Write } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { opened } from '../ledger/opened.ts';

const CLOSED: FenceRecord = {
  ...{ v: 1, agentId: 'S1', state: 'closed', mode: 'on', by: 'deactivate' },
  why: 'no addresses left on network prod',
  figures: { addresses: 0, network: 'prod', netInKbit: 5, netOutKbit: 6, cpus: 3.5, memMiB: 512 },
  ...{ sinceMs: 0, term: 1, flips: [], undone: [] },
};

it('the demo tells of nodes that the fence closes and opens, and of what it costs', async (t) => {
  const store = await opened(t);
  const ending = new AbortController();
  t.after(() => ending.abort());
  const book = openFenceBook({ store, clock: systemClock, log }, ending.signal);
  const heard: string[] = [];
  const fence = watchFence(book, (text) => heard.push(text));
  const commit = (...writes: Write[]) => store.commit({ guards: [], writes }, ending.signal);
  const put = (node: string, of: Partial<FenceRecord> = {}): Write => ({
    put: keys.fence(node),
    value: records.fence.encode({ ...CLOSED, ...of }),
  });
  const toldOf = async (count: number): Promise<void> => {
    for (let tries = 0; tries < 18_000 && heard.length < count; tries++)
      await systemClock.sleep(10, ending.signal);
  };
  await commit(put('n1'), put('n2', { state: 'closing' }), put('n3', { mode: 'watch' }));
  await toldOf(1);
  await commit(put('n2'));
  await toldOf(2);
  assert.match(fence.told().join('\n'), /too few addresses left: 2\n.* 7\.0 CPUs/);
  await commit({ drop: keys.fence('n1') }, { drop: keys.fence('n2') });
  await toldOf(4);
  assert.deepEqual(heard, [
    '  fence: n1 closed: no addresses left on network prod',
    '  fence: n2 closed: no addresses left on network prod',
    '  fence: n1 is offered again',
    '  fence: n2 is offered again',
  ]);
  assert.deepEqual(fence.told(), []);
});
