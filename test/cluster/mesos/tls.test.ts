import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeCertificates } from '../../fakes/certificates.ts';
import { clientOf, json, master, sendTo, status } from './master.ts';

const call = { type: 'GET_AGENTS' };
const patience = () => AbortSignal.timeout(180_000);
const authorization = (): string => 'Basic eDp5';

describe('masters behind TLS', () => {
  const { ca, ...server } = makeCertificates();

  it('lead to each other without a protocol: it stays TLS, and the credentials are kept', async (t) => {
    const leader = await master(t, json({ leads: true }), server);
    const other = await master(t, sendTo(leader), server);
    const client = clientOf(t, [other], { ca, authorization });
    assert.deepEqual(await client.call(call, patience()), { leads: true });
    assert.deepEqual(
      leader.seen.map(({ method, headers, body }) => [method, headers.authorization, body]),
      [['POST', authorization(), JSON.stringify(call)]],
    );
  });

  it('are not asked when nobody vouches for them: no credential leaves', async (t) => {
    const unknown = await master(t, json({}), server);
    const client = clientOf(t, [unknown], { authorization });
    await assert.rejects(client.call(call, patience()), ({ code }: { code?: string }) => {
      assert.equal(code, 'mesos-unreachable');
      return true;
    });
    assert.deepEqual(unknown.seen, []);
  });

  it('do not send us to one without: credentials would go in clear', async (t) => {
    const plain = await master(t, json({}));
    const location = `http://${plain.host}/api/v1`;
    const other = await master(t, status(307, '', { location }), server);
    const client = clientOf(t, [other], { ca, authorization });
    await assert.rejects(client.call(call, patience()));
    assert.deepEqual(plain.seen, []);
  });
});
