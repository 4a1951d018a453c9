import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { startTestCluster, type TestCluster } from './cluster.ts';
import { type RawAnswer, sendRaw } from './raw.ts';
import { webApp, webPod } from './specs.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await startTestCluster({ virtual: true });
});
after(() => cluster.stop());

const RUNS = { numRuns: 150, interruptAfterTimeLimit: 300_000, markInterruptAsFailure: true };

/** A clear 4xx in Marathon's shape; nothing reached Marathon, nothing is promised. */
async function refused(answer: RawAnswer, known: number): Promise<void> {
  assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.text}`);
  const { message } = JSON.parse(answer.text) as { message: unknown };
  assert.ok(typeof message === 'string' && message !== '', answer.text);
  assert.equal(cluster.arrived().length, known);
  assert.equal((await cluster.reservations()).size, 0);
}

async function isRefused(path: string, body: string | Uint8Array, method = 'POST'): Promise<void> {
  const known = cluster.arrived().length;
  const pieces = body.length > 0 ? [typeof body === 'string' ? body : Buffer.from(body)] : [];
  await refused(await sendRaw(cluster.gate.url, { method, path, body: pieces }), known);
}

const app = JSON.stringify(webApp('/random/web', { instances: 2 }));
const paths = fc.constantFrom('/v2/apps', '/v2/groups', '/v2/pods', '/v2/tasks/delete');

const isJson = (text: string): boolean => {
  try {
    return JSON.parse(text) !== undefined;
  } catch {
    return false;
  }
};

describe('random bodies', { timeout: 400_000 }, () => {
  it('of bytes', () =>
    fc.assert(
      fc.asyncProperty(paths, fc.uint8Array({ maxLength: 200 }), async (path, body) => {
        fc.pre(!isJson(Buffer.from(body).toString('latin1')));
        await isRefused(path, body);
      }),
      RUNS,
    ));

  it('that were an app before something was cut out of it or put into it', () =>
    fc.assert(
      fc.asyncProperty(
        fc.nat(app.length),
        fc.nat(8),
        fc.string({ unit: 'binary', maxLength: 4 }),
        async (at, cut, put) => {
          const body = `${app.slice(0, at)}${put}${app.slice(at + cut)}`;
          fc.pre(!isJson(body));
          await isRefused('/v2/apps', body);
        },
      ),
      RUNS,
    ));

  it('of any JSON that is no app, group, pod or list of ids', () =>
    fc.assert(
      fc.asyncProperty(paths, fc.json({ maxDepth: 4 }), async (path, body) => {
        const value: unknown = JSON.parse(body);
        const plain = typeof value === 'object' && value !== null && !Array.isArray(value);
        // An app and a pod need an id, a list of ids needs ids; any object is a group.
        fc.pre(!plain || !('id' in value || 'ids' in value || path === '/v2/groups'));
        await isRefused(path, body);
      }),
      RUNS,
    ));
});

/** Numbers that are no count, and what is no number at all. */
const noCount = fc.oneof(
  fc.integer({ max: -1 }),
  fc.double({ noInteger: true, noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: 2 ** 31, noNaN: true, noDefaultInfinity: true }),
  fc.string(),
  fc.boolean(),
  fc.array(fc.nat(), { maxLength: 2 }),
  fc.dictionary(fc.string({ maxLength: 3 }), fc.nat(), { maxKeys: 2 }),
);

/** Rates that tc(8) would not read, or that no link has. */
const noRate = fc.oneof(
  fc.string({ maxLength: 20 }).filter((text) => !/^\d*\.?\d*[a-z]*$/i.test(text)),
  fc.nat().map((n) => `-${n}mbit`),
  fc.nat().map((n) => `${n}e${n}`),
  fc.constantFrom('NaN', 'Infinity', '0', '0.0mbit', '', '.', '0x10', '1,5mbit', '1 mbit'),
  fc.stringMatching(/^9{17,40}[mgt]bit$/),
);

describe('random figures', { timeout: 400_000 }, () => {
  it('of instances', () =>
    fc.assert(
      fc.asyncProperty(noCount, fc.boolean(), async (instances, isPod) => {
        const spec = isPod
          ? webPod('/random/pod', 1, { scaling: { kind: 'fixed', instances } })
          : webApp('/random/web', { instances });
        await isRefused(isPod ? '/v2/pods' : '/v2/apps', JSON.stringify(spec));
      }),
      RUNS,
    ));

  it('of rates, in the environment and on the network', () =>
    fc.assert(
      fc.asyncProperty(noRate, fc.boolean(), async (rate, onNetwork) => {
        const labels = { net_out: rate };
        const spec = onNetwork
          ? webApp('/random/web', { networks: [{ mode: 'container', name: 'prod', labels }] })
          : webApp('/random/web', { env: { net_in: rate } });
        await isRefused('/v2/apps', JSON.stringify(spec));
      }),
      RUNS,
    ));
});

describe('random patterns in constraints', { timeout: 400_000 }, () => {
  it('stall nothing and break nothing', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom('LIKE', 'UNLIKE'),
        fc.string({ unit: fc.constantFrom(...'ar1.-()[]{}*+?|^$\\,2'), maxLength: 24 }),
        async (operator, pattern) => {
          const constraints = [['rack', operator, `${pattern}(a+)+$`]];
          const spec = webApp('/random/calm', { instances: 99, constraints });
          await isRefused('/v2/apps', JSON.stringify(spec));
        },
      ),
      RUNS,
    ));
});
