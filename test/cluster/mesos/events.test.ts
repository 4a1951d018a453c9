import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createMesosClient } from '../../../src/cluster/mesos/client.ts';
import { EventReader } from '../../../src/cluster/mesos/event-reader.ts';
import type { MesosEvent } from '../../../src/cluster/mesos/event-wire.ts';
import { type EventsDeps, mesosEvents } from '../../../src/cluster/mesos/events.ts';
import { systemClock } from '../../../src/plumbing/clock.ts';
import { silentLog } from '../../../src/plumbing/log.ts';
import { demoNodes } from '../../../src/sim/topology.ts';
import { openSim } from '../../sim/stage.ts';
import { master, sendTo, status } from './master.ts';
import { chunk, framed, STREAM_HEAD, tcpMaster } from './tcp.ts';

const rateNames = { in: 'net_in', out: 'net_out' };
const task = (id: string, state: string, more: object = {}) => ({
  name: 'web.shop',
  task_id: { value: id },
  framework_id: { value: 'f' },
  agent_id: { value: 'S1' },
  state,
  ...more,
});
const agent = (id: string, hostname: string) => ({
  agent_info: { id: { value: id }, hostname, attributes: [] },
  active: true,
});
const subscribed = (tasks: object[] = [], more: object = {}) => ({
  type: 'SUBSCRIBED',
  subscribed: {
    get_state: {
      get_tasks: { tasks, ...more },
      get_frameworks: { frameworks: [{ huge: 'x'.repeat(2_000) }] },
      get_agents: { agents: [agent('S1', 'node-1')] },
    },
    heartbeat_interval_seconds: 15,
  },
});
const BEAT = { type: 'HEARTBEAT' };

function reading(values: readonly unknown[], size = 1 << 20, mostBytes = 1_000) {
  const reader = new EventReader(rateNames, mostBytes);
  const bytes = Buffer.concat(values.map(framed));
  const events: MesosEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    reader.push(bytes.subarray(at, at + size));
    events.push(...reader.take());
  }
  return { events, reader };
}

describe('events out of bytes', () => {
  it('are those that we use, wherever pieces end; others are passed over', () => {
    const values = [
      subscribed([task('a', 'TASK_RUNNING'), task('b', 'TASK_STAGING')], {
        unreachable_tasks: [task('c', 'TASK_STAGING')],
        completed_tasks: [task('d', 'TASK_STARTING')],
        pending_tasks: [task('e', 'TASK_STAGING')],
      }),
      BEAT,
      { type: 'FRAMEWORK_ADDED', framework_added: {} },
      { type: 'TASK_ADDED', task_added: { task: task('ü', 'TASK_STARTING') } },
      {
        type: 'TASK_UPDATED',
        task_updated: {
          framework_id: { value: 'f' },
          state: 'TASK_RUNNING',
          status: { task_id: { value: 'ü' }, state: 'TASK_RUNNING', data: 'AA==' },
        },
      },
      { type: 'AGENT_ADDED', agent_added: { agent: agent('S2', 'node-2') } },
      { type: 'AGENT_REMOVED', agent_removed: { agent_id: { value: 'S2' } } },
      { type: 'constructor' },
    ];
    const seen = (id: string, state: string) => ({
      taskId: id,
      frameworkId: 'f',
      agentId: 'S1',
      state,
      networks: [],
    });
    for (const size of [1, 7, 4096]) {
      const { events, reader } = reading(values, size, 3_000);
      assert.deepEqual(events, [
        {
          type: 'SUBSCRIBED',
          tasks: [seen('b', 'TASK_STAGING'), seen('e', 'TASK_STAGING')],
          agents: [{ agentId: 'S1', hostname: 'node-1' }],
          heartbeatMs: 15_000,
        },
        { type: 'HEARTBEAT' },
        { type: 'TASK_ADDED', task: seen('ü', 'TASK_STARTING') },
        { type: 'TASK_UPDATED', frameworkId: 'f', taskId: 'ü', state: 'TASK_RUNNING' },
        { type: 'AGENT_ADDED', agent: { agentId: 'S2', hostname: 'node-2' } },
        { type: 'AGENT_REMOVED', agentId: 'S2' },
      ]);
      assert.deepEqual([reader.unread, reader.midway], [0, false]);
    }
  });

  it('show networks, limits and the first word of a task', () => {
    const label = (key: string, value: string) => ({ key, value });
    const container = {
      type: 'MESOS',
      network_infos: [
        { name: 'prod', labels: { labels: [label('net_in', '10mbit'), label('net_out', 'x')] } },
        { name: '' },
        { port_mappings: [] },
      ],
    };
    const command = { environment: { variables: [{ name: 'net_in', value: '20mbit' }] } };
    const statuses = [{ state: 'TASK_STARTING', timestamp: 1_600_000_000.25 }, {}];
    const { events } = reading([
      {
        type: 'TASK_ADDED',
        task_added: { task: task('a', 'TASK_STARTING', { container, command, statuses }) },
      },
    ]);
    assert.deepEqual(events[0]?.type === 'TASK_ADDED' && events[0].task, {
      taskId: 'a',
      frameworkId: 'f',
      agentId: 'S1',
      state: 'TASK_STARTING',
      networks: ['prod'],
      netInKbit: 20_000,
      heardMs: 1_600_000_000_250,
    });
  });

  it('leave out what cannot be read, and go on', () => {
    const { events, reader } = reading([
      subscribed([task('a', 'TASK_STAGING'), { state: 'TASK_STAGING' }, { task_id: 1 }]),
      { type: 'TASK_ADDED' },
      { type: 'TASK_UPDATED', task_updated: { state: 'TASK_RUNNING' } },
      ['HEARTBEAT'],
      BEAT,
    ]);
    assert.deepEqual(
      events.map(({ type }) => type),
      ['SUBSCRIBED', 'HEARTBEAT'],
    );
    assert.equal(reader.unread, 5);
  });

  it('end where a record is no JSON or has a part that is too long', () => {
    assert.throws(() => reading([task('x'.repeat(2_000), 'TASK_STAGING')]));
    assert.throws(() => reading([subscribed([task('x'.repeat(2_000), 'TASK_STAGING')])]));
    assert.throws(() => new EventReader(rateNames, 100).push(Buffer.from('3\n{"a')));
  });
});

interface Feed {
  next(): Promise<MesosEvent>;
  stop(): void;
}

function feed(t: TestContext, masters: readonly string[], more: Partial<EventsDeps> = {}): Feed {
  const client = createMesosClient({
    masters,
    withinMs: 180_000,
    authorization: () => 'Basic eDp5',
  });
  const stop = new AbortController();
  const deps = { client, clock: systemClock, log: silentLog, rateNames, backoffMs: 5 };
  const events = mesosEvents({ ...deps, ...more }, stop.signal);
  t.after(() => {
    stop.abort();
    client.close();
  });
  const next = async (): Promise<MesosEvent> => {
    const found = await events.next();
    assert.ok(found.done !== true, 'the events ended');
    return found.value;
  };
  return { next, stop: () => stop.abort() };
}

const types = async ({ next }: Feed, count: number): Promise<string[]> => {
  const found: string[] = [];
  while (found.length < count) found.push((await next()).type);
  return found;
};

describe('the stream of events', () => {
  it('asks as the API wants it, at the leader, credentials kept', async (t) => {
    const leader = await tcpMaster(t, (socket) => {
      socket.write(STREAM_HEAD);
      socket.write(chunk(Buffer.concat([framed(subscribed()), framed(BEAT)])));
    });
    const other = await master(t, sendTo({ host: new URL(leader.url).host } as never));
    const away = await master(t, status(503));
    const events = feed(t, [away.url, other.url]);
    assert.deepEqual(await types(events, 2), ['SUBSCRIBED', 'HEARTBEAT']);
    const [head = '', body] = leader.requests[0]?.split('\r\n\r\n') ?? [];
    assert.match(head, /^POST \/api\/v1 HTTP/);
    assert.match(head, /^content-type: application\/json$/im);
    assert.match(head, /^accept: application\/json$/im);
    assert.match(head, /^accept-encoding: identity$/im);
    assert.match(head, /^authorization: Basic eDp5$/im);
    assert.equal(body, '{"type":"SUBSCRIBE"}');
  });

  it('says that it is lost, and is opened again with a new snapshot', async (t) => {
    const leader = await tcpMaster(t, (socket) => {
      socket.write(STREAM_HEAD);
      const whole = framed(subscribed());
      // in two pieces, with a border in a record
      socket.write(chunk(whole.subarray(0, 20)));
      socket.write(chunk(whole.subarray(20)));
    });
    const events = feed(t, [leader.url]);
    assert.deepEqual(await types(events, 1), ['SUBSCRIBED']);
    leader.cut();
    assert.deepEqual(await types(events, 2), ['LOST', 'SUBSCRIBED']);
  });

  for (const { says, answer, why } of [
    { says: 'ends', answer: '0\r\n\r\n', why: /the stream ended$/ },
    {
      says: 'ends in the middle of an event',
      answer: Buffer.concat([chunk('10\n{"ty'), Buffer.from('0\r\n\r\n')]),
      why: /in the middle of an event/,
    },
    { says: 'is no RecordIO', answer: chunk('{"type":"HEARTBEAT"}'), why: /with its length/ },
    { says: 'announces too much', answer: chunk('99999999999999\n'), why: /with its length/ },
    { says: 'has a record that is no JSON', answer: chunk('5\nhello'), why: /not JSON/ },
    {
      says: 'has an event that is too long',
      answer: chunk(framed({ type: 'X', x: 'y'.repeat(9_000) })),
      why: /longer than 5000 bytes/,
    },
  ])
    it(`that ${says} is lost, and says why`, async (t) => {
      const leader = await tcpMaster(t, (socket, request) => {
        socket.write(STREAM_HEAD);
        socket.write(chunk(framed(subscribed())));
        if (request === 1) socket.write(answer);
      });
      const events = feed(t, [leader.url], { mostBytes: 5_000 });
      assert.deepEqual(await types(events, 1), ['SUBSCRIBED']);
      const lost = await events.next();
      assert.match(lost.type === 'LOST' ? lost.why : '', why);
      assert.deepEqual(await types(events, 1), ['SUBSCRIBED']);
    });

  it('that falls silent for three heartbeats is lost', async (t) => {
    const silent = { ...subscribed(), subscribed: { heartbeat_interval_seconds: 0.001 } };
    const leader = await tcpMaster(t, (socket) => {
      socket.write(STREAM_HEAD);
      socket.write(chunk(framed(silent)));
    });
    const events = feed(t, [leader.url]);
    const first = await events.next();
    // never less than a second, whatever a master says
    assert.equal(first.type === 'SUBSCRIBED' && first.heartbeatMs, 1_000);
    const lost = await events.next();
    assert.match(lost.type === 'LOST' ? lost.why : '', /nothing came within 3000 ms/);
  });

  it('says what a master that refuses says, and asks again', async (t) => {
    let asked = 0;
    const leader = await master(t, (response) => {
      asked += 1;
      status(403, 'no VIEW_TASK')(response);
    });
    const events = feed(t, [leader.url]);
    const lost = await events.next();
    assert.match(lost.type === 'LOST' ? lost.why : '', /403: no VIEW_TASK/);
    assert.deepEqual(await types(events, 3), ['LOST', 'LOST', 'LOST']);
    assert.equal(asked, 4);
  });

  it('ends with the caller, whatever it waits for', async (t) => {
    const silent = await tcpMaster(t, () => undefined);
    for (const wait of [0, 20]) {
      const events = feed(t, [silent.url]);
      const ended = assert.rejects(events.next(), /the events ended/);
      await systemClock.sleep(wait, AbortSignal.timeout(10_000));
      events.stop();
      await ended;
    }
  });
});

describe('the stream of the simulated master', () => {
  it('tells of tasks and agents, breaks with the leader and goes on with the next', async (t) => {
    const stage = await openSim({ nodes: demoNodes(), standbys: { mesos: [{ port: 0 }] } });
    t.after(() => stage.sim.stop());
    const events = feed(t, stage.sim.mesosUrls);
    const first = await events.next();
    assert.equal(first.type === 'SUBSCRIBED' && first.agents.length, 6);
    assert.deepEqual(await types(events, 1), ['HEARTBEAT']);
    await stage.ask('POST', '/v2/apps', {
      id: '/shop/web',
      instances: 1,
      cpus: 0.5,
      mem: 64,
      container: { docker: { image: 'registry.example.org/web:1' } },
      networks: [{ name: 'prod' }],
    });
    await stage.clock.advance(14_000);
    const added = await events.next();
    assert.deepEqual(added.type === 'TASK_ADDED' && added.task.networks, ['prod']);
    assert.deepEqual(await types(events, 2), ['TASK_UPDATED', 'TASK_UPDATED']);
    stage.sim.world.master.abdicate();
    assert.deepEqual(await types(events, 1), ['LOST']);
    const again = await events.next();
    assert.deepEqual(again.type === 'SUBSCRIBED' && [again.agents, again.tasks], [[], []]);
    await stage.clock.advance(3_000);
    const found = await types(events, 9);
    assert.equal(found.filter((type) => type === 'AGENT_ADDED').length, 6);
    assert.ok(found.includes('TASK_ADDED'));
  });
});
