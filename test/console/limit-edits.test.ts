import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { edits, serveConsole } from './small-cluster.ts';

const served = serveConsole();
const PATH = '/v1/limits/n1.example.org/192.0.2.10';
const JSON_TYPE = { 'content-type': 'application/json' };

const put = (body: unknown, headers: Record<string, string> = JSON_TYPE, path = PATH) =>
  served.call(path, {
    method: 'PUT',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers,
  });

describe('the console changes a limit', () => {
  beforeEach(() => void edits.splice(0));

  it('and says what it was, what it is, and that the agent is still to speak', async () => {
    const { status, json } = await put({ netInKbit: '50mbit', netOutKbit: 3000, why: 'sale' });
    assert.equal(status, 200);
    assert.deepEqual(json, {
      node: 'n1.example.org',
      address: '192.0.2.10',
      before: { netInKbit: 1000, netOutKbit: 2000 },
      after: { netInKbit: 50_000, netOutKbit: 3000 },
      edit: '0abe-1',
      state: 'pending',
    });
    const [edit] = edits;
    assert.deepEqual(edit?.wish, { netInKbit: 50_000, netOutKbit: 3000 });
    assert.equal(edit?.why, 'sale');
    assert.match(edit?.who ?? '', /^console, from .*127\.0\.0\.1$/);
  });

  it('back to what was asked for', async () => {
    const { status } = await served.call(`${PATH}?why=over`, { method: 'DELETE' });
    assert.equal(status, 200);
    assert.deepEqual([edits[0]?.wish, edits[0]?.why], ['reset', 'over']);
  });

  it('past the link only when it is forced, and says by how much', async () => {
    const { status, json } = await put({ netInKbit: '2gbit' });
    assert.equal(status, 409);
    assert.equal(json.error.code, 'limit-past-link');
    assert.match(json.error.message, /2\.002 Gbit\/s, and the link takes 950 Mbit/);
    const forced = await put({ netInKbit: '2gbit', force: true });
    assert.deepEqual([forced.status, forced.json.after.forced], [200, true]);
  });

  for (const { says, body, status, code, message } of [
    { says: 'a shell', body: { netInKbit: '10;rm -rf /' }, status: 400, code: 'bad-change' },
    { says: 'a negative rate', body: { netInKbit: -5 }, status: 400, code: 'bad-change' },
    { says: 'a rate in letters', body: { netOutKbit: 'fast' }, status: 400, code: 'bad-change' },
    { says: 'a secret', body: { netInKbit: { secret: 'x' } }, status: 400, code: 'bad-change' },
    { says: 'a typo', body: { netIn: 5 }, status: 400, code: 'bad-change', message: /netIn/ },
    { says: 'nothing to change', body: { force: true }, status: 400, code: 'bad-change' },
    {
      says: 'the word "true"',
      body: { netInKbit: 9, force: 'true' },
      status: 400,
      code: 'bad-change',
    },
    { says: 'no object', body: [], status: 400, code: 'bad-change' },
    { says: 'no JSON', body: '{', status: 400, code: 'bad-json' },
    { says: 'less than tc carries', body: { netInKbit: 1 }, status: 422, code: 'bad-limit' },
  ])
    it(`not for ${says}`, async () => {
      const answer = await put(body);
      assert.deepEqual([answer.status, answer.json.error.code], [status, code]);
      if (message) assert.match(answer.json.error.message, message);
    });

  for (const { says, path, status, code } of [
    {
      says: 'a lease that is not there',
      path: 'n1.example.org/192.0.2.99',
      status: 404,
      code: 'no-such-holding',
    },
    {
      says: 'what is no address',
      path: 'n1.example.org/10;reboot',
      status: 422,
      code: 'bad-address',
    },
  ])
    it(`not of ${says}`, async () => {
      const answer = await put({ netInKbit: 9 }, JSON_TYPE, `/v1/limits/${path}`);
      assert.deepEqual([answer.status, answer.json.error.code], [status, code]);
    });

  const own = (): string => `127.0.0.1:${served.port()}`;
  for (const { says, headers, code } of [
    {
      says: 'of another site',
      headers: { origin: 'https://evil.example.org' },
      code: 'wrong-origin',
    },
    {
      says: 'on another port of this host',
      headers: { origin: 'http://127.0.0.1:1' },
      code: 'wrong-origin',
    },
    { says: 'in a sandbox', headers: { origin: 'null' }, code: 'wrong-origin' },
    {
      says: 'that the browser calls foreign',
      headers: { 'sec-fetch-site': 'cross-site' },
      code: 'wrong-origin',
    },
    { says: 'with a form', headers: { 'content-type': 'text/plain' }, code: 'not-json' },
    { says: 'under a name of its own', headers: { host: 'evil.example.org' }, code: 'wrong-host' },
  ] as { says: string; headers: Record<string, string>; code: string }[])
    it(`not for a page ${says}`, async () => {
      const set = await put({ netInKbit: 9 }, { ...JSON_TYPE, ...headers });
      assert.equal(set.json.error.code, code);
      const reset = await served.call(PATH, { method: 'DELETE', headers });
      assert.equal(reset.json.error.code, code);
      assert.deepEqual(edits, []);
    });

  it('for a page of its own', async () => {
    const headers = {
      ...JSON_TYPE,
      host: own(),
      origin: `http://${own()}`,
      'sec-fetch-site': 'same-origin',
    };
    assert.equal((await put({ netInKbit: 9 }, headers)).status, 200);
  });

  it('and OpenAPI says how', async () => {
    const { json } = await served.call('/openapi.json');
    const { put: set, delete: reset } = json.paths['/v1/limits/{node}/{address}'];
    assert.ok(set.requestBody.required);
    assert.deepEqual(
      reset.parameters.map(({ name }: { name: string }) => name),
      ['node', 'address', 'force', 'why'],
    );
  });
});
