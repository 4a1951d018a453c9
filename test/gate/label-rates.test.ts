import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import { type Spec, webApp } from './specs.ts';

const MANY = { networks: { prod: { netInKbit: 3_000, netOutKbit: 4_000 } } };

/** An app under Docker whose rates stand in its network's labels only. */
const labelled = (id: string, labels: Spec | undefined, more: Spec = {}): Spec =>
  webApp(id, {
    env: {},
    container: { type: 'DOCKER', docker: { image: 'example.org/web' } },
    networks: [{ mode: 'container', name: 'prod', ...(labels && { labels }) }],
    ...more,
  });

describe('rates in the labels of a network under Docker', { timeout: 550_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({
      topology: smallTopology(40),
      // a promise that is not sent within half of it is given back: the machine may stand still for seconds
      settings: { gate: { reservationKeptMs: 20_000 } },
    });
  });
  after(() => cluster.stop());
  beforeEach(() => cluster.intercept(undefined));

  const post = async (spec: Spec) => {
    const answer = await cluster.request('POST', '/v2/apps', spec);
    assert.equal(answer.status, 201, answer.text);
  };
  /** A client that comes too early is told so: the deployment before goes on. */
  const change = (path: string, spec: Spec) =>
    cluster.until(async () => {
      const answer = await cluster.request('PUT', path, spec);
      if (answer.status === 409) return false;
      assert.equal(answer.status, 200, answer.text);
      return true;
    }, `${path} is changed`);
  const said = (app: string) => cluster.gate.view.appRates.get(app)?.networks;
  const forgotten = (app: string) =>
    cluster.until(() => {
      for (const loop of cluster.gate.loops) loop.wake(); // instead of once a minute
      return said(app) === undefined;
    }, `nothing is said of ${app}`);
  /** In and out, kbit/s, of each instance that holds an address. */
  const limits = async (app: string) =>
    (await cluster.leases())
      .filter((lease) => lease.app === app)
      .map(({ counted }) => [counted?.netInKbit, counted?.netOutKbit]);
  const run = (app: string, ...rates: readonly (readonly [number, number])[]) =>
    cluster.until(
      async () => JSON.stringify(await limits(app)) === JSON.stringify(rates),
      `${app} runs with ${JSON.stringify(rates)}`,
    );

  it('are what the app is admitted with and its containers are limited to', async () => {
    await post(labelled('/web', { net_in: '3mbit', net_out: '4mbit' }));
    assert.deepEqual(said('/web'), MANY.networks);
    await run('/web', [3_000, 4_000]);
  });

  it('hold for what is added to it', async () => {
    await change('/v2/apps/web', { instances: 2 });
    await run('/web', [3_000, 4_000], [3_000, 4_000]);
    assert.deepEqual(said('/web'), MANY.networks);
  });

  it('give way to others with the definition, and are forgotten without', async () => {
    await change('/v2/apps/web', labelled('/web', { net_out: '5mbit' }, { instances: 2 }));
    assert.deepEqual(said('/web'), { prod: { netOutKbit: 5_000 } });
    await run('/web', [10_000, 5_000], [10_000, 5_000]);
    await change('/v2/apps/web', labelled('/web', undefined, { instances: 2 }));
    assert.equal(said('/web'), undefined);
    await run('/web', [10_000, 10_000], [10_000, 10_000]);
  });

  it('say nothing where the environment speaks', async () => {
    const env = { net_in: '2mbit' };
    await post(labelled('/env', { net_in: '3mbit', net_out: '4mbit' }, { env }));
    assert.deepEqual(said('/env'), { prod: { netOutKbit: 4_000 } });
    await run('/env', [2_000, 4_000]);
  });

  it('are refused where they are no rates', async () => {
    const answer = await cluster.request('POST', '/v2/apps', labelled('/bad', { net_in: 'fast' }));
    assert.equal(answer.status, 422, answer.text);
    assert.match(answer.text, /networks\(0\)\/labels\/net_in/);
    assert.equal(said('/bad'), undefined);
  });

  it('are again what they were when Marathon refuses a change of them', async () => {
    await post(labelled('/kept', { net_in: '3mbit' }));
    await run('/kept', [3_000, 10_000]);
    const answered: number[] = [];
    cluster.intercept((seen, res) => {
      if (seen.method !== 'PUT') return false;
      assert.deepEqual(said('/kept'), { prod: { netInKbit: 9_000 } }, 'before Marathon can act');
      answered.push(422);
      res.writeHead(422, { 'Content-Type': 'application/json' }).end('{"message":"no"}');
      return true;
    });
    const other = labelled('/kept', { net_in: '9mbit' });
    const answer = await cluster.request('PUT', '/v2/apps/kept?force=true', other);
    assert.deepEqual([answer.status, answered], [422, [422]]);
    await cluster.until(
      () => said('/kept')?.['prod']?.netInKbit === 3_000,
      'the former word is back',
    );
  });

  it('stay while nobody knows what Marathon did', async () => {
    cluster.intercept((seen, res) => {
      if (seen.method !== 'POST') return false;
      res.destroy();
      return true;
    });
    const answer = await cluster.request(
      'POST',
      '/v2/apps',
      labelled('/lost', { net_in: '3mbit' }),
    );
    assert.equal(answer.status, 502);
    assert.deepEqual(said('/lost'), { prod: { netInKbit: 3_000 } });
  });

  it('go when the app goes, not when it is suspended', async () => {
    await post(labelled('/idle', { net_in: '3mbit' }));
    await change('/v2/apps/idle?force=true', { instances: 0 });
    const answer = await cluster.request('DELETE', '/v2/apps/kept?force=true');
    assert.equal(answer.status, 200, answer.text);
    await forgotten('/kept');
    await cluster.until(() => cluster.gate.view.snapshot.heldBy('/idle') === 0, 'it is suspended');
    await forgotten('/lost'); // which never came to be
    assert.deepEqual(said('/idle'), { prod: { netInKbit: 3_000 } });
  });

  it('go with the group', async () => {
    const apps = ['a', 'b'].map((name) => labelled(`/shop/${name}`, { net_in: '3mbit' }));
    const made = await cluster.request('POST', '/v2/groups', { id: '/shop', apps });
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(
      [said('/shop/a'), said('/shop/b')],
      Array(2).fill({ prod: { netInKbit: 3_000 } }),
    );
    const answer = await cluster.request('DELETE', '/v2/groups/shop?force=true');
    assert.equal(answer.status, 200, answer.text);
    await forgotten('/shop/a');
    await forgotten('/shop/b');
  });

  it('count in what one commit can carry: a larger group is refused in words', async () => {
    const group = (count: number) => ({
      id: '/many',
      apps: Array.from({ length: count }, (_, n) =>
        labelled(`/many/app-${n}`, { net_in: '3mbit' }, { instances: 0 }),
      ),
    });
    const arrived = cluster.arrived().length;
    const refused = await cluster.request('POST', '/v2/groups', group(61));
    assert.equal(refused.status, 422, refused.text);
    assert.equal(refused.headers.get('corral-refusal'), 'too-many-apps');
    assert.match(refused.json.message as string, /^61 apps take 122 records .* 120; split/);
    assert.equal(cluster.arrived().length, arrived, 'Marathon heard nothing of it');
    assert.equal(said('/many/app-0'), undefined);
    const made = await cluster.request('POST', '/v2/groups', group(60));
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(said('/many/app-59'), { prod: { netInKbit: 3_000 } });
  });
});
