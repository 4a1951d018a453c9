import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import process from 'node:process';
import { NothingCame, Patience } from '../../../src/cluster/mesos/patience.ts';

const timers = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

describe('a wait that goes on as long as something happens', () => {
  it('is over once nothing came for so long', async () => {
    const patience = new Patience(new AbortController().signal, 5);
    await new Promise((resolve) => patience.signal.addEventListener('abort', resolve));
    assert.ok(patience.signal.reason instanceof NothingCame);
  });

  it('hears what came while the process stood still', async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    t.after(() => socket.destroy());
    const [[peer]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [
      [Socket],
      unknown,
    ];
    let patience: Patience | undefined;
    socket.on('data', () => patience?.within(180_000));
    setImmediate(() => {
      patience = new Patience(new AbortController().signal, 50);
      peer.write('here');
      for (const untilMs = performance.now() + 200; performance.now() < untilMs;); // nothing else runs
    });
    await once(socket, 'data');
    await new Promise(setImmediate);
    assert.equal(patience?.signal.aborted, false);
    patience.end();
  });

  it('keeps no process alive once what it is part of has ended, whoever forgot it', () => {
    const [outer, before] = [new AbortController(), timers()];
    const patience = new Patience(outer.signal, 60_000);
    assert.equal(timers(), before + 1);
    outer.abort(new Error('stopped'));
    assert.equal(timers(), before);
    patience.renew();
    assert.equal(timers(), before);
  });
});
