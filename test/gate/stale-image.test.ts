import assert from 'node:assert/strict';
import { it } from 'node:test';
import { smallTopology, startTestCluster } from './cluster.ts';
import { webApp } from './specs.ts';

it('a change is judged by what Marathon has once an earlier one of the same app is through', async () => {
  const cluster = await startTestCluster({ topology: smallTopology(20), virtual: true });
  try {
    const created = await cluster.request('POST', '/v2/apps', webApp('/web', { instances: 2 }));
    assert.equal(created.status, 201);
    await cluster.clock?.advance(2_000);
    const promise = async () => (await cluster.reservations()).get('/web');
    await cluster.until(async () => (await promise()) === undefined, 'it runs');

    let asked = 0;
    let release = (): void => undefined;
    const isReleased = new Promise<void>((resolve) => (release = resolve));
    cluster.intercept(async ({ method, target }, res) => {
      if (method !== 'GET' || !target.startsWith('/v2/apps/web')) return false;
      asked += 1;
      if (asked > 1) return false;
      const { text } = await cluster.direct(method, target);
      await isReleased;
      res.writeHead(200, { 'Content-Type': 'application/json' }).end(text);
      return true;
    });
    const more = cluster.request('PUT', '/v2/apps/web?force=true', { instances: 4 });
    await cluster.until(() => asked > 0, 'the gate asks for the app');
    const env = { net_in: '100mbit', net_out: '1mbit' };
    const upgraded = await cluster.request('PUT', '/v2/apps/web', { env });
    assert.equal(upgraded.status, 200, upgraded.text);
    release();
    assert.equal((await more).status, 200);
    const [address] = (await promise())?.demand.addresses ?? [];
    assert.equal(address?.netInKbit, 100_000, 'room for instances as they are now');
  } finally {
    await cluster.stop();
  }
});
