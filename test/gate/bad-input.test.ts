import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestCluster, type TestCluster } from './cluster.ts';
import { type RawAnswer, sendRaw } from './raw.ts';
import { plainApp, webApp, webPod } from './specs.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await startTestCluster({ virtual: true });
});
after(() => cluster.stop());

/** Refused in Marathon's shape; Marathon has not heard of it and nothing is promised. */
async function refuses(
  status: number,
  send: () => Promise<{ readonly status: number; readonly text: string }>,
): Promise<string> {
  const known = cluster.arrived().length;
  const promised = (await cluster.reservations()).size;
  const answer = await send();
  assert.equal(answer.status, status, answer.text);
  const { message } = JSON.parse(answer.text) as { message: unknown };
  assert(typeof message === 'string' && message.length > 10, answer.text);
  assert.equal(cluster.arrived().length, known);
  assert.equal((await cluster.reservations()).size, promised);
  return message;
}

const post = (body: string | Buffer, path = '/v2/apps'): Promise<RawAnswer> =>
  sendRaw(cluster.gate.url, { method: 'POST', path, body: body.length > 0 ? [body] : [] });

const text = JSON.stringify(webApp('/bad/web'));

describe('bodies that are no JSON', () => {
  for (const [says, body, message] of [
    ['nothing', '', /empty/],
    ['blanks', '  \n ', /./],
    ['half of one', text.slice(0, 50), /./],
    ['a comma too many', '{"id":"/bad/web",}', /./],
    ['single quotes', "{'id':'/bad/web'}", /./],
    ['a comment', '{"id":"/bad/web"/* so */}', /./],
    ['NaN', '{"id":"/bad/web","instances":NaN}', /./],
    ['a key twice', '{"id":"/bad/web","instances":1,"instances":100}', /instances/],
    ['a key twice, once escaped', '{"id":"/bad/web","cpus":1,"cpu\\u0073":100}', /cpus/],
    ['deep nesting', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, /deep|nest/],
    ['deep objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, /deep|nest/],
    ['a number beyond doubles', '{"id":"/bad/web","instances":1e999}', /./],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), /UTF-8/],
    ['a second value', `${text}${text}`, /./],
    ['a zero byte behind', `${text}\u0000`, /./],
  ] as const) {
    it(says, async () => assert.match(await refuses(400, () => post(body)), message));
  }
  it('over 4 MiB, announced or not', async () => {
    const big = Buffer.alloc(5 * 1024 * 1024, 0x20);
    const headers = { 'Content-Length': String(big.length) };
    const raw = { method: 'POST', path: '/v2/apps', body: [big] };
    const { url } = cluster.gate;
    assert.match(await refuses(413, () => sendRaw(url, { ...raw, headers })), /4194304 bytes/);
    assert.match(await refuses(413, () => sendRaw(url, raw)), /4194304 bytes/);
  });
  it('compressed', async () => {
    const headers = { 'Content-Encoding': 'gzip' };
    const raw = { method: 'POST', path: '/v2/apps', headers, body: [text] };
    await refuses(415, () => sendRaw(cluster.gate.url, raw));
  });
});

describe('bodies of the wrong shape', () => {
  for (const [says, path, body] of [
    ['an array where an app belongs', '/v2/apps', [webApp('/bad/web')]],
    ['text where an app belongs', '/v2/apps', 'web'],
    ['null', '/v2/apps', null],
    ['an app without an id', '/v2/apps', plainApp(undefined as unknown as string)],
    ['a group of a list', '/v2/groups', []],
    ['apps that are no list', '/v2/groups/bad', { apps: {} }],
    ['a pod without containers', '/v2/pods', { id: '/bad/pod' }],
    ['a pod without an absolute id', '/v2/pods', webPod('pod')],
    ['ids that are no list', '/v2/tasks/delete', { ids: 'all' }],
    ['ids that are no text', '/v2/tasks/delete', { ids: [1] }],
    ...(
      [
        { instances: -1 },
        { instances: 2.5 },
        { instances: '3' },
        { instances: 3_000_000_000 },
        { instances: 1e300 },
        { instances: true },
        { instances: [] },
        { cpus: -0.1 },
        { cpus: '1' },
        { mem: {} },
        { gpus: 0.5 },
        { env: { net_in: 5 } },
        { env: { net_in: null } },
        { env: 'net_in=5' },
        { env: { net_in: { secret: 'rate' } } },
        { env: { net_in: 'NaN' } },
        { env: { net_out: '-5mbit' } },
        { env: { net_out: '1e400' } },
        { env: { net_out: '0.0' } },
        { env: { net_out: '.' } },
        { env: { net_out: '10;rm -rf /' } },
        { env: { net_out: '10mbit\n' } },
        { env: { net_out: '' } },
        { env: { net_out: '99999999999999999999tbit' } },
        { networks: 'prod' },
        { networks: [{ mode: 'overlay' }] },
        { networks: [{ mode: 'container', name: 'prod', labels: { net_in: 'fast' } }] },
        { constraints: [['hostname', 'UNIQUE', 1]] },
        { constraints: ['hostname:UNIQUE'] },
        { container: { type: 'LXC' } },
        { upgradeStrategy: { minimumHealthCapacity: 2, maximumOverCapacity: 1 } },
        { upgradeStrategy: { minimumHealthCapacity: 'NaN', maximumOverCapacity: 1 } },
      ] as const
    ).map((more) => [JSON.stringify(more), '/v2/apps', webApp('/bad/web', more)] as const),
  ] as const) {
    it(says, async () => {
      await refuses(422, () => cluster.request('POST', path, JSON.stringify(body)));
    });
  }
});

describe('hostile ids', () => {
  for (const id of [
    '/',
    '/../..',
    '/bad/./web',
    '/Bad',
    '/bad/we b',
    '/bad/web\u0000',
    '/bad/web\r\nX-Evil: 1',
    '/bad/%2e%2e/x',
    '/bad/restart',
    '/bad/tasks',
    '/-bad',
    '/bad/{web}',
    '/bad/wéb',
    `/${'a/'.repeat(5_000)}b`,
    '__proto__',
  ]) {
    it(JSON.stringify(id.slice(0, 40)), async () => {
      const known = cluster.arrived().length;
      const answer = await cluster.request('POST', '/v2/apps', webApp(id));
      assert(answer.status === 400 || answer.status === 422, answer.text);
      assert.equal(cluster.arrived().length, known);
    });
  }
});

describe('hostile constraints', () => {
  const other = plainApp('/calm/web');
  it('a catastrophic regex stalls nothing', async () => {
    const hosts = `${'a'.repeat(200)}!`;
    const constraints = [
      ['hostname', 'UNLIKE', '(a+)+$'],
      ['rack', 'LIKE', `(.*)*${hosts}`],
    ];
    const hostile = Array.from({ length: 8 }, (_, i) =>
      cluster.request('POST', '/v2/apps', webApp(`/evil/web-${i}`, { constraints })),
    );
    const read = await cluster.request('GET', '/v2/apps');
    assert.equal(read.status, 200);
    const calm = await cluster.request('POST', '/v2/apps', other);
    assert.equal(calm.status, 201, calm.text);
    for (const answer of await Promise.all(hostile)) assert(answer.status < 500, answer.text);
  });
  for (const pattern of ['(', '[z-a]', '(?<=a)b', '\\1(a)', 'a{1000000000}', '('.repeat(5_000)]) {
    it(`the pattern ${pattern.slice(0, 20)} counts on no node`, async () => {
      const constraints = [['hostname', 'LIKE', pattern]];
      const known = cluster.arrived().length;
      const answer = await cluster.request('POST', '/v2/apps', webApp('/evil/p', { constraints }));
      assert.equal(answer.status, 422, answer.text);
      assert.equal(cluster.arrived().length, known);
    });
  }
});
