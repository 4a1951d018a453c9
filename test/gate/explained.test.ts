import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { registerPlan } from '../../src/cli/commands/plan.ts';
import { registerVerdict } from '../../src/cli/commands/verdict.ts';
import { startConsole } from '../../src/cli/console-service.ts';
import type { CliDeps } from '../../src/cli/deps.ts';
import { newProgram, run } from '../../src/cli/run.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import type { Listening } from '../../src/plumbing/listen.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { type Answer, askAt } from '../sim/stage.ts';
import { smallNodes, startTestCluster, type TestCluster } from './cluster.ts';
import { plainApp, webApp } from './specs.ts';
import { started } from './started.ts';

/** Four addresses in two pools that all nine nodes reach; three nodes have thin links. */
const nine = {
  pools: {
    'prod-a': { cidr: '198.51.100.0/24', ranges: ['198.51.100.10-198.51.100.12'] },
    'prod-b': { cidr: '203.0.113.0/24', ranges: ['203.0.113.10-203.0.113.10'] },
  },
  networks: { prod: { pools: ['prod-a', 'prod-b'], default: '10mbit' } },
  nodes: Object.fromEntries(
    Array.from({ length: 9 }, (_, i) => [
      `node-${i + 1}.example.org`,
      { link: i < 6 ? '1gbit' : '100mbit' },
    ]),
  ),
};
const SENTENCE =
  'cannot launch 6 instances of /shop/web on network prod: 4 addresses are free in 2 pools ' +
  'reachable by 9 nodes, 2 short; on 3 nodes net_out is exhausted (200 Mbit/s needed each); 4 of 6 fit';
const tooMany = webApp('/shop/web', {
  instances: 6,
  env: { net_in: '1mbit', net_out: '200mbit' },
});

let cluster: TestCluster;
let consolePort: Listening;
let consoleUrl: string;
before(async () => {
  cluster = await startTestCluster({ virtual: true, topology: nine, nodes: smallNodes(9) });
  const { gate, store, settings } = cluster;
  consolePort = await startConsole({ settings, store, gate, log: silentLog });
  consoleUrl = `http://127.0.0.1:${consolePort.port}`;
});
after(async () => {
  await consolePort.close(1_000);
  await cluster.stop();
});

/** One command line of `corral`, on this ledger and this console. */
async function corral(...argv: readonly string[]): Promise<{ code: number; out: string }> {
  const said: string[] = [];
  let short = false;
  const deps: CliDeps = {
    openStore: () => Promise.resolve(lent(cluster.store)),
    out: (text) => said.push(text),
    err: (text) => said.push(text),
    clock: systemClock,
    signal: AbortSignal.timeout(180_000),
  };
  const program = newProgram('corral', deps);
  registerVerdict(program, deps);
  registerPlan(program, deps, { consoleUrl: () => consoleUrl, fail: () => (short = true) });
  const code = await run(program, argv, deps);
  return { code: code === 0 && short ? 1 : code, out: said.join('\n') };
}

/** The cluster's store, which a command's end leaves open. */
const lent = (store: TestCluster['store']): TestCluster['store'] =>
  new Proxy(store, {
    get: (of, name) => {
      if (name === 'close') return () => Promise.resolve();
      const member: unknown = Reflect.get(of, name, of);
      return typeof member === 'function' ? (member.bind(of) as unknown) : member;
    },
  });

const idOf = ({ headers }: Answer): string =>
  /; id=(\S+)$/.exec(headers.get('corral-verdict') ?? '')?.[1] ?? 'none';

describe('a refusal', () => {
  it('is a 422 in the shape of Marathon, with figures and the way out', async () => {
    const answer = await cluster.request('POST', '/v2/apps', tooMany);
    assert.equal(answer.status, 422);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
    assert.equal(answer.headers.get('corral-refusal'), 'launch-refused');
    assert.match(answer.headers.get('corral-verdict') ?? '', /^refuse; id=[a-z0-9]+-[a-f0-9]+$/);
    const { message, details, ...rest } = answer.json;
    assert.ok(message.startsWith(`${SENTENCE}; `), message);
    assert.match(message, /ask for at most 4$/);
    assert.deepEqual(details, [{ path: '/instances', errors: [SENTENCE] }]);
    assert.deepEqual(rest, {});
  });

  it('is explained node by node by its id, on the console port and by corral verdict', async () => {
    const id = idOf(await cluster.request('POST', '/v2/apps', tooMany));
    await cluster.until(
      async () => (await askAt(consoleUrl, 'GET', `/v1/verdicts/${id}`)).status === 200,
      'the verdict is in the log',
    );
    const { json } = await askAt(consoleUrl, 'GET', `/v1/verdicts/${id}`);
    assert.deepEqual([json.id, json.answer, json.message], [id, 'refuse', SENTENCE]);
    assert.equal(json.nodes.length, 9);
    const without = json.nodes.filter(({ fits }: { fits: number }) => fits === 0);
    assert.deepEqual(
      without.map(({ node }: { node: string }) => node),
      [7, 8, 9].map((n) => `node-${n}.example.org`),
    );
    for (const { short } of without) assert.match(short as string, /net_out/);
    const shown = await corral('verdict', id);
    assert.equal(shown.code, 0);
    assert.ok(shown.out.includes(SENTENCE));
    for (let n = 1; n <= 9; n += 1) assert.ok(shown.out.includes(`node-${n}.example.org`));
    const none = await corral('verdict', 'no-such');
    assert.equal(none.code, 1);
  });

  it('is told beforehand by corral plan and POST /v1/plan, and nothing is sent or promised', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'corral-plan-'));
    const file = join(directory, 'app.json');
    const known = cluster.arrived().length;
    try {
      await writeFile(file, JSON.stringify(tooMany));
      const refused = await corral('plan', file);
      assert.equal(refused.code, 1);
      assert.ok(refused.out.includes(SENTENCE), refused.out);
      assert.ok(refused.out.includes('node-9.example.org'));
      await writeFile(file, JSON.stringify({ ...tooMany, instances: 2 }));
      const fits = await corral('plan', file);
      assert.equal(fits.code, 0, fits.out);
    } finally {
      await rm(directory, { recursive: true });
    }
    const { json } = await askAt(consoleUrl, 'POST', '/v1/plan', tooMany);
    assert.equal(json.message, SENTENCE);
    assert.equal(cluster.arrived().length, known);
    assert.equal((await cluster.reservations()).size, 0);
  });
});

describe('what Marathon would say itself comes first', () => {
  const huge = { instances: 99 };
  before(() => started(cluster, plainApp('/there'), webApp('/busy', { instances: 1 })));

  it('409 for an app that exists, though there is no room either', async () => {
    const answer = await cluster.request('POST', '/v2/apps', webApp('/there', huge));
    assert.equal(answer.status, 409, answer.text);
    assert.deepEqual(answer.json, { message: 'An app with id [/there] already exists.' });
  });
  it('404 for an app that does not', async () => {
    const patch = await cluster.request('PATCH', '/v2/apps/none', webApp('/none', huge));
    assert.equal(patch.status, 404, patch.text);
    assert.deepEqual(patch.json, { message: "App '/none' does not exist" });
    const restart = await cluster.request('POST', '/v2/apps/none/restart');
    assert.equal(restart.status, 404, restart.text);
  });
  it('404 for a deployment that is gone', async () => {
    const answer = await cluster.request('DELETE', '/v2/deployments/none');
    assert.deepEqual(answer.json, { message: 'DeploymentPlan none does not exist' });
    assert.equal(answer.status, 404);
  });
  it('409 with the deployments for an app that one holds', async () => {
    const held = await cluster.request('PUT', '/v2/apps/busy', { instances: 2 });
    assert.equal(held.status, 200, held.text);
    for (const instances of [3, 99]) {
      const answer = await cluster.request('PUT', '/v2/apps/busy', { instances });
      assert.equal(answer.status, 409, answer.text);
      assert.match(answer.json.message as string, /^App is locked by one or more deployments/);
      assert.deepEqual(answer.json.deployments, [{ id: held.json.deploymentId }]);
    }
  });
});
