import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MesosOptions } from '../../src/cluster/mesos/client.ts';
import { fetchFacts, takeInventory } from '../../src/cluster/mesos/inventory.ts';
import { watchFacts } from '../../src/cluster/mesos/watch-facts.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { clientOf, json, master, type Master, sendTo, status } from './mesos/master.ts';

const agentOf = (hostname: string, more: object = {}) => ({
  agent_info: { hostname },
  active: true,
  total_resources: [{ name: 'cpus', scalar: { value: 4 } }],
  ...more,
});
/** An answer to GET_AGENTS and to GET_MASTER alike: each reader takes its own part. */
const inventory = (get_agents: object) =>
  json({ type: 'GET_AGENTS', get_agents, get_master: { master_info: { id: 'm' } } });
const agents = (...list: object[]) => inventory({ agents: list });

const patience = () => AbortSignal.timeout(180_000);
const call = { type: 'GET_AGENTS' };

describe('the Mesos client', () => {
  it('posts exactly what the v1 API takes', async (t) => {
    const leader = await master(t, json({ ok: true }));
    const client = clientOf(t, [leader], { authorization: () => 'Basic eDp5' });
    assert.deepEqual(await client.call(call, patience()), { ok: true });
    const [seen] = leader.seen;
    assert.deepEqual(
      [seen?.method, seen?.url, seen?.body],
      ['POST', '/api/v1', '{"type":"GET_AGENTS"}'],
    );
    assert.equal(seen?.headers['content-type'], 'application/json');
    assert.equal(seen?.headers.authorization, 'Basic eDp5');
  });

  it('ignores proxies of the environment', async (t) => {
    const leader = await master(t, json({}));
    const trap = await master(t, status(500));
    process.env['http_proxy'] = trap.url;
    t.after(() => delete process.env['http_proxy']);
    await clientOf(t, [leader]).call(call, patience());
    assert.equal(trap.seen.length, 0);
  });

  it('follows a redirect to the leader with method, body and credentials, and stays there', async (t) => {
    const leader = await master(t, json({ leads: true }));
    const other = await master(t, sendTo(leader));
    const client = clientOf(t, [other], { authorization: () => 'Basic eDp5' });
    for (let i = 0; i < 3; i++)
      assert.deepEqual(await client.call(call, patience()), { leads: true });
    assert.equal(other.seen.length, 1);
    assert.equal(leader.seen.length, 3);
    assert.ok(leader.seen.every(({ headers, body }) => headers.authorization && body));
  });

  it('goes to the next master when one is down, leaderless or recovering', async (t) => {
    const down = await master(t, status(200));
    await down.stop();
    const leaderless = await master(t, status(503, 'No leader elected'));
    const leader = await master(t, json(1));
    assert.equal(await clientOf(t, [down, leaderless, leader]).call(call, patience()), 1);
  });

  it('finds the new leader when a learnt one goes away', async (t) => {
    const old = await master(t, json('old'));
    const next = await master(t, json('new'));
    const other = await master(t, sendTo(old));
    const client = clientOf(t, [other]);
    assert.equal(await client.call(call, patience()), 'old');
    await old.stop();
    other.answer = sendTo(next);
    assert.equal(await client.call(call, patience()), 'new');
  });

  it('does not run round in a ring of redirects', async (t) => {
    const one = await master(t, status(503));
    const two = await master(t, sendTo(one));
    one.answer = sendTo(two);
    await assert.rejects(
      clientOf(t, [one, two]).call(call, patience()),
      /no Mesos master answered GET_AGENTS/,
    );
    assert.ok(one.seen.length + two.seen.length < 20);
  });

  it('names all that it tried', async (t) => {
    const one = await master(t, status(503));
    const two = await master(t, status(500));
    await assert.rejects(clientOf(t, [one, two]).call(call, patience()), {
      code: 'mesos-unreachable',
      message: `no Mesos master answered GET_AGENTS: tried ${one.host} (503), ${two.host} (500)`,
    });
  });

  it('gives up a master that does not answer in time', async (t) => {
    const silent = await master(t, () => undefined);
    await assert.rejects(clientOf(t, [silent], { withinMs: 30 }).call(call, patience()), {
      code: 'mesos-unreachable',
    });
  });

  it('ends with the signal', async (t) => {
    const silent = await master(t, () => undefined);
    const signal = AbortSignal.timeout(30);
    await assert.rejects(clientOf(t, [silent]).call(call, signal), { name: 'TimeoutError' });
  });

  for (const { says, answer, options = {}, fault } of [
    {
      says: 'says what Mesos refused',
      answer: status(403, 'no such right'),
      fault: {
        code: 'mesos-refused',
        message: 'Mesos answered GET_AGENTS with 403: no such right',
      },
    },
    {
      says: 'refuses what is not JSON',
      answer: status(200, '<html>'),
      fault: { code: 'bad-mesos-answer' },
    },
    {
      says: 'refuses an answer over its bound',
      answer: status(200, 'x'.repeat(5_000)),
      options: { mostBytes: 1_000 },
      fault: { message: /larger than allowed/ },
    },
  ] as {
    says: string;
    answer: Master['answer'];
    options?: Partial<MesosOptions>;
    fault: { message: RegExp };
  }[]) {
    it(says, async (t) => {
      const leader = await master(t, answer);
      await assert.rejects(clientOf(t, [leader], options).call(call, patience()), fault);
    });
  }

  it('takes an empty answer for done', async (t) => {
    const leader = await master(t, status(200));
    assert.equal(
      await clientOf(t, [leader]).call({ type: 'DEACTIVATE_AGENT' }, patience()),
      undefined,
    );
  });
});

describe('fetchFacts', () => {
  const roles = ['*'];

  it('lists every agent by host name', async (t) => {
    const leader = await master(t, agents(agentOf('node-1'), agentOf('node-2', { active: false })));
    const facts = await fetchFacts(clientOf(t, [leader]), { roles }, patience());
    assert.deepEqual(
      [...facts].map(([name, { offered }]) => [name, offered]),
      [
        ['node-1', true],
        ['node-2', false],
      ],
    );
  });

  it('goes by the newer of two agents of one host, and by one with offers before that', async (t) => {
    const at = (nanoseconds: number) => ({ registered_time: { nanoseconds } });
    const leader = await master(
      t,
      agents(
        agentOf('a', { ...at(2), drain_info: {} }),
        agentOf('a', { ...at(1), total_resources: [] }),
        agentOf('b', { ...at(1), total_resources: [] }),
        agentOf('b', at(2)),
      ),
    );
    const facts = await fetchFacts(clientOf(t, [leader]), { roles }, patience());
    assert.deepEqual([facts.get('a')?.offered, facts.get('a')?.cpus], [true, 0]);
    assert.equal(facts.get('b')?.cpus, 4);
  });

  it('takes a recovered agent for unknown, not gone', async (t) => {
    const answer = {
      agents: [agentOf('node-1')],
      recovered_agents: [{ hostname: 'node-2' }, { hostname: 'node-3' }],
    };
    const leader = await master(t, inventory(answer));
    const before = await takeInventory(
      clientOf(t, [await master(t, agents(agentOf('node-2')))]),
      { roles },
      patience(),
    );
    const facts = await fetchFacts(clientOf(t, [leader]), { roles, before }, patience());
    assert.deepEqual(facts.get('node-2'), before.facts.get('node-2'));
    assert.equal(facts.get('node-3')?.offered, false);
  });

  it('reports an agent that does not read, and goes on', async (t) => {
    const leader = await master(t, agents({ agent_info: {} }, agentOf('node-1')));
    const { facts, faults } = await takeInventory(clientOf(t, [leader]), { roles }, patience());
    assert.deepEqual([...facts.keys()], ['node-1']);
    assert.deepEqual(faults, ['"agent_info.hostname" is required']);
  });
});

describe('watchFacts', () => {
  it('keeps what it knew, with its age, while Mesos is away, and recovers', async (t) => {
    const leader = await master(t, agents(agentOf('node-1')));
    let told: (nodes: number) => void = () => undefined;
    const next = () => new Promise<number>((resolve) => (told = resolve));
    let reading = next();
    const watch = watchFacts({
      client: clientOf(t, [leader]),
      roles: ['*'],
      everyMs: 5,
      deadlineMs: 180_000,
      clock: systemClock,
      log: silentLog,
      onFacts: (facts) => told(facts.size),
    });
    t.after(() => watch.stop());
    assert.equal(await reading, 1);

    const refused = new Promise<void>((resolve) => {
      leader.answer = (response) => {
        status(503)(response);
        if (watch.state().lastFault !== undefined) resolve();
      };
    });
    await refused;
    assert.equal(watch.facts().get('node-1')?.cpus, 4);
    const { ok, ageMs, nodes, lastFault } = watch.state();
    assert.deepEqual([ok, nodes], [false, 1]);
    assert.ok(ageMs !== undefined && ageMs >= 0);
    assert.match(lastFault ?? '', /no Mesos master answered/);

    reading = next();
    leader.answer = agents(agentOf('node-1'), agentOf('node-2'));
    watch.wake();
    assert.equal(await reading, 2);
  });
});
