import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connectStore } from '../../src/ledger/embedded/remote.ts';
import { shareStore } from '../../src/ledger/embedded/share.ts';
import { openEmbeddedStore } from '../../src/ledger/embedded/store.ts';
import type { EmbeddedStore } from '../../src/ledger/embedded/store.ts';
import { LedgerInUse, LedgerUnreachable } from '../../src/ledger/errors.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';

const never = new AbortController().signal;
const deps = { clock: systemClock, log: silentLog };
const root = mkdtempSync(join(tmpdir(), 'corral-hostile-'));
const socket = join(root, 'ledger.sock');
let store: EmbeddedStore;
let shared: { close(): Promise<void> };
before(async () => {
  store = await openEmbeddedStore({ directory: join(root, 'files'), ...deps });
  shared = await shareStore(store, socket, deps);
});
after(async () => {
  await shared.close();
  await store.close();
  rmSync(root, { recursive: true });
});

/** All that the server says to these bytes until it ends the connection. */
async function saidTo(bytes: string | Buffer): Promise<string> {
  const client = connect(socket);
  let said = '';
  client.on('data', (data) => (said += String(data))).on('error', () => undefined);
  client.write(bytes);
  await once(client, 'close', { signal: AbortSignal.timeout(30_000) });
  return said;
}

describe('a shared store, told nonsense', () => {
  for (const { says, bytes, answer } of [
    { says: 'text', bytes: 'GET / HTTP/1.1\r\n', answer: /something that is not JSON/ },
    { says: 'a list', bytes: '[]\n', answer: /not a request/ },
    { says: 'null', bytes: 'null\n', answer: /not a request/ },
    { says: 'no call it knows', bytes: '{"id":1,"do":"eval"}\n', answer: /not a request/ },
    {
      says: 'a call named as a property of objects',
      bytes: '{"id":1,"do":"constructor"}\n',
      answer: /not a request/,
    },
    {
      says: 'a prototype',
      bytes: '{"id":1,"do":"ping","__proto__":{}}\n',
      answer: /not a request/,
    },
    { says: 'a number as key', bytes: '{"id":1,"do":"get","key":7}\n', answer: /not a request/ },
    { says: 'no id', bytes: '{"do":"get","key":"/a"}\n', answer: /not a request/ },
    {
      says: 'a field too many',
      bytes: '{"id":1,"do":"get","key":"/a","and":1}\n',
      answer: /not a request/,
    },
    {
      says: 'writes that are none',
      bytes:
        '{"id":1,"do":"commit","guards":[],"writes":[{}],"session":"","slot":0,"sequence":0}\n',
      answer: /not a request/,
    },
    { says: 'bytes', bytes: Buffer.from([0xff, 0xfe, 0x00, 0x0a]), answer: /not JSON/ },
    {
      says: 'a line without end',
      bytes: Buffer.alloc((32 << 20) + 1, 'x'),
      answer: /a line of more than 33554432 bytes|^$/,
    },
  ]) {
    it(`ends the connection of one who sends ${says}`, async () => {
      assert.match(await saidTo(bytes), answer);
    });
  }

  it('refuses what the contract refuses, and another version, and goes on', async () => {
    const client = connect(socket);
    let said = '';
    client.on('data', (data) => (said += String(data)));
    client.write(
      '{"id":1,"do":"hello","version":99}\n{"id":2,"do":"range","prefix":"","limit":-1}\n',
    );
    client.write(
      '{"id":3,"do":"commit","guards":[],"writes":[{"put":"/a","value":""}],"session":"x","slot":0,"sequence":1}\n',
    );
    while (said.split('\n').length < 4) await once(client, 'data');
    assert.match(said, /"id":1,"fault":\{"code":"ledger-misuse"/);
    assert.match(said, /"id":2,"fault":\{"code":"ledger-misuse"/);
    assert.match(said, /"id":3,"ok":"session ended"/);
    client.destroy();
    assert.equal(await store.get('/a', never), undefined);
  });
});

describe('sharing a store', () => {
  it('makes the socket for owner and group, and takes it away when closed', async () => {
    const path = join(root, 'mode.sock');
    const one = await shareStore(store, path, deps);
    assert.equal(statSync(path).mode & 0o777, 0o660);
    await one.close();
    await one.close();
    assert.equal(existsSync(path), false);
  });

  it('is refused where somebody listens, and takes over where nobody does', async () => {
    await assert.rejects(shareStore(store, socket, deps), LedgerInUse);
    const path = join(root, 'stale.sock');
    // Closing removes the name that was listened on; a second name is left behind, as by a crash.
    const crashed = await shareStore(store, `${path}-first`, deps);
    linkSync(`${path}-first`, path);
    await crashed.close();
    const one = await shareStore(store, path, deps);
    const client = await connectStore(path, deps);
    await client.commit({ guards: [], writes: [{ put: '/b', value: '1' }] }, never);
    assert.equal((await store.get('/b', never))?.value, '1');
    await client.close();
    await one.close();
  });

  it('removes nothing that is not a socket', async () => {
    const path = join(root, 'file');
    writeFileSync(path, 'precious');
    await assert.rejects(shareStore(store, path, deps), { code: 'EADDRINUSE' });
    assert.equal(readFileSync(path, 'utf8'), 'precious');
  });

  it('is missed by a client when nobody serves it', async () => {
    const path = join(root, 'nobody.sock');
    await assert.rejects(connectStore(path, { ...deps, callWithinMs: 300 }), LedgerUnreachable);
  });
});
