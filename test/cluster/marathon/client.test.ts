import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  BadMarathonAnswer,
  MarathonRefused,
  MarathonUnreachable,
} from '../../../src/cluster/errors.ts';
import { authorizationOf } from '../../../src/cluster/marathon/authorization.ts';
import { createMarathonClient, type MarathonClient } from '../../../src/cluster/marathon/client.ts';
import { createEndpoints, type Endpoints } from '../../../src/cluster/marathon/endpoints.ts';
import { isDefiniteRefusal } from '../../../src/cluster/marathon/errors-shape.ts';
import type { TransportOptions } from '../../../src/cluster/marathon/transport.ts';
import { systemClock } from '../../../src/plumbing/clock.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const servers: Server[] = [];
const clients: MarathonClient[] = [];

/** A Marathon that answers as told; its URL, and what it was asked. */
async function marathon(handler: Handler): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      asked.push(`${request.method} ${request.url}${body && ` ${body}`}`);
      handler(request, response, body);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** A port where nothing listens any more. */
async function nobody(): Promise<string> {
  const { url } = await marathon(() => {});
  const server = servers.pop();
  await new Promise((resolve) => server?.close(resolve));
  return url;
}

const json =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Handler =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(value));
  };

function client(endpoints: Endpoints, options: Partial<TransportOptions> = {}): MarathonClient {
  const made = createMarathonClient({ endpoints, withinMs: 5000, mostBytes: 1 << 20, ...options });
  clients.push(made);
  return made;
}

const endpointsOf = (...urls: string[]): Endpoints => createEndpoints(urls, systemClock);
const soon = (): AbortSignal => AbortSignal.timeout(180_000);
const app = { id: '/a', instances: 2, tasks: [] };

afterEach(() => {
  for (const each of clients.splice(0)) each.close();
});
after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

describe('reads', () => {
  for (const { what, path, answer, gives = answer } of [
    { what: { what: 'app', id: '/a/b' }, path: '/v2/apps/a/b', answer: { app }, gives: app },
    {
      what: { what: 'app-version', id: '/a', version: '2020-01-01T00:00:00Z' },
      path: '/v2/apps/a/versions/2020-01-01T00%3A00%3A00Z',
      answer: app,
    },
    { what: { what: 'pod', id: '/p' }, path: '/v2/pods/p', answer: { id: '/p', containers: [] } },
    { what: { what: 'group', id: '/' }, path: '/v2/groups', answer: { id: '/', later: 1 } },
    { what: { what: 'group', id: '/g' }, path: '/v2/groups/g', answer: { id: '/g' } },
    {
      what: { what: 'group-version', id: '/', version: '2020-01-01T00:00:00Z' },
      path: '/v2/groups/versions/2020-01-01T00%3A00%3A00Z',
      answer: { id: '/' },
    },
    { what: { what: 'group-versions', id: '/' }, path: '/v2/groups/versions', answer: ['v'] },
    { what: { what: 'deployments' }, path: '/v2/deployments', answer: [{ id: 'd', version: 'v' }] },
  ] as const) {
    it(`${path}`, async () => {
      const { url, asked } = await marathon(json(answer));
      assert.deepEqual(await client(endpointsOf(url)).read(what, soon()), gives);
      assert.deepEqual(asked, [`GET ${path}`]);
    });
  }

  it('is asked once more where a connection that was kept open is closed under it', async () => {
    const seen = new Set<unknown>();
    const { url, asked } = await marathon(({ socket }, response) => {
      if (seen.has(socket)) {
        socket.destroy();
        return;
      }
      seen.add(socket);
      response.writeHead(200, { 'content-type': 'application/json' }).end('[]');
    });
    const { deployments, scale } = client(endpointsOf(url));
    await deployments(soon());
    assert.deepEqual(await deployments(soon()), []);
    assert.equal(asked.length, 3);
    await deployments(soon());
    await assert.rejects(scale(app, 1, soon()), MarathonUnreachable);
    assert.equal(asked.filter((one) => one.startsWith('PUT')).length, 1, 'a change is not');
  });
  it('404 is nothing', async () => {
    const { url } = await marathon(json({ message: "App '/a' does not exist" }, 404));
    assert.equal(await client(endpointsOf(url)).app('/a', soon()), undefined);
  });
  it("another 4xx is told in Marathon's words", async () => {
    const { url } = await marathon(
      json({ message: 'Not Authorized to perform this action!' }, 403),
    );
    await assert.rejects(client(endpointsOf(url)).tree(soon()), (fault) => {
      assert.ok(fault instanceof MarathonRefused);
      assert.equal(
        fault.message,
        'Marathon answered GET /v2/groups with 403: Not Authorized to perform this action!',
      );
      return true;
    });
  });
  it('an answer of the wrong shape is not believed', async () => {
    const { url } = await marathon(json({ app: { id: '/a', instances: 'two' } }));
    await assert.rejects(client(endpointsOf(url)).app('/a', soon()), BadMarathonAnswer);
  });
  it('an answer that is no JSON is not believed', async () => {
    const { url } = await marathon((_request, response) => response.end('<html>'));
    await assert.rejects(client(endpointsOf(url)).tree(soon()), /it is no JSON/);
  });
  it('an answer over the bound is not read', async () => {
    const { url } = await marathon(json({ id: '/', padding: 'x'.repeat(5000) }));
    const small = client(endpointsOf(url), { mostBytes: 1000 });
    await assert.rejects(small.tree(soon()), /it has more than 1000 bytes/);
  });
  it('a small answer that unpacks to one over the bound is not read', async () => {
    const bomb = gzipSync(JSON.stringify({ id: '/', padding: 'x'.repeat(500_000) }));
    const { url } = await marathon((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(bomb);
    });
    const small = client(endpointsOf(url), { mostBytes: 10_000 });
    await assert.rejects(small.tree(soon()), BadMarathonAnswer);
  });

  it('info tells what Marathon fills in', async () => {
    const config = {
      default_network_name: 'flat',
      mesos_bridge_name: 'br',
      local_port_min: 1,
      local_port_max: 2,
    };
    const { url } = await marathon(
      json({ version: '1.9', frameworkId: 'f', marathon_config: config }),
    );
    assert.deepEqual(await client(endpointsOf(url)).info(soon()), {
      version: '1.9',
      frameworkId: 'f',
      context: { defaultNetworkName: 'flat', bridgeName: 'br', servicePorts: { from: 1, to: 2 } },
    });
  });
  it("info falls back on Marathon's defaults", async () => {
    const { url } = await marathon(
      json({ version: '1.9', marathon_config: { default_network_name: null } }),
    );
    const { context } = await client(endpointsOf(url)).info(soon());
    assert.deepEqual(context, {
      bridgeName: 'mesos-bridge',
      servicePorts: { from: 10_000, to: 20_000 },
    });
  });
  it('lists are unwrapped', async () => {
    const { url } = await marathon((request, response, body) => {
      const answers: Record<string, unknown> = {
        '/v2/tasks': { tasks: [{ id: 't', appId: '/a', state: 'TASK_RUNNING' }] },
        '/v2/queue': { queue: [{ count: 1 }] },
        '/v2/pods/::status': [],
        '/v2/deployments': [{ id: 'd', version: 'v', affectedApps: ['/a'] }],
        '/v2/leader': { leader: 'h:1' },
        '/v2/apps/a/versions': { versions: ['v'] },
      };
      json(answers[request.url ?? ''])(request, response, body);
    });
    const asking = client(endpointsOf(url));
    assert.equal((await asking.tasks(soon()))[0]?.id, 't');
    assert.deepEqual(await asking.deployments(soon()), [
      { id: 'd', version: 'v', affectedApps: ['/a'], affectedPods: [] },
    ]);
    assert.deepEqual(await asking.queue(soon()), [{ count: 1 }]);
    assert.deepEqual(await asking.podStatuses(soon()), []);
    assert.equal(await asking.leader(soon()), 'h:1');
    assert.deepEqual(await asking.appVersions('/a', soon()), ['v']);
  });
});

describe('fail-over', () => {
  for (const [says, bad] of [
    ['502 of a standby without a leader', json({}, 502)],
    ['503', json({}, 503)],
    ['a redirect', json({}, 302, { location: 'http://192.0.2.1/' })],
    ['a connection that breaks', (request) => request.socket.destroy()],
  ] as readonly (readonly [string, Handler])[]) {
    it(`${says} sends a read to the next, and later ones as well`, async () => {
      const [first, second] = [await marathon(bad), await marathon(json({ app }))];
      const endpoints = endpointsOf(first.url, second.url);
      const asking = client(endpoints);
      assert.deepEqual(await asking.app('/a', soon()), app);
      assert.deepEqual(await asking.app('/a', soon()), app);
      assert.deepEqual([first.asked.length, second.asked.length], [1, 2]);
    });
  }
  it('one that is silent is left after its time', async () => {
    const [first, second] = [await marathon(() => {}), await marathon(json({ app }))];
    const asking = client(endpointsOf(first.url, second.url), { withinMs: 1_500 });
    assert.deepEqual(await asking.app('/a', soon()), app);
  });
  it('all down is said with their names', async () => {
    const [first, second] = [await nobody(), await nobody()];
    await assert.rejects(client(endpointsOf(first, second)).app('/a', soon()), (fault) => {
      assert.ok(fault instanceof MarathonUnreachable);
      assert.equal(
        fault.message,
        `no Marathon answered GET /v2/apps/a: tried ${first}/, ${second}/`,
      );
      return true;
    });
  });
  it('an abort ends the call and blames nobody', async () => {
    const { url } = await marathon(() => {});
    const endpoints = endpointsOf(url);
    const abort = new AbortController();
    const call = client(endpoints).app('/a', abort.signal);
    const reason = new Error('enough');
    abort.abort(reason);
    await assert.rejects(call, (fault) => fault === reason);
    assert.equal(endpoints.state()[0]?.failures, 0);
  });
  it('a path under which Marathon is mounted is kept', async () => {
    const { url, asked } = await marathon(json({ app }));
    await client(endpointsOf(`${url}/service/marathon/`)).app('/a', soon());
    assert.deepEqual(asked, ['GET /service/marathon/v2/apps/a']);
  });
  it('goes to the leader that an answer names, when it is one of ours', async () => {
    const leader = await marathon(json({ app }));
    const standby = await marathon(json({ app }, 200, { 'x-marathon-leader': leader.url }));
    const asking = client(endpointsOf(standby.url, leader.url));
    await asking.app('/a', soon());
    await asking.app('/a', soon());
    assert.deepEqual([standby.asked.length, leader.asked.length], [1, 1]);
  });
});

describe('scale', () => {
  const accepted = json({ version: 'v', deploymentId: 'd-1' });
  it('sets the instances without force', async () => {
    const { url, asked } = await marathon(accepted);
    const outcome = await client(endpointsOf(url)).scale(app, 5, soon());
    assert.deepEqual(outcome, { outcome: 'accepted', deployment: 'd-1' });
    assert.deepEqual(asked, ['PUT /v2/apps/a?force=false {"instances":5}']);
  });
  it('trap 3: sends limits again, as they would be erased and all tasks restarted', async () => {
    const { url, asked } = await marathon(accepted);
    const limited = { ...app, resourceLimits: { mem: 64 }, executorResources: { cpus: 1 } };
    await client(endpointsOf(url)).scale(limited, 5, soon());
    assert.match(asked[0] ?? '', /"resourceLimits":\{"mem":64\},"executorResources":\{"cpus":1\}/);
  });
  it('trap 25: carries its length', async () => {
    const lengths: (string | undefined)[] = [];
    const { url } = await marathon((request, response, body) => {
      lengths.push(request.headers['content-length']);
      accepted(request, response, body);
    });
    await client(endpointsOf(url)).scale(app, 5, soon());
    assert.deepEqual(lengths, ['15']);
  });
  it('says that the app is locked', async () => {
    const { url } = await marathon(
      json({ message: 'App is locked', deployments: [{ id: 'd' }] }, 409),
    );
    assert.deepEqual(await client(endpointsOf(url)).scale(app, 5, soon()), { outcome: 'locked' });
  });
  it('trap 26: is not sent again when it may have arrived', async () => {
    const [first, second] = [await marathon(json({}, 503)), await marathon(accepted)];
    const asking = client(endpointsOf(first.url, second.url));
    await assert.rejects(asking.scale(app, 5, soon()), MarathonUnreachable);
    assert.deepEqual(second.asked, []);
  });
  it('is sent to the next when the first never took a connection', async () => {
    const second = await marathon(accepted);
    const asking = client(endpointsOf(await nobody(), second.url));
    assert.equal((await asking.scale(app, 5, soon())).outcome, 'accepted');
  });
});

describe('authorization', () => {
  it('is sent with each call', async () => {
    const seen: (string | undefined)[] = [];
    const { url } = await marathon((request, response, body) => {
      seen.push(request.headers.authorization);
      json({ app })(request, response, body);
    });
    const value = authorizationOf({ user: 'corral', password: 'pässword' });
    await client(endpointsOf(url), { authorization: () => value }).app('/a', soon());
    assert.deepEqual(seen, [`Basic ${Buffer.from('corral:pässword').toString('base64')}`]);
  });
  for (const [says, login, gives] of [
    ['a token', { token: 't' }, 'token=t'],
    ['a file with the value', { headerFile: 'Bearer x\n' }, 'Bearer x'],
    ['a file with the line', { headerFile: 'Authorization: Bearer x\n' }, 'Bearer x'],
  ] as const) {
    it(says, () => assert.equal(authorizationOf(login), gives));
  }
  for (const headerFile of ['', '\n', 'a\nb', 'a\r\nX-Other: b']) {
    it(`refuses ${JSON.stringify(headerFile)} without quoting it`, () =>
      assert.throws(() => authorizationOf({ headerFile }), { message: /empty or not one line/ }));
  }
});

describe('trap 27: which answers end a promise', () => {
  for (const status of [400, 401, 403, 404, 409, 422]) {
    it(`${status} is a definite refusal`, () => assert.equal(isDefiniteRefusal(status), true));
  }
  for (const status of [200, 201, 302, 408, 500, 502, 503, 504]) {
    it(`${status} is not`, () => assert.equal(isDefiniteRefusal(status), false));
  }
});
