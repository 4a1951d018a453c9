import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, describe, it } from 'node:test';
import { LedgerUnreachable } from '../../src/ledger/errors.ts';
import { type Faulty, serveConsole } from './small-cluster.ts';

const faulty: Faulty = {};
const { call, port } = serveConsole(faulty);
const hasty = serveConsole(faulty, 400);

describe('the console refuses', () => {
  for (const { says, path, method = 'GET', headers = {}, status, code, message } of [
    {
      says: 'paths it does not serve',
      path: '/v2/apps',
      status: 404,
      code: 'no-such-path',
      message: 'the console serves nothing at "/v2/apps"',
    },
    {
      says: 'the root, until there is a page',
      path: '/',
      status: 404,
      code: 'no-such-path',
      message: 'the console serves nothing at "/"',
    },
    {
      says: 'nodes it does not know',
      path: '/v1/nodes/n9',
      status: 404,
      code: 'not-known',
      message: 'there is no node "n9"',
    },
    {
      says: 'verdicts it does not know',
      path: '/v1/verdicts/zzz',
      status: 404,
      code: 'not-known',
      message: 'there is no verdict "zzz"',
    },
    {
      says: 'ids that are none',
      path: '/v1/verdicts/..%2f..%2fx',
      status: 404,
      code: 'not-known',
      message: 'there is no verdict "../../x"',
    },
    {
      says: 'limits out of range',
      path: '/v1/verdicts?limit=0&answer=maybe',
      status: 400,
      code: 'bad-query',
      message:
        'the query is not usable: limit must be greater than or equal to 1; answer must be one of [admit, reroute, hold, refuse, pass]',
    },
    {
      says: 'unknown parameters',
      path: '/v1/nodes?limt=1',
      status: 400,
      code: 'bad-query',
      message: 'the query is not usable: limt is not allowed',
    },
    {
      says: 'a parameter given twice',
      path: '/v1/nodes?limit=1&limit=2',
      status: 400,
      code: 'bad-query',
      message: 'the query is not usable: limit must be a number',
    },
    {
      says: 'strange hosts',
      path: '/v1/pools',
      headers: { Host: 'evil.example.org:8090' },
      status: 403,
      code: 'wrong-host',
      message: 'the console does not answer to the host "evil.example.org:8090"',
    },
    {
      says: 'hosts that only look local',
      path: '/v1/pools',
      headers: { Host: 'localhost.evil.example.org' },
      status: 403,
      code: 'wrong-host',
      message: 'the console does not answer to the host "localhost.evil.example.org"',
    },
    {
      says: 'writing what is read',
      path: '/v1/pools',
      method: 'DELETE',
      status: 405,
      code: 'wrong-method',
      message: 'DELETE is not served at "/v1/pools", only GET, HEAD',
    },
    {
      says: 'preflights: there is no CORS',
      path: '/v1/plan',
      method: 'OPTIONS',
      status: 405,
      code: 'wrong-method',
      message: 'OPTIONS is not served at "/v1/plan", only POST',
    },
  ] as {
    says: string;
    path: string;
    method?: string;
    headers?: Record<string, string>;
    status: number;
    code: string;
    message: string;
  }[]) {
    it(says, async () => {
      const answer = await call(path, { method, headers });
      assert.deepEqual(
        [answer.status, answer.json.error.code, answer.json.error.message],
        [status, code, message],
      );
      assert.ok(answer.json.error.remedy.length > 0);
      assert.equal(answer.headers['access-control-allow-origin'], undefined);
    });
  }

  it('an empty host', async () => {
    const socket = connect(port(), '127.0.0.1');
    socket.write('GET /v1/pools HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n');
    const said = await new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(String(data))),
    );
    assert.match(said, /^HTTP\/1\.1 403 [\s\S]*"wrong-host"/);
  });

  it('and lists what is allowed', async () =>
    assert.equal((await call('/v1/plan')).headers['allow'], 'POST'));

  it('malformed percent-encoding without falling over', async () => {
    const { status, json } = await call('/v1/nodes/%zz');
    assert.ok(status === 404 || status === 400, String(status));
    assert.ok(json.error.code);
  });

  for (const host of [
    'localhost',
    'LOCALHOST:8090',
    '127.0.0.1:1',
    '[::1]:8090',
    'console.example.org',
    'console.example.org.:80',
    '[2001:db8::1]:8090',
  ])
    it(`but answers to ${host}`, async () =>
      assert.equal((await call('/v1/pools', { headers: { Host: host } })).status, 200));
});

describe('when something is down', () => {
  after(() => Object.assign(faulty, { reads: undefined, hang: false }));

  it('is ready while all is', async () => {
    const { status, json } = await call('/ready');
    assert.deepEqual(
      [status, json],
      [
        200,
        {
          ready: true,
          items: [
            { name: 'ledger', ready: true },
            { name: 'mesos', ready: true, detail: '2 nodes' },
          ],
        },
      ],
    );
  });

  it('says what is not', async () => {
    faulty.reads = new LedgerUnreachable('a range', 1000);
    const { status, json } = await call('/ready');
    assert.deepEqual(
      [status, json.ready, json.items[0]],
      [503, false, { name: 'ledger', ready: false }],
    );
  });

  it('answers 503 with the reason', async () => {
    const { status, json } = await call('/v1/held');
    assert.deepEqual([status, json.error.code], [503, 'ledger-unreachable']);
  });

  it('keeps what nobody foresaw to itself', async () => {
    faulty.reads = new TypeError('secret of line 7');
    const { status, text, json } = await call('/v1/held');
    assert.deepEqual([status, json.error.code], [500, 'internal']);
    assert.doesNotMatch(text, /secret|TypeError|\.ts/);
  });

  it('gives up at its deadline', async () => {
    Object.assign(faulty, { reads: undefined, hang: true });
    const { status, json } = await hasty.call('/v1/held');
    assert.deepEqual([status, json.error.message], [504, 'there was no answer within 400 ms']);
  });
});
