import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createMesosClient } from '../../../src/cluster/mesos/client.ts';
import { createMesosOperator, type MesosOperator } from '../../../src/cluster/mesos/operator.ts';
import { createTokenFence, type TokenFence } from '../../../src/cluster/mesos/token-fence.ts';
import { demoNodes } from '../../../src/sim/topology.ts';
import { openSim, type OpenSim } from '../../sim/stage.ts';
import { clientOf, json, master, status } from './master.ts';

const patience = () => AbortSignal.timeout(180_000);
const PASSWORD = 's3cret';
const TOKEN = {
  resource: 'fence_ok',
  role: 'corral-fence',
  principal: 'corral',
  owner: 'corral-a',
};
const REASON = { reason: 'no address left' };

interface Stage {
  readonly stage: OpenSim;
  readonly fence: TokenFence;
  readonly other: TokenFence;
  readonly operator: MesosOperator;
  readonly id: (index: number) => string;
}

async function open(t: TestContext, token: string | undefined = 'fence_ok'): Promise<Stage> {
  const stage = await openSim({
    nodes: demoNodes(),
    standbys: { mesos: [{ port: 0 }] },
    mesosTraits: {
      version: '1.8.1',
      credentials: { corral: PASSWORD, guest: PASSWORD },
      operators: ['corral'],
      ...(token !== undefined && { token }),
    },
  });
  t.after(() => stage.sim.stop());
  const client = createMesosClient({
    masters: stage.sim.mesosUrls,
    withinMs: 5_000,
    authorization: () => `Basic ${Buffer.from(`corral:${PASSWORD}`).toString('base64')}`,
  });
  t.after(() => client.close());
  return {
    stage,
    fence: createTokenFence(client, TOKEN),
    other: createTokenFence(client, { ...TOKEN, owner: 'corral-b' }),
    operator: createMesosOperator(client),
    id: (index) => stage.sim.world.fleet.nodes[index]?.agentId ?? '',
  };
}

const APP = {
  id: '/web',
  instances: 12,
  cpus: 0.1,
  mem: 32,
  container: { docker: { image: 'registry.example.org/web:1' } },
};

describe('the token fence', () => {
  it('keeps an agent out of all offers until it is given back', async (t) => {
    const { stage, fence, id } = await open(t);
    assert.deepEqual(await fence.reserve(id(0), REASON, patience()), { outcome: 'done' });
    assert.deepEqual(await fence.reserve(id(0), REASON, patience()), { outcome: 'done' });
    const [first, second] = await fence.tokens(patience());
    assert.deepEqual(first?.labels, { ...REASON, owner: 'corral-a' });
    assert.deepEqual([first?.ours, second?.ours], [true, false]);

    await stage.ask('POST', '/v2/apps', APP);
    await stage.clock.advance(60_000);
    const { fleet } = stage.sim.world;
    assert.equal(fleet.containers.size, 12);
    assert.ok([...fleet.containers.values()].every(({ agentId }) => agentId !== id(0)));

    assert.deepEqual(await fence.unreserve(id(0), patience()), { outcome: 'done' });
    assert.deepEqual(await fence.unreserve(id(0), patience()), { outcome: 'done' });
    assert.ok((await fence.tokens(patience())).every(({ ours }) => !ours));
    await stage.ask('PUT', '/v2/apps/web', { instances: 40 });
    await stage.clock.advance(180_000);
    assert.ok([...fleet.containers.values()].some(({ agentId }) => agentId === id(0)));
    assert.deepEqual(stage.faults, []);
  });

  it('rescinds the offer that holds the token', async (t) => {
    const { stage, fence } = await open(t);
    const { world } = stage.sim;
    await stage.ask('POST', '/v2/apps', { ...APP, cpus: 100 });
    while (world.offers.outstanding.size === 0) await stage.clock.advance(10);
    const [offer] = world.offers.outstanding.values();
    assert.ok(offer);
    assert.equal((await fence.reserve(offer.node.agentId, REASON, patience())).outcome, 'done');
    assert.ok([...world.offers.outstanding.values()].every(({ node }) => node !== offer.node));
  });

  it('leaves what another owner reserved', async (t) => {
    const { fence, other, id } = await open(t);
    await other.reserve(id(1), REASON, patience());
    assert.equal((await fence.reserve(id(1), REASON, patience())).outcome, 'refused');
    assert.equal((await fence.unreserve(id(1), patience())).outcome, 'done');
    assert.ok((await other.tokens(patience()))[1]?.ours);
    assert.ok(!(await fence.tokens(patience()))[1]?.ours);
  });

  it('says busy, unknown, refused and cut off for what they are', async (t) => {
    const { stage, fence, id } = await open(t);
    stage.sim.world.master.troubles.push('busy', 'lost');
    assert.equal((await fence.reserve(id(0), REASON, patience())).outcome, 'busy');
    // the call is told again to the next master, where it is found to be done already
    assert.equal((await fence.reserve(id(0), REASON, patience())).outcome, 'busy');
    assert.equal((await fence.reserve(id(0), REASON, patience())).outcome, 'done');
    assert.equal((await fence.reserve('nobody', REASON, patience())).outcome, 'unknown-agent');
    stage.sim.world.master.succeed();
    assert.equal((await fence.unreserve(id(0), patience())).outcome, 'unknown-agent');
  });

  it('knows whether the master asks for the token at all', async (t) => {
    const { fence, operator } = await open(t);
    assert.equal((await fence.inForce(patience())).works, true);
    assert.equal((await operator.ability(patience())).fence, 'token');
  });

  for (const { says, value, works } of [
    { says: 'no flag', value: undefined, works: false },
    { says: 'a set without it', value: 'cpus:0.01;fence_ok:1|mem:32', works: false },
    { says: 'another name that starts alike', value: 'cpus:0.01;fence_okay:1', works: false },
    { says: 'every set', value: 'cpus:0.01;fence_ok:1|mem:32;fence_ok:1', works: true },
    { says: 'nothing', value: '', works: false },
  ])
    it(`--min_allocatable_resources: ${says}: ${works ? 'works' : 'does not work'}`, async (t) => {
      const flags = value === undefined ? [] : [{ name: 'min_allocatable_resources', value }];
      const leader = await master(t, json({ type: 'GET_FLAGS', get_flags: { flags } }));
      const fence = createTokenFence(clientOf(t, [leader]), TOKEN);
      const { works: said, why } = await fence.inForce(patience());
      assert.equal(said, works);
      assert.ok(why.length > 0);
    });

  it('sends what the proto says, and gives back to the letter what it finds', async (t) => {
    const token = { name: 'fence_ok', type: 'SCALAR', scalar: { value: 2 } };
    const by = { principal: 'corral', labels: { labels: [{ key: 'owner', value: 'corral-a' }] } };
    let listed: object = { unreserved_resources_full: [{ ...token, role: '*' }] };
    const leader = await master(t, (response) =>
      leader.seen.at(-1)?.method === 'GET'
        ? json({ slaves: [{ id: 'S1', hostname: 'node-1', ...listed }] })(response)
        : status(202)(response),
    );
    const fence = createTokenFence(clientOf(t, [leader]), TOKEN);
    await fence.reserve('S1', {}, patience());
    const held = { ...token, reservations: [{ type: 'DYNAMIC', role: 'corral-fence', ...by }] };
    assert.deepEqual(JSON.parse(leader.seen.at(-1)?.body ?? ''), {
      type: 'RESERVE_RESOURCES',
      reserve_resources: { agent_id: { value: 'S1' }, resources: [held] },
    });
    // in the form before reservation refinement
    listed = {
      reserved_resources_full: {
        'corral-fence': [{ ...token, role: 'corral-fence', reservation: by }],
      },
    };
    await fence.unreserve('S1', patience());
    assert.deepEqual(JSON.parse(leader.seen.at(-1)?.body ?? ''), {
      type: 'UNRESERVE_RESOURCES',
      unreserve_resources: { agent_id: { value: 'S1' }, resources: [held] },
    });
  });

  it('says so of an agent without a token', async (t) => {
    const leader = await master(t, json({ slaves: [{ id: 'S1', hostname: 'node-1' }] }));
    const fence = createTokenFence(clientOf(t, [leader]), TOKEN);
    const said = await fence.reserve('S1', {}, patience());
    assert.deepEqual(said, { outcome: 'refused', why: 'it has no "fence_ok"' });
  });
});
