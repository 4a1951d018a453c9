import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import type { Seen } from '../fakes/upstream.ts';
import { smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import type { Intercept } from './recorder.ts';
import { webApp } from './specs.ts';

const ADDRESSES = 6;

const asksFor = ({ method, target }: Seen): boolean =>
  method === 'GET' && /^\/v2\/apps\/web(\?|$)/.test(target);
const posts = ({ method, target, body }: Seen): boolean =>
  method === 'POST' && target.startsWith('/v2/apps') && body.toString().includes('"/web"');

/** Marathon looks for the app before it is created, and says so after the gate has settled its creation. */
function answersLate(cluster: TestCluster): {
  readonly by: Intercept;
  readonly asked: () => number;
} {
  let asked = 0;
  let posted = false;
  const settled = (): boolean => {
    const promise = cluster.gate.view.snapshot.reservation('/web');
    return posted && (promise === undefined || promise.deployment !== undefined);
  };
  const by = async (seen: Seen, res: ServerResponse): Promise<boolean> => {
    if (posts(seen)) {
      posted = true;
      await cluster.until(() => asked > 0, 'the queue asks for it');
      return false;
    }
    if (!posted || !asksFor(seen)) return false;
    asked += 1;
    if (asked > 1) return false;
    await cluster.until(settled, 'its creation is settled');
    res.writeHead(404, { 'content-type': 'application/json' });
    res.end('{"message":"App \'/web\' does not exist"}');
    return true;
  };
  return { by, asked: () => asked };
}

describe('an app that is created while the queue asks for it', { timeout: 400_000 }, () => {
  it('is not taken for deleted', async () => {
    const cluster = await startTestCluster({
      topology: smallTopology(ADDRESSES),
      settings: { gate: { hold: 'label' } },
    });
    try {
      const other = webApp('/other', { instances: 4 });
      assert.equal((await cluster.request('POST', '/v2/apps', other)).status, 201);
      const { by, asked } = answersLate(cluster);
      cluster.intercept(by);
      const web = webApp('/web', { instances: 6, labels: { CORRAL_HOLD: 'true' } });
      const answer = await cluster.request('POST', '/v2/apps', web);
      assert.match(answer.headers.get('corral-verdict') ?? '', /^hold/);
      await cluster.until(() => asked() >= 2, 'the queue looks after it again');
      assert.equal(cluster.gate.view.held.get('/web')?.wanted, 6);
    } finally {
      await cluster.stop();
    }
  });
});
