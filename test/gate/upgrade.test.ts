import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { refusedUpgrade } from '../../src/gate/upgrade.ts';
import { type Upstream, startUpstream } from '../fakes/upstream.ts';
import { type Gate, speak, startGate } from './forward-rig.ts';

describe('refusedUpgrade', () => {
  for (const { says, upgrade, gives } of [
    { says: 'asks for nothing', upgrade: undefined, gives: undefined },
    { says: 'lets an offer of HTTP/2 be ignored', upgrade: 'h2c', gives: undefined },
    { says: 'finds the WebSocket among others', upgrade: 'h2c, WebSocket', gives: 'WebSocket' },
    { says: 'does not mind empty places', upgrade: ' , ', gives: undefined },
  ]) {
    it(says, () => {
      const headers = upgrade === undefined ? {} : { upgrade };
      assert.equal(refusedUpgrade({ headers } as IncomingMessage), gives);
    });
  }
});

describe('an upgrade through the gate', () => {
  let upstream: Upstream;
  let gate: Gate;
  before(async () => {
    upstream = await startUpstream((_, res) => res.end('plain'));
    gate = await startGate([upstream.url]);
  });
  after(async () => {
    await gate.close();
    await upstream.close();
  });
  const asking = (protocol: string) =>
    speak(
      gate,
      `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMA\r\n\r\n`,
    );

  it('is refused in words when it cannot do without', async () => {
    const answer = await asking('websocket');
    assert.match(answer, /^HTTP\/1\.1 501 /);
    assert.match(answer, /an upgrade to \\"websocket\\" is not passed on/);
    assert.deepEqual(upstream.seen, []);
  });

  it('to h2c is ignored and leaves nothing to smuggle by', async () => {
    const answer = await asking('h2c');
    assert.match(answer, /^HTTP\/1\.1 200 [^]*plain$/);
    const [seen] = upstream.seen;
    assert.deepEqual(
      [seen?.headers.upgrade, seen?.headers['http2-settings']],
      [undefined, undefined],
    );
  });
});
