import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import { sendRaw } from './raw.ts';
import { webApp } from './specs.ts';
import { promisedBelow, started, verdictOf } from './started.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await startTestCluster({ virtual: true, topology: smallTopology(200) });
});
after(() => cluster.stop());

const lastTarget = (): string | undefined => cluster.arrived().at(-1)?.target;

describe('trap 1: who a request is about', () => {
  it('trap 1: the body names the group, not the URL', async () => {
    const body = { id: '/t1b', apps: [webApp('/t1b/web')] };
    const answer = await cluster.request('POST', '/v2/groups/t1a', body);
    assert.equal(answer.status, 201, answer.text);
    assert.deepEqual(await promisedBelow(cluster, '/t1b'), { '/t1b/web': 1 });
    assert.deepEqual(await promisedBelow(cluster, '/t1a'), {});
  });
  it('trap 1: the URL names the app of a single PUT', async () => {
    const answer = await cluster.request('PUT', '/v2/apps/t1c/web', webApp('/t1d/web'));
    assert.equal(answer.status, 201, answer.text);
    assert.deepEqual(await promisedBelow(cluster, '/t1c'), { '/t1c/web': 1 });
    assert.deepEqual(await promisedBelow(cluster, '/t1d'), {});
  });
  it('trap 1: an id written loosely is the canonical one in the ledger', async () => {
    const answer = await cluster.request('POST', '/v2/apps', webApp('t1e/x/../web/'));
    assert.equal(answer.status, 201, answer.text);
    assert.deepEqual(await promisedBelow(cluster, '/t1e'), { '/t1e/web': 1 });
  });
});

describe('trap 21: the Content-Type says nothing', () => {
  const body = (id: string) => [JSON.stringify(webApp(id))];
  for (const [at, headers] of [
    {},
    { 'Content-Type': '*/*' },
    { 'Content-Type': 'application/json; charset=utf-8' },
  ].entries()) {
    it(`trap 21: judged with ${JSON.stringify(headers)}`, async () => {
      const id = `/t21/web-${at}`;
      const raw = { method: 'POST', path: '/v2/apps', headers, body: body(id) };
      const answer = await sendRaw(cluster.gate.url, raw);
      assert.equal(answer.status, 201, answer.text);
      assert.equal((await promisedBelow(cluster, '/t21'))[id], 1);
    });
  }
  it('trap 21: a group in plain text is judged', async () => {
    const headers = { 'Content-Type': 'text/plain' };
    const group = [JSON.stringify({ apps: [webApp('/t21g/web')] })];
    const raw = { method: 'PUT', path: '/v2/groups/t21g', headers, body: group };
    const answer = await sendRaw(cluster.gate.url, raw);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(await promisedBelow(cluster, '/t21g'), { '/t21g/web': 1 });
  });
});

describe('trap 22: what Marathon would read and JSON.parse would not', () => {
  const text = JSON.stringify(webApp('/t22/web'));
  for (const [says, body] of [
    ['a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)])],
    ['UTF-16', Buffer.from(text, 'utf16le')],
    ['UTF-16 with its mark', Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['more after the first value', Buffer.from(`${text} {"instances":100}`)],
    ['garbage after the first value', Buffer.from(`${text}!`)],
  ] as const) {
    it(`trap 22: ${says} is refused and not forwarded`, async () => {
      const known = cluster.arrived().length;
      const raw = { method: 'POST', path: '/v2/apps', body: [body] };
      const answer = await sendRaw(cluster.gate.url, raw);
      assert.equal(answer.status, 400, answer.text);
      assert.match((JSON.parse(answer.text) as { message: string }).message, /json/i);
      assert.equal(cluster.arrived().length, known);
      assert.deepEqual(await promisedBelow(cluster, '/t22'), {});
    });
  }
});

describe('trap 23: one app, many paths', () => {
  before(() => started(cluster, webApp('/t23/web')));
  for (const path of [
    '/v2/apps/t23/web',
    '/v2/apps//t23//web',
    '//v2/apps/t23/web',
    '/v2/apps/%2Ft23%2Fweb',
    '/v2/apps/x/../t23/web',
    '/v2/apps/t23/%77eb',
    '/v2/apps;x=1/t23;y/web',
    '/v2/apps/t23/web/',
  ]) {
    it(`trap 23: ${path} is judged, and Marathon gets the canonical path`, async () => {
      const raw = { method: 'PUT', path: `${path}?force=true`, body: ['{"instances":2}'] };
      const answer = await sendRaw(cluster.gate.url, raw);
      assert.equal(answer.status, 200, answer.text);
      assert.notEqual(answer.headers['corral-verdict'], undefined);
      assert.equal(lastTarget(), '/v2/apps/t23/web?force=true');
      assert.deepEqual(await promisedBelow(cluster, '/t23'), { '/t23/web': 2 });
    });
  }
  for (const path of ['/v2/apps/..%2fpods%2fx', '/v2/./apps', '/v2/%61pps/t23/web']) {
    it(`trap 23: ${path} can be read in two ways, so it is refused`, async () => {
      const known = cluster.arrived().length;
      const raw = { method: 'PUT', path, body: ['{"instances":9}'] };
      assert.equal((await sendRaw(cluster.gate.url, raw)).status, 400);
      assert.equal(cluster.arrived().length, known);
    });
  }
});

describe('trap 24: flags by the rule of Jersey', () => {
  before(() => started(cluster, webApp('/t24/web', { instances: 2 }), webApp('/t24g/web')));
  it('trap 24: force=True is true, and arrives as such', async () => {
    await cluster.request('PUT', '/v2/apps/t24/web?force=True', { instances: 3 });
    assert.equal(lastTarget(), '/v2/apps/t24/web?force=true');
  });
  it('trap 24: partialUpdate=yes is false: what is left out is lost', async () => {
    const path = '/v2/apps/t24/web?partialUpdate=yes&force=true';
    const answer = await cluster.request('PUT', path, { cmd: 'sleep 1', instances: 9 });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(verdictOf(answer), 'pass'); // no network is left, so no address is asked for
    assert.equal(lastTarget(), '/v2/apps/t24/web?force=true&partialUpdate=false');
  });
  for (const query of ['dryRun=1', 'dryrun=true', 'dryRun=', 'dryRun=false&dryRun=true']) {
    it(`trap 24: ?${query} is no dry run`, async () => {
      const path = `/v2/groups/t24g?${query}&force=true`;
      const answer = await cluster.request('PUT', path, { scaleBy: 2 });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(verdictOf(answer), 'admit');
      assert(answer.json.deploymentId);
    });
  }
});

describe('trap 25: a standby loses a chunked body', () => {
  it('trap 25: a body that came in chunks leaves with its length', async () => {
    const text = JSON.stringify(webApp('/t25/web'));
    const body = [text.slice(0, 20), text.slice(20)];
    const answer = await sendRaw(cluster.gate.url, { method: 'POST', path: '/v2/apps', body });
    assert.equal(answer.status, 201, answer.text);
    const arrived = cluster.arrived().at(-1);
    assert.equal(arrived?.headers['content-length'], String(text.length));
    assert.equal(arrived.headers['transfer-encoding'], undefined);
    assert.equal(arrived.body.toString(), text);
  });
});

describe('trap 34: doors that can change everything', () => {
  it('trap 34: are shut unless a setting opens them', async () => {
    for (const [method, path] of [
      ['DELETE', '/v2/leader?restore=file%3A%2F%2F%2Fx'],
      ['POST', '/v2/plugins/any/path'],
    ] as const) {
      const known = cluster.arrived().length;
      const answer = await cluster.request(method, path);
      assert.equal(answer.status, 403);
      assert.match(answer.json.message as string, /allow it in the settings of the gate/);
      assert.equal(cluster.arrived().length, known);
    }
  });
});

describe('trap 35: arrays that repeat an id', () => {
  before(() => started(cluster, webApp('/t35/web')));
  it('trap 35: in order, the last wins, beside a creation', async () => {
    const body = [
      { id: '/t35/web', instances: 9 },
      webApp('/t35/new', { instances: 2 }),
      { id: '/t35/web', instances: 3 },
    ];
    const answer = await cluster.request('PUT', '/v2/apps', body);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(await promisedBelow(cluster, '/t35'), { '/t35/web': 3, '/t35/new': 2 });
    const { json } = await cluster.request('GET', '/v2/apps/t35/web');
    assert.equal(json.app.instances, 3);
  });
});
