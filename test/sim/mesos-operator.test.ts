import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { playScript } from '../../src/sim/script.ts';
import type { SimOptions } from '../../src/sim/sim.ts';
import { demoNodes } from '../../src/sim/topology.ts';
import { askAt, openSim, type Answer, type OpenSim } from './stage.ts';

const APP = {
  id: '/shop/web',
  instances: 6,
  cpus: 0.5,
  mem: 64,
  container: { docker: { image: 'registry.example.org/web:1' } },
  networks: [{ name: 'prod' }],
  constraints: [['hostname', 'MAX_PER', '1']],
};

let stage: OpenSim;
const open = async (options: Partial<SimOptions> = {}): Promise<void> => {
  stage = await openSim({ nodes: demoNodes(), standbys: { mesos: [{ port: 0 }] }, ...options });
};
afterEach(async () => {
  await stage.sim.stop();
  assert.deepEqual(stage.faults, []);
});

const leading = async (): Promise<string> => {
  const { headers, status } = await askAt(stage.mesosUrl, 'GET', '/redirect');
  assert.equal(status, 307);
  return `http:${headers.get('location') ?? ''}`;
};
const call = async (body: object, headers?: Record<string, string>): Promise<Answer> =>
  askAt(await leading(), 'POST', '/api/v1', body, headers);
const node = (index: number) => {
  const found = stage.sim.world.fleet.nodes[index];
  assert(found);
  return found;
};
const agentCall = (
  type: string,
  index: number,
  headers?: Record<string, string>,
): Promise<Answer> =>
  call({ type, [type.toLowerCase()]: { agent_id: { value: node(index).agentId } } }, headers);
const play = async (script: string): Promise<string[]> => {
  const { marathonUrl, mesosUrl, clock, sim } = stage;
  const pass = (ms: number) => clock.advance(ms);
  return playScript({ marathonUrl, mesosUrl, world: sim.world, pass }, script);
};
const agents = async () => (await call({ type: 'GET_AGENTS' })).json.get_agents;
const tasks = async () => (await call({ type: 'GET_TASKS' })).json.get_tasks.tasks ?? [];

describe('an operator and a drain', () => {
  beforeEach(async () => {
    await open();
    await stage.ask('POST', '/v2/apps', APP);
    await stage.clock.advance(30_000);
  });

  it('kills the tasks, offers nothing, and ends as drained', async () => {
    assert.equal((await tasks()).length, 6);
    assert.equal((await agentCall('DRAIN_AGENT', 0)).status, 200);
    const [draining] = (await agents()).agents;
    assert.deepEqual(
      [draining.active, draining.deactivated, draining.drain_info.state],
      [false, true, 'DRAINING'],
    );
    assert.deepEqual(
      [
        (await agentCall('REACTIVATE_AGENT', 0)).status,
        (await agentCall('REACTIVATE_AGENT', 0)).text,
      ],
      [400, 'Agent is still in the DRAINING state'],
    );
    await stage.clock.advance(60_000);
    const [drained] = (await agents()).agents;
    assert.equal(drained.drain_info.state, 'DRAINED');
    assert.equal((await tasks()).length, 5);
    const { slaves } = (await askAt(await leading(), 'GET', `/slaves?slave_id=${node(0).agentId}`))
      .json;
    assert.equal(slaves[0].drain_info.state, 'DRAINED');
  });

  it('forgets a finished drain when somebody reactivates the agent', async () => {
    assert.deepEqual(await play('drain node-1\nadvance 30s\nundrain node-1'), [
      'node-1.example.org: draining',
      'node-1.example.org: reactivated',
    ]);
    const [agent] = (await agents()).agents;
    assert.deepEqual([agent.active, agent.deactivated, agent.drain_info], [true, false, undefined]);
    await stage.clock.advance(130_000);
    assert.equal((await tasks()).length, 6);
  });

  it('takes no notice of the switch of a drained agent but the flag', async () => {
    await agentCall('DRAIN_AGENT', 0);
    assert.equal((await agentCall('DEACTIVATE_AGENT', 0)).status, 200);
    assert.equal((await agents()).agents[0].drain_info.state, 'DRAINING');
  });
});

describe('another leading master', () => {
  beforeEach(async () => {
    await open();
    await stage.ask('POST', '/v2/apps', APP);
    await stage.clock.advance(30_000);
  });

  it('knows agents without flags and tasks until they register, and keeps the flags', async () => {
    await agentCall('DEACTIVATE_AGENT', 2);
    const before = await leading();
    await play('failover');
    assert.notEqual(await leading(), before);
    const at = await agents();
    assert.deepEqual([at.agents, at.recovered_agents.length], [undefined, 6]);
    assert.ok(at.recovered_agents.every((one: any) => one.deactivated === undefined));
    assert.equal((await tasks()).length, 0);
    const moved = await askAt(before, 'POST', '/api/v1', { type: 'GET_AGENTS' });
    assert.equal(moved.status, 307);

    assert.equal((await agentCall('DEACTIVATE_AGENT', 1)).status, 200);
    assert.equal((await agentCall('REACTIVATE_AGENT', 1)).status, 409);
    await stage.clock.advance(3_000);
    const after = await agents();
    assert.deepEqual(
      after.agents.map(({ deactivated }: any) => deactivated),
      [false, false, true, false, false, false],
    );
    assert.equal((await tasks()).length, 6);
  });

  it('offers nothing of an agent that has not registered', async () => {
    const { world } = stage.sim;
    await stage.ask('PUT', '/v2/apps/shop/web', { instances: 12, constraints: [] });
    while (world.offers.outstanding.size === 0) await stage.clock.advance(10);
    await play('failover');
    assert.equal(world.offers.outstanding.size, 0);
    await stage.clock.advance(90_000);
    assert.equal((await tasks()).length, 12);
  });

  it('gives up an agent that stays away', async () => {
    await play('failover\npartition node-1');
    assert.equal((await agents()).recovered_agents.length, 6);
    await stage.clock.advance(600_000);
    const { agents: listed, recovered_agents: recovered } = await agents();
    assert.deepEqual([listed.length, recovered], [5, undefined]);
    await play('heal node-1');
    assert.equal((await agents()).agents.length, 6);
  });
});

describe('an agent with a new id', () => {
  it('has no flag and none of its tasks, and the old id is unknown', async () => {
    await open();
    await stage.ask('POST', '/v2/apps', APP);
    await stage.clock.advance(30_000);
    const old = node(0).agentId;
    await agentCall('DEACTIVATE_AGENT', 0);
    await play('renew-agent node-1\nadvance 1s');
    const [agent] = (await agents()).agents;
    assert.notEqual(agent.agent_info.id.value, old);
    assert.deepEqual([agent.active, agent.deactivated], [true, false]);
    const type = 'DEACTIVATE_AGENT';
    const unknown = await call({ type, deactivate_agent: { agent_id: { value: old } } });
    assert.deepEqual([unknown.status, unknown.text], [400, 'Unknown agent']);
    const { completed_tasks: ended } = (await call({ type: 'GET_TASKS' })).json.get_tasks;
    assert.deepEqual([ended[0].state, ended[0].agent_id.value], ['TASK_GONE', old]);
    await stage.clock.advance(130_000);
    assert.equal((await tasks()).length, 6);
    assert.equal(stage.pools.held.size, 6);
  });
});

describe('who may do what', () => {
  const signed = (user: string, password = 's3cret') => ({
    'Content-Type': 'application/json',
    Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
  });

  it('is 401 for nobody, 403 for a principal that may not, 200 for one that may', async () => {
    const credentials = { corral: 's3cret', guest: 's3cret' };
    await open({ mesosTraits: { credentials, operators: ['corral'] } });
    const rows = [
      [signed('corral'), 200],
      [signed('guest'), 403],
      [signed('corral', 'wrong'), 401],
      [signed('constructor'), 401],
      [undefined, 401],
    ] as const;
    for (const [headers, status] of rows) {
      const body = {
        type: 'DEACTIVATE_AGENT',
        deactivate_agent: { agent_id: { value: node(0).agentId } },
      };
      assert.equal((await askAt(stage.mesosUrl, 'POST', '/api/v1', body, headers)).status, status);
    }
    assert.equal(
      (await askAt(stage.mesosUrl, 'POST', '/api/v1', { type: 'GET_AGENTS' }, signed('guest')))
        .status,
      200,
    );
  });
});

describe('a switch that goes wrong', () => {
  it('is done and cut off, undone and cut off, or busy', async () => {
    await open();
    assert.deepEqual(await play('trouble dropped\ntrouble lost\ntrouble busy'), [
      'the next 1 switches: dropped',
      'the next 1 switches: lost',
      'the next 1 switches: busy',
    ]);
    await assert.rejects(agentCall('DEACTIVATE_AGENT', 0));
    assert.equal(node(0).deactivated, false);
    await assert.rejects(agentCall('DEACTIVATE_AGENT', 0));
    assert.equal(node(0).deactivated, true);
    assert.equal((await agentCall('REACTIVATE_AGENT', 0)).status, 409);
    assert.equal((await agentCall('REACTIVATE_AGENT', 0)).status, 200);
    await assert.rejects(play('trouble maybe'), /none of lost, dropped, busy/);
  });
});

describe('an older Mesos', () => {
  it('1.7 has no switch and no flag, and offers by the token', async () => {
    await open({ mesosTraits: { version: '1.7.2', token: 'fence_ok' } });
    const refused = await agentCall('DEACTIVATE_AGENT', 0);
    assert.equal(refused.status, 400);
    const { agents: listed } = await agents();
    assert.equal(listed[0].deactivated, undefined);
    assert.equal(listed[0].version, '1.7.2');
    const { master_info: info } = (await call({ type: 'GET_MASTER' })).json.get_master;
    assert.ok(!info.capabilities.some(({ type }: any) => type === 'AGENT_DRAINING'));
    const { flags } = (await call({ type: 'GET_FLAGS' })).json.get_flags;
    assert.ok(flags.some(({ value }: any) => value === 'cpus:0.01;fence_ok:1|mem:32;fence_ok:1'));
  });
});
