import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Leases } from '../../src/ledger/embedded/leases.ts';
import { systemClock } from '../../src/plumbing/clock.ts';

const TTL_MS = 500;

it('a holding that was kept in time lives, though the process stood still past its end', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'corral-leases-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const ended: string[] = [];
  const leases = new Leases({
    clock: systemClock,
    end: (id) => {
      ended.push(id);
      leases.forget(id);
      return Promise.resolve();
    },
  });
  t.after(() => leases.close());
  const server = createServer().listen(join(directory, 'socket'));
  t.after(() => server.close());
  const client = connect(join(directory, 'socket'));
  t.after(() => client.destroy());
  const [guest] = (await once(server, 'connection')) as [Socket];
  guest.on('data', () => leases.keep('kept'));
  for (const id of ['kept', 'silent']) leases.start(id, TTL_MS);
  client.write('keep'); // it has arrived before this process reads anything
  for (const until = performance.now() + TTL_MS + 100; performance.now() < until;);
  while (ended.length === 0) await wait(1);
  assert.deepEqual(ended, ['silent']);
  await wait(10);
  assert.deepEqual(ended, ['silent'], 'the other has all of its time again');
});
