import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { serveConsole } from './small-cluster.ts';

const { call } = serveConsole();
const hasty = serveConsole({}, 4_000);

describe('POST /v1/plan', () => {
  const post = (body: string, headers = {}) => call('/v1/plan', { method: 'POST', body, headers });
  const app = (instances: number) =>
    JSON.stringify({
      id: '/shop/cart',
      instances,
      networks: [{ name: 'prod', mode: 'container' }],
      cpus: 0.1,
    });

  it('says where an app fits', async () => {
    const { status, json } = await post(app(3));
    assert.equal(status, 200);
    assert.equal(json.answer, 'admit');
    assert.deepEqual(
      [json.apps[0].app, json.apps[0].instances, json.apps[0].pools],
      ['/shop/cart', 3, { 'rack-1': 3 }],
    );
  });

  it('says why it does not', async () => {
    const { status, json } = await post(app(30));
    assert.equal(status, 200);
    assert.equal(json.answer, 'refuse');
    assert.match(json.message, /cannot launch 30 instances of \/shop\/cart/);
    assert.ok(json.remedy.length > 0);
    assert.deepEqual(
      json.nodes.map(({ node }: { node: string }) => node),
      ['n1.example.org', 'n2.example.org'],
    );
  });

  for (const { says, body, status, code } of [
    { says: 'what is no JSON', body: '{', status: 400, code: 'bad-json' },
    { says: 'nothing', body: '', status: 400, code: 'bad-json' },
    { says: 'keys given twice', body: '{"id":"/a","id":"/b"}', status: 400, code: 'bad-json' },
    {
      says: 'too much',
      body: JSON.stringify({ pad: 'x'.repeat(3000) }),
      status: 413,
      code: 'plan-too-large',
    },
    {
      says: 'an app that cannot be counted',
      body: '{"instances":-1}',
      status: 422,
      code: 'bad-body',
    },
  ]) {
    it(`refuses ${says}`, async () => {
      const answer = await post(body);
      assert.deepEqual([answer.status, answer.json.error.code], [status, code]);
    });
  }

  it('refuses too much without a length', async () => {
    const answer = await post('x'.repeat(3000), { 'Transfer-Encoding': 'chunked' });
    assert.deepEqual([answer.status, answer.headers['connection']], [413, 'close']);
  });

  it('serves others while a client is slow, and gives up on it', async () => {
    const socket = connect(hasty.port(), '127.0.0.1');
    socket.write('POST /v1/plan HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{');
    assert.equal((await hasty.call('/v1/pools')).status, 200);
    const said = await new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(String(data))),
    );
    assert.match(said, /^HTTP\/1\.1 504 [\s\S]*"answer-late"/);
    socket.destroy();
  });
});
