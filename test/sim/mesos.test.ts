import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { record } from '../../src/sim/mesos/stream.ts';
import { demoNodes } from '../../src/sim/topology.ts';
import { askAt, openSim, type Answer, type OpenSim } from './stage.ts';

const APP = {
  id: '/shop/web',
  instances: 2,
  cpus: 0.5,
  mem: 64,
  container: { docker: { image: 'registry.example.org/web:1' } },
  networks: [{ name: 'prod' }],
};

let sim: OpenSim;
before(async () => {
  sim = await openSim({ nodes: demoNodes(), standbys: { mesos: [{ port: 0 }] } });
  await sim.ask('POST', '/v2/apps', APP);
  await sim.clock.advance(20_000);
});
after(async () => {
  await sim.sim.stop();
  assert.deepEqual(sim.faults, []);
});

const call = (body: object, headers?: Record<string, string>): Promise<Answer> =>
  askAt(sim.mesosUrl, 'POST', '/api/v1', body, headers);
const get = (path: string, base = sim.mesosUrl): Promise<Answer> => askAt(base, 'GET', path);
const agentId = (index: number): string => sim.sim.world.fleet.nodes[index]?.agentId ?? '';
const agentCall = (type: string, id: string): Promise<Answer> =>
  call({ type, [type.toLowerCase()]: { agent_id: { value: id } } });

describe('reads of the old API', () => {
  it('state holds agents, tasks and the framework', async () => {
    const { json } = await get('/state');
    assert.equal(json.slaves.length, 6);
    assert.deepEqual(json.slaves[0].attributes, { rack: 'r1' });
    assert.deepEqual(json.slaves[0].resources, {
      cpus: 8,
      gpus: 0,
      mem: 16_384,
      disk: 102_400,
      ports: '[31000-32000]',
    });
    assert.deepEqual([json.activated_slaves, json.deactivated_slaves], [6, 0]);
    assert(json.capabilities.includes('AGENT_DRAINING'));
    const [{ tasks, completed_tasks: completed }] = json.frameworks;
    assert.equal(tasks.length, 2);
    assert.deepEqual(completed, []);
    const { state, statuses } = tasks[0];
    assert.equal(state, 'TASK_RUNNING');
    // The agent's own address is filler until the container runs; only then there is a name.
    const infos = statuses.map(({ container_status }: any) => container_status.network_infos[0]);
    assert.equal(infos[0].name, undefined);
    assert.match(infos[0].ip_addresses[0].ip_address, /^198\.51\.100\./);
    assert.equal(infos.at(-1).name, 'prod');
    assert.match(infos.at(-1).ip_addresses[0].ip_address, /^192\.0\./);
    assert.equal(statuses[0].reason, undefined);
  });

  it('slaves may be asked for by id, and used resources add up', async () => {
    const { json } = await get('/slaves');
    const used = json.slaves.reduce(
      (sum: number, slave: any) => sum + slave.used_resources.cpus,
      0,
    );
    assert.equal(used, 1);
    assert.equal((await get(`/slaves?slave_id=${agentId(2)}`)).json.slaves.length, 1);
    assert.deepEqual((await get('/master/slaves')).json, json);
  });

  it('tasks are limited and ordered', async () => {
    assert.equal((await get('/tasks?limit=1')).json.tasks.length, 1);
    const down = (await get('/tasks')).json.tasks.map(({ id }: any) => id);
    const up = (await get('/tasks?order=asc')).json.tasks.map(({ id }: any) => id);
    assert.deepEqual(down.toReversed(), up);
  });

  it('has a summary and knows no other paths', async () => {
    assert.equal((await get('/state-summary')).json.slaves.length, 6);
    assert.equal((await get('/nothing')).status, 404);
  });
});

describe('the operator API', () => {
  for (const { says, headers, method, status } of [
    {
      says: 'a charset in Content-Type',
      headers: { 'Content-Type': 'application/json; charset=utf-8' },
      method: 'POST',
      status: 415,
    },
    {
      says: 'another type',
      headers: { 'Content-Type': 'text/plain' },
      method: 'POST',
      status: 415,
    },
    { says: 'GET', headers: {}, method: 'GET', status: 405 },
  ])
    it(`refuses ${says} with ${status}`, async () => {
      const body = method === 'GET' ? undefined : { type: 'GET_AGENTS' };
      assert.equal((await askAt(sim.mesosUrl, method, '/api/v1', body, headers)).status, status);
    });

  it('refuses a missing Content-Type with 400', async () => {
    const status = await new Promise((resolve, reject) => {
      const to = request(`${sim.mesosUrl}/api/v1`, { method: 'POST' }, (answer) =>
        resolve(answer.statusCode),
      );
      to.once('error', reject);
      to.end('{"type":"GET_AGENTS"}');
    });
    assert.equal(status, 400);
  });

  it('refuses what is no call', async () => {
    assert.equal((await askAt(sim.mesosUrl, 'POST', '/api/v1', '{')).status, 400);
    assert.equal((await call({ type: 'GET_NOTHING' })).status, 400);
  });

  it('shows agents in the shape of the recorded answer', async () => {
    const { json } = await call({ type: 'GET_AGENTS' });
    const { agents } = json.get_agents;
    assert.equal(agents.length, 6);
    const [{ agent_info: info, active, deactivated, total_resources: total }] = agents;
    assert.deepEqual(info.attributes, [{ name: 'rack', type: 'TEXT', text: { value: 'r1' } }]);
    assert.deepEqual([active, deactivated], [true, false]);
    assert.deepEqual(total.at(-1), {
      name: 'ports',
      ranges: { range: [{ begin: 31_000, end: 32_000 }] },
      role: '*',
      type: 'RANGES',
    });
  });

  it('shows tasks, frameworks, the master and the whole state', async () => {
    const { tasks } = (await call({ type: 'GET_TASKS' })).json.get_tasks;
    assert.equal(tasks.length, 2);
    assert.equal(tasks[0].statuses.at(-1).source, 'SOURCE_EXECUTOR');
    const { get_state: state } = (await call({ type: 'GET_STATE' })).json;
    assert.deepEqual(Object.keys(state), [
      'get_tasks',
      'get_executors',
      'get_frameworks',
      'get_agents',
    ]);
    assert.equal((await call({ type: 'GET_FRAMEWORKS' })).json.get_frameworks.frameworks.length, 1);
    const { master_info: master } = (await call({ type: 'GET_MASTER' })).json.get_master;
    assert.equal(`http://${master.address.hostname}:${master.address.port}`, sim.mesosUrl);
  });
});

describe('deactivation', () => {
  it('takes an agent out of the offers and back, answering as the master does', async () => {
    const id = agentId(0);
    assert.deepEqual(
      [
        (await agentCall('REACTIVATE_AGENT', id)).status,
        (await agentCall('REACTIVATE_AGENT', id)).text,
      ],
      [400, 'Agent is not deactivated'],
    );
    const unknown = await agentCall('DEACTIVATE_AGENT', 'nobody');
    assert.deepEqual([unknown.status, unknown.text], [400, 'Unknown agent']);
    for (const time of ['once', 'twice']) {
      const { status, text } = await agentCall('DEACTIVATE_AGENT', id);
      assert.deepEqual([status, text], [200, ''], time);
    }
    const { agents } = (await call({ type: 'GET_AGENTS' })).json.get_agents;
    assert.deepEqual([agents[0].active, agents[0].deactivated], [false, true]);
    const { slaves } = (await get('/state')).json;
    assert.deepEqual([slaves[0].active, slaves[0].deactivated], [false, true]);
    assert.equal((await agentCall('REACTIVATE_AGENT', id)).status, 200);
  });

  it('rescinds offers that nobody has answered', async () => {
    const { world } = sim.sim;
    // Right after an allocation the framework has not answered yet.
    await sim.ask('POST', '/v2/apps', { ...APP, id: '/waits', cpus: 100 });
    while (world.offers.outstanding.size === 0) await sim.clock.advance(10);
    const [offer] = world.offers.outstanding.values();
    assert.equal((await agentCall('DEACTIVATE_AGENT', offer?.node.agentId ?? '')).status, 200);
    assert([...world.offers.outstanding.values()].every(({ node }) => node !== offer?.node));
    await sim.clock.advance(60_000);
    assert([...world.offers.outstanding.values()].every(({ node }) => node !== offer?.node));
    await agentCall('REACTIVATE_AGENT', offer?.node.agentId ?? '');
    await sim.ask('DELETE', '/v2/apps/waits');
  });

  it('of an agent that is away is done; reactivation is 409 and done all the same', async () => {
    const id = agentId(5);
    const node = sim.sim.world.fleet.nodes[5];
    assert(node);
    sim.sim.world.fleet.partition(node);
    assert.equal((await agentCall('DEACTIVATE_AGENT', id)).status, 200);
    assert.equal(node.deactivated, true);
    assert.equal((await agentCall('REACTIVATE_AGENT', id)).status, 409);
    assert.equal((await get('/state')).json.unreachable_slaves, 1);
    sim.sim.world.fleet.heal(node);
    assert.equal(node.deactivated, false);
  });
});

interface Stream {
  next(): Promise<any>;
  close(): void;
}

/** Reads RecordIO whatever the borders of the chunks. */
const subscribed = async (): Promise<Stream> => {
  const stop = new AbortController();
  const response = await fetch(`${sim.mesosUrl}/api/v1`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: '{"type":"SUBSCRIBE"}',
    signal: stop.signal,
  });
  assert.equal(response.status, 200);
  const reader = response.body!.getReader();
  let rest = Buffer.alloc(0);
  const more = async (): Promise<void> => {
    const { value, done } = await reader.read();
    assert(!done, 'the stream ended');
    rest = Buffer.concat([rest, value]);
  };
  return {
    close: () => stop.abort(),
    next: async () => {
      while (!rest.includes(10)) await more();
      const at = rest.indexOf(10);
      const length = Number(rest.subarray(0, at).toString());
      while (rest.length < at + 1 + length) await more();
      const body = rest.subarray(at + 1, at + 1 + length).toString();
      rest = rest.subarray(at + 1 + length);
      return JSON.parse(body);
    },
  };
};

describe('SUBSCRIBE', () => {
  it('starts with the state and a heartbeat, then tells of every task', async () => {
    const stream = await subscribed();
    const first = await stream.next();
    assert.equal(first.type, 'SUBSCRIBED');
    assert.equal(first.subscribed.heartbeat_interval_seconds, 15);
    assert.equal(first.subscribed.get_state.get_agents.agents.length, 6);
    assert.equal((await stream.next()).type, 'HEARTBEAT');
    await sim.ask('POST', '/v2/apps', { ...APP, id: '/late', instances: 1 });
    await sim.clock.advance(14_000);
    const added = await stream.next();
    assert.equal(added.type, 'TASK_ADDED');
    assert.match(added.task_added.task.task_id.value, /^late\.instance-.*\._app\.1$/);
    const states: string[] = [];
    for (
      let update = await stream.next();
      update.type === 'TASK_UPDATED';
      update = await stream.next()
    ) {
      states.push(update.task_updated.state);
      assert.equal(update.task_updated.status.task_id.value, added.task_added.task.task_id.value);
      if (states.length === 2) break;
    }
    assert.deepEqual(states, ['TASK_STARTING', 'TASK_RUNNING']);
    await sim.clock.advance(15_000);
    assert.equal((await stream.next()).type, 'HEARTBEAT');
    stream.close();
  });

  it('counts bytes, not characters', () => {
    assert.equal(record({ a: 'é' }).toString(), '10\n{"a":"é"}');
  });

  it('breaks when another master leads', async () => {
    const stream = await subscribed();
    await stream.next();
    await stream.next();
    sim.sim.elect('mesos', 1);
    await assert.rejects(stream.next(), /ended/);
    sim.sim.elect('mesos', 0);
  });
});

describe('a master that does not lead', () => {
  it('answers 307 with a Location that names no protocol', async () => {
    const [, standby = ''] = sim.sim.mesosUrls;
    const leader = sim.mesosUrl.replace('http:', '');
    const moved = await get('/slaves?slave_id=1', standby);
    assert.deepEqual(
      [moved.status, moved.headers.get('location')],
      [307, `${leader}/slaves?slave_id=1`],
    );
    assert.equal((await get('/redirect')).headers.get('location'), leader);
    assert.equal((await get('/master/redirect', standby)).headers.get('location'), leader);
  });

  it('answers 503 while nobody leads', async () => {
    sim.sim.elect('mesos', 'none');
    const { status, text } = await get('/state');
    assert.deepEqual([status, text], [503, 'No leader elected']);
    sim.sim.elect('mesos', 0);
  });
});
