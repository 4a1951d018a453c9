import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { routesOf } from '../../src/console/server.ts';
import { depsWith, serveConsole } from './small-cluster.ts';

const { call } = serveConsole();

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
        addresses: {
          size: 10,
          held: 0,
          promised: 1,
          cooling: 0,
          quarantined: 0,
          spare: 0,
          free: 9,
        },
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

  it('launches that nodes refused, page by page', async () => {
    const first = await call('/v1/failures?limit=1');
    assert.deepEqual(first.json, {
      failures: [
        {
          id: '0abc-1',
          first: '1970-01-01T00:00:01.000Z',
          last: '1970-01-01T00:00:02.000Z',
          count: 7,
          app: '/shop/web',
          task: 'shop_web.1',
          node: 'n1.example.org',
          network: 'prod',
          short: 'address',
          why: 'none of 10 is free',
        },
      ],
      next: '0abc-1',
    });
    const second = await call(`/v1/failures?before=${first.json.next}`);
    assert.deepEqual([second.json.failures.length, second.json.next], [1, undefined]);
    assert.equal((await call('/v1/failures?before=%00')).status, 400);
  });

  it('nodes that are kept out of offers, and what that costs', async () => {
    const { json } = await call('/v1/fence');
    assert.deepEqual([json.mode, json.force.isAble, json.nodes.length], ['on', true, 1]);
    const [one] = json.nodes;
    assert.deepEqual(
      [one.node, one.state, one.agent, one.why, one.figures.addresses, one.since],
      ['n1.example.org', 'closed', 'S1', 'no addresses left', 0, '1970-01-01T00:00:00.000Z'],
    );
    assert.equal(json.stranded.cpus, one.free.cpus);
    assert.deepEqual(json.left[0].who, 'ann');
    assert.deepEqual(json.foreign, [{ node: 'n3.example.org', says: 'an operator drains it' }]);
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
        ...{ by: 'gate', state: 'waiting', priority: 0, cycles: 0 },
      },
    ]);
  });

  it('a description of itself with every route', async () => {
    const { json } = await call('/openapi.json');
    assert.equal(json.openapi, '3.1.0');
    for (const { method, path } of routesOf(depsWith({})))
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
