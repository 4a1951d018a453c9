import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Registry } from 'prom-client';
import type { ConsoleDeps } from '../../src/console/deps.ts';
import { clusterMetrics } from '../../src/console/metrics.ts';
import { createConsole, routesOf } from '../../src/console/server.ts';
import type { Verdict } from '../../src/core/admit.ts';
import { explain } from '../../src/core/explain.ts';
import { place } from '../../src/core/place.ts';
import type { VerdictRecord } from '../../src/core/records.ts';
import { describe as inWords } from '../../src/core/shortage.ts';
import { Snapshot } from '../../src/core/snapshot.ts';
import { LedgerUnreachable } from '../../src/ledger/errors.ts';
import { type Listening, listen } from '../../src/plumbing/listen.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { demandOfApp } from '../../src/cluster/marathon/demand.ts';
import type { JsonObject } from '../../src/cluster/marathon/json.ts';

const picture = new Snapshot();
picture.setPool('rack-1', {
  v: 1,
  cidr: '192.0.2.0/24',
  ranges: [{ from: '192.0.2.10', to: '192.0.2.19' }],
  exclude: [],
  gateway: '192.0.2.1',
  vlan: 7,
  nodes: {},
});
picture.setNetwork('prod', {
  v: 1,
  pools: ['rack-1'],
  attachment: 'bridge',
  defaultInKbit: 1000,
  defaultOutKbit: 2000,
});
for (const name of ['n1.example.org', 'n2.example.org']) {
  picture.setNode(name, {
    v: 1,
    linkInKbit: 1_000_000,
    linkOutKbit: 1_000_000,
    overcommit: 1,
    headroom: 0.95,
    attributes: { rack: 'r1' },
  });
  picture.setFacts(name, {
    attributes: { rack: 'r1' },
    offered: true,
    cpus: 4,
    memMiB: 4096,
    diskMiB: 10_000,
    gpus: 0,
    ports: [[31_000, 31_009]],
  });
}
picture.setTally('n1.example.org', {
  v: 1,
  netInKbit: 3000,
  netOutKbit: 4000,
  pools: { 'rack-1': 2 },
  apps: { '/shop/web': { prod: 2 } },
});
picture.setReservation('/shop/web', {
  v: 1,
  id: 'op-1',
  target: 3,
  demand: {
    cpus: 1,
    memMiB: 128,
    diskMiB: 0,
    gpus: 0,
    ports: { any: 0, fixed: [] },
    addresses: [{ network: 'prod', netInKbit: 1000, netOutKbit: 2000 }],
  },
  constraints: [],
  witness: [['n2.example.org', 1]],
  draws: [['rack-1', 1]],
  sequence: 5,
  sinceMs: 0,
  deadlineMs: 1_800_000,
  fingerprint: 'f',
  until: 'leases',
  growInKbit: 0,
  growOutKbit: 0,
});

const verdict = (app: string, answer: VerdictRecord['answer']): VerdictRecord => ({
  v: 1,
  atMs: 1000,
  change: `POST /v2/apps`,
  apps: [app],
  answer,
  message: `${app}: ${answer}`,
  revision: 9,
  sequence: 5,
  asks: [],
  nodes: [{ node: 'n1.example.org', fits: 0, short: 'no address' }],
});
/** 250 of them, newest first: v000, v001, ... every tenth refused. */
const log = Array.from({ length: 250 }, (_, at) => ({
  id: `v${String(at).padStart(3, '0')}`,
  record: verdict(at % 2 === 0 ? '/a' : '/b', at % 10 === 0 ? 'refuse' : 'admit'),
}));
const verdicts: ConsoleDeps['verdicts'] = {
  list: async ({ before, limit }) => {
    const from = before === undefined ? 0 : log.findIndex(({ id }) => id === before) + 1;
    const page = log.slice(from, from + limit);
    return { verdicts: page, ...(from + limit < log.length && { next: page.at(-1)!.id }) };
  },
  get: async (id) => log.find((item) => item.id === id)?.record,
};

const context = {
  networks: picture.networks(),
  rateNames: { in: 'net_in', out: 'net_out' },
  secretPolicy: 'refuse',
  bridgeName: 'mesos-bridge',
} as const;
async function plan(body: unknown): Promise<Verdict> {
  const { demand, instances, constraints } = demandOfApp(body as JsonObject, context);
  const app = '/shop/cart';
  const ask = { app, instances, demand, constraints, placed: [], total: instances };
  const placed = place(picture.room(), ask);
  if (!placed.fits)
    return {
      answer: 'refuse',
      app,
      ...inWords(placed.shortage),
      nodes: explain(picture.room(), ask),
    };
  const claim = {
    app,
    kind: 'create',
    demand,
    constraints,
    instances,
    peak: instances,
    heldOn: new Map(),
    placed: [],
    mayHold: false,
    mayReroute: false,
  } as const;
  const grant = { claim, instances, target: instances, witness: placed.witness, inject: [] };
  return { answer: 'admit', grants: [grant], message: 'it fits' };
}

const registry = new Registry();
clusterMetrics(registry, () => picture);
const faulty = { reads: undefined as Error | undefined, hang: false };
const deps: ConsoleDeps = {
  snapshot: () => picture,
  verdicts,
  held: async (signal) => {
    if (faulty.reads) throw faulty.reads;
    if (faulty.hang)
      await new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(new Error('late'))),
      );
    return [
      { app: '/shop/mail', record: { v: 1, wanted: 5, allowed: 2, why: 'no address', sinceMs: 0 } },
    ];
  },
  plan,
  ready: async () => [
    { name: 'ledger', ready: !faulty.reads },
    { name: 'mesos', ready: true, detail: '2 nodes' },
  ],
  registry,
  log: silentLog,
  names: ['console.example.org', '2001:db8::1'],
  maxBodyBytes: 2000,
  withinMs: 400,
};

let served: Listening;
before(
  async () =>
    (served = await listen(createConsole(deps).callback(), { host: '127.0.0.1', port: 0 })),
);
after(() => served.close(1000));

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
  // Whatever the route says; the assertions look into it.
  readonly json: any;
}
const call = (
  path: string,
  { method = 'GET', body = '', headers = {} as Record<string, string> } = {},
) =>
  new Promise<Answer>((resolve, reject) => {
    const req = request({ port: served.port, path, method, headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const json =
          String(res.headers['content-type']).startsWith('application/json') && text
            ? JSON.parse(text)
            : undefined;
        resolve({ status: res.statusCode!, headers: res.headers, text, json });
      });
    });
    req.on('error', reject);
    req.end(body);
  });

describe('the console shows', () => {
  it('nodes by name, with what is left', async () => {
    const { status, json } = await call('/v1/nodes');
    assert.equal(status, 200);
    assert.deepEqual(
      json.nodes.map(({ name }: { name: string }) => name),
      ['n1.example.org', 'n2.example.org'],
    );
    assert.deepEqual(json.nodes[0], {
      name: 'n1.example.org',
      knownTo: { mesos: true, ledger: true },
      offered: true,
      pools: ['rack-1'],
      // 1,000,000 * 0.95 less the 3000 and 4000 held; 10 ports
      free: {
        cpus: 4,
        memMiB: 4096,
        diskMiB: 10_000,
        gpus: 0,
        ports: 10,
        netInKbit: 947_000,
        netOutKbit: 946_000,
      },
      held: { addresses: 2, netInKbit: 3000, netOutKbit: 4000 },
    });
    assert.equal(json.next, undefined);
  });

  it('nodes page by page', async () => {
    const first = await call('/v1/nodes?limit=1');
    assert.deepEqual([first.json.nodes.length, first.json.next], [1, 'n1.example.org']);
    const second = await call('/v1/nodes?limit=1&after=n1.example.org');
    assert.deepEqual([second.json.nodes[0].name, second.json.next], ['n2.example.org', undefined]);
  });

  it('one node, with link and apps', async () => {
    const { json } = await call('/v1/nodes/n1.example.org');
    assert.deepEqual(json.link, {
      inKbit: 1_000_000,
      outKbit: 1_000_000,
      headroom: 0.95,
      overcommit: 1,
    });
    assert.deepEqual(json.apps, { '/shop/web': { prod: 2 } });
    assert.deepEqual(json.attributes, { rack: 'r1' });
  });

  it('pools, with addresses by state', async () => {
    const { json } = await call('/v1/pools');
    assert.deepEqual(json.pools, [
      {
        name: 'rack-1',
        network: 'prod',
        cidr: '192.0.2.0/24',
        vlan: 7,
        gateway: '192.0.2.1',
        nodes: {},
        addresses: { size: 10, held: 0, promised: 1, cooling: 0, quarantined: 0, free: 9 },
      },
    ]);
  });

  it('networks, with the sums of their pools', async () => {
    const { json } = await call('/v1/networks');
    assert.deepEqual(json.networks, [
      {
        name: 'prod',
        attachment: 'bridge',
        pools: ['rack-1'],
        defaultInKbit: 1000,
        defaultOutKbit: 2000,
        addresses: { size: 10, held: 0, free: 9 },
      },
    ]);
  });

  it('reservations, with what is still owed', async () => {
    const {
      json: {
        reservations: [one],
      },
    } = await call('/v1/reservations');
    assert.deepEqual([one.app, one.target, one.held, one.owed], ['/shop/web', 3, 2, 1]);
    assert.deepEqual(
      [one.witness, one.deadline],
      [{ 'n2.example.org': 1 }, '1970-01-01T00:30:00.000Z'],
    );
  });

  it('held apps', async () => {
    const { json } = await call('/v1/held');
    assert.deepEqual(json.held, [
      {
        app: '/shop/mail',
        wanted: 5,
        allowed: 2,
        why: 'no address',
        since: '1970-01-01T00:00:00.000Z',
      },
    ]);
  });

  it('a description of itself with every route', async () => {
    const { json } = await call('/openapi.json');
    assert.equal(json.openapi, '3.1.0');
    for (const { method, path } of routesOf(deps))
      assert.ok(json.paths[path.replace(/:(\w+)/g, '{$1}')][method], path);
    const limit = json.paths['/v1/verdicts'].get.parameters.find(
      ({ name }: { name: string }) => name === 'limit',
    );
    assert.deepEqual([limit.in, limit.schema.maximum, limit.schema.default], ['query', 500, 50]);
  });

  it('metrics of the cluster and of itself', async () => {
    const { headers, text } = await call('/metrics');
    assert.match(String(headers['content-type']), /^text\/plain/);
    assert.match(text, /^corral_cluster_nodes\{offered="true"\} 2$/m);
    assert.match(text, /^corral_pool_addresses\{pool="rack-1",state="free"\} 9$/m);
    assert.match(text, /^corral_cluster_reservations 1$/m);
    assert.match(
      text,
      /corral_console_request_duration_seconds_count\{route="\/v1\/pools",method="GET",status="200"\} 1/,
    );
  });

  it('heads without bodies', async () => {
    const { status, text } = await call('/v1/pools', { method: 'HEAD' });
    assert.deepEqual([status, text], [200, '']);
  });
});

describe('the decision log', () => {
  const ids = async (query: string) => (await call(`/v1/verdicts${query}`)).json;
  for (const { says, query, count, first, next } of [
    { says: 'fifty by default', query: '', count: 50, first: 'v000', next: 'v049' },
    { says: 'as many as asked', query: '?limit=3', count: 3, first: 'v000', next: 'v002' },
    {
      says: 'from where the last page ended',
      query: '?limit=3&before=v002',
      count: 3,
      first: 'v003',
      next: 'v005',
    },
    {
      says: 'all of them, over several reads',
      query: '?limit=500',
      count: 250,
      first: 'v000',
      next: undefined,
    },
    { says: 'of one app', query: '?app=/b&limit=100', count: 100, first: 'v001', next: 'v199' },
    { says: 'with one answer', query: '?answer=refuse', count: 25, first: 'v000', next: undefined },
    {
      says: 'with both',
      query: '?answer=refuse&app=/b',
      count: 0,
      first: undefined,
      next: undefined,
    },
  ]) {
    it(says, async () => {
      const page = await ids(query);
      assert.deepEqual(
        [page.verdicts.length, page.verdicts[0]?.id, page.next],
        [count, first, next],
      );
    });
  }

  it('tells the whole story of one', async () => {
    const { json } = await call('/v1/verdicts/v010');
    assert.deepEqual(
      [json.answer, json.revision, json.at],
      ['refuse', 9, '1970-01-01T00:00:01.000Z'],
    );
    assert.deepEqual(json.nodes, [{ node: 'n1.example.org', fits: 0, short: 'no address' }]);
  });
});

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
    const socket = connect(served.port, '127.0.0.1');
    socket.write('POST /v1/plan HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{');
    assert.equal((await call('/v1/pools')).status, 200);
    const said = await new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(String(data))),
    );
    assert.match(said, /^HTTP\/1\.1 504 [\s\S]*"answer-late"/);
    socket.destroy();
  });
});

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
    const socket = connect(served.port, '127.0.0.1');
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
    const { status, json } = await call('/v1/held');
    assert.deepEqual([status, json.error.message], [504, 'there was no answer within 400 ms']);
  });
});
