import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createMesosClient } from '../../../src/cluster/mesos/client.ts';
import { createMesosOperator } from '../../../src/cluster/mesos/operator.ts';
import { clientOf, json, master, type Master, sendTo, status } from './master.ts';

const ID = '20b6-S7';
const patience = () => AbortSignal.timeout(180_000);
const slaves = (...list: object[]) => ({ slaves: list, recovered_slaves: [] });

/** A master that lists one agent and answers each switch with `answer`. */
async function switching(
  t: TestContext,
  answer: Master['answer'],
  listed: object = slaves({ id: ID }),
): Promise<Master> {
  const me = await master(t, (response) =>
    me.seen.at(-1)?.method === 'GET' ? json(listed)(response) : answer(response),
  );
  return me;
}

const ANSWERS = [
  { says: '200 without a body', answer: status(200), gives: 'done' },
  { says: '200 with a page', answer: status(200, '<html>'), gives: 'unreachable' },
  { says: '200 with JSON', answer: json({}), gives: 'unreachable' },
  { says: 'not deactivated', answer: status(400, 'Agent is not deactivated'), gives: 'done' },
  {
    says: 'removed meanwhile',
    answer: status(409, 'Agent removed while processing the call'),
    gives: 'done',
  },
  { says: 'an unknown id', answer: status(400, 'Unknown agent'), gives: 'unknown-agent' },
  {
    says: 'a drain',
    answer: status(400, 'Agent is still in the DRAINING state'),
    gives: 'draining',
  },
  { says: '401', answer: status(401), gives: 'refused' },
  { says: '403', answer: status(403, 'Forbidden'), gives: 'refused' },
  { says: 'another 400', answer: status(400, 'Expecting agent_id'), gives: 'refused' },
  { says: 'another 409', answer: status(409, 'Conflict'), gives: 'unreachable' },
  { says: '415', answer: status(415, 'Unsupported'), gives: 'refused' },
  { says: '503', answer: status(503, 'No leader elected'), gives: 'unreachable' },
  { says: '500', answer: status(500, ''), gives: 'unreachable' },
] as const;

describe('a switch of an agent', () => {
  for (const { says, answer, gives } of ANSWERS)
    for (const call of ['deactivate', 'reactivate'] as const)
      it(`${call}: ${says} is ${gives}`, async (t) => {
        const operator = createMesosOperator(clientOf(t, [await switching(t, answer)]));
        const said = await operator[call](ID, patience());
        assert.equal(said.outcome, gives);
        assert.ok(said.outcome === 'done' || said.why.length > 0);
      });

  it('sends what the proto says, credentials included, wherever the leader is', async (t) => {
    const leader = await switching(t, status(200));
    const other = await master(t, sendTo(leader));
    const operator = createMesosOperator(
      clientOf(t, [other], { authorization: () => 'Basic eDp5' }),
    );
    for (const call of ['deactivate', 'reactivate'] as const)
      assert.deepEqual(await operator[call](ID, patience()), { outcome: 'done' });
    const posts = leader.seen.filter(({ method }) => method === 'POST');
    assert.deepEqual(
      posts.map(({ body }) => JSON.parse(body) as unknown),
      [
        { type: 'DEACTIVATE_AGENT', deactivate_agent: { agent_id: { value: ID } } },
        { type: 'REACTIVATE_AGENT', reactivate_agent: { agent_id: { value: ID } } },
      ],
    );
    assert.ok(leader.seen.every(({ headers }) => headers.authorization === 'Basic eDp5'));
    assert.equal(leader.seen.find(({ method }) => method === 'GET')?.url, `/slaves?slave_id=${ID}`);
  });

  it('says what Mesos said', async (t) => {
    const operator = createMesosOperator(
      clientOf(t, [await master(t, status(403, 'no such luck'))]),
    );
    assert.deepEqual(await operator.deactivate(ID, patience()), {
      outcome: 'refused',
      why: 'Mesos answered DEACTIVATE_AGENT with 403: no such luck',
    });
  });

  for (const { says, listed, gives } of [
    {
      says: 'an agent that is drained',
      listed: slaves({ id: ID, drain_info: { state: 'DRAINED' } }),
      gives: 'draining',
    },
    {
      says: 'one that the leader knows from before only: its drain does not show',
      listed: { slaves: [], recovered_slaves: [{ id: ID }] },
      gives: 'unknown-agent',
    },
    { says: 'one that is away', listed: slaves(), gives: 'unknown-agent' },
    {
      says: 'one of many when the query is ignored',
      listed: slaves({ id: 'other' }, { id: ID, drain_info: {} }),
      gives: 'draining',
    },
    { says: 'one when the list is none', listed: { slaves: 'all' }, gives: 'unreachable' },
  ])
    it(`does not reactivate ${says}`, async (t) => {
      const leader = await switching(t, status(200), listed);
      const operator = createMesosOperator(clientOf(t, [leader]));
      assert.equal((await operator.reactivate(ID, patience())).outcome, gives);
      assert.ok(leader.seen.every(({ method }) => method === 'GET'));
    });

  it('is unreachable, not undone, when the answer is cut off', async (t) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'));
    });
    await new Promise<void>((ready) => void server.listen(0, '127.0.0.1', ready));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const client = createMesosClient({ masters: [`http://127.0.0.1:${port}`], withinMs: 180_000 });
    t.after(() => client.close());
    const said = await createMesosOperator(client).deactivate(ID, patience());
    assert.equal(said.outcome, 'unreachable');
  });

  it('ends with the caller', async (t) => {
    const silent = await master(t, () => undefined);
    const stop = new AbortController();
    const asked = createMesosOperator(clientOf(t, [silent])).deactivate(ID, stop.signal);
    stop.abort(new Error('enough'));
    await assert.rejects(asked, /enough/);
  });
});

describe('the agents', () => {
  it('come with id, flags and attributes; what a new leader only remembers shows no flag', async (t) => {
    const info = (id: string, hostname: string) => ({
      id: { value: id },
      hostname,
      attributes: [{ name: 'rack', type: 'TEXT', text: { value: 'r1' } }],
    });
    const leader = await master(
      t,
      json({
        type: 'GET_AGENTS',
        get_agents: {
          agents: [
            { agent_info: info('a', 'node-1'), active: true, deactivated: false },
            { agent_info: info('b', 'node-2'), active: false, deactivated: true },
            { agent_info: info('c', 'node-3'), active: false, deactivated: true, drain_info: {} },
            { agent_info: info('d', 'node-4'), active: true },
            { agent_info: { hostname: 'no-id' }, active: true },
          ],
          recovered_agents: [info('e', 'node-5')],
        },
      }),
    );
    const agents = await createMesosOperator(clientOf(t, [leader])).agents(patience());
    assert.deepEqual(
      agents.map((one) => [one.agentId, one.active, one.deactivated, one.draining, one.recovered]),
      [
        ['a', true, false, false, false],
        ['b', false, true, false, false],
        ['c', false, true, true, false],
        ['d', true, undefined, false, false],
        ['e', false, undefined, false, true],
      ],
    );
    assert.deepEqual(
      agents.map(({ hostname, attributes }) => [hostname, attributes['rack']]),
      ['node-1', 'node-2', 'node-3', 'node-4', 'node-5'].map((name) => [name, 'r1']),
    );
  });
});

describe('which fence a Mesos can carry', () => {
  const drains = [{ type: 'AGENT_UPDATE' }, { type: 'AGENT_DRAINING' }];
  for (const { version, capabilities, gives } of [
    { version: '1.11.0', capabilities: drains, gives: 'deactivate' },
    { version: '1.10.0', capabilities: drains, gives: 'deactivate' },
    { version: '1.12.0-dev', capabilities: drains, gives: 'deactivate' },
    { version: '2.0.0', capabilities: drains, gives: 'deactivate' },
    { version: '1.11.0', capabilities: [], gives: 'token' },
    { version: '1.9.0', capabilities: drains, gives: 'token' },
    { version: '1.7.3-rc1', capabilities: [], gives: 'token' },
    { version: '1.6.2', capabilities: [], gives: 'none' },
    { version: '0.28.2', capabilities: drains, gives: 'none' },
    { version: 'master', capabilities: drains, gives: 'none' },
    { version: undefined, capabilities: undefined, gives: 'none' },
  ])
    it(`${version ?? 'no version'} with ${capabilities?.length ?? 0} capabilities: ${gives}`, async (t) => {
      const leader = await master(
        t,
        json({ get_master: { master_info: { version, capabilities } } }),
      );
      const ability = await createMesosOperator(clientOf(t, [leader])).ability(patience());
      assert.equal(ability.fence, gives);
      assert.equal(ability.version, version ?? 'unknown');
      assert.ok(ability.why.length > 0);
    });
});
