import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { appOfTask } from '../../../src/cluster/mesos/app-of-task.ts';
import { createMesosClient } from '../../../src/cluster/mesos/client.ts';
import type { MesosEvent } from '../../../src/cluster/mesos/event-wire.ts';
import { textAt } from '../../../src/cluster/mesos/json-bytes.ts';
import { Staging } from '../../../src/cluster/mesos/staging.ts';
import { isPending, type TaskSeen } from '../../../src/cluster/mesos/task-wire.ts';
import { pendingTasks, watchStaging } from '../../../src/cluster/mesos/watch-staging.ts';
import { systemClock } from '../../../src/plumbing/clock.ts';
import { silentLog } from '../../../src/plumbing/log.ts';
import { demoNodes } from '../../../src/sim/topology.ts';
import { openSim } from '../../sim/stage.ts';

const UUID = '0b3a5a1e-8a43-4a54-9d7b-0123456789ab';
const NOW = 1_700_000_000_000;

describe('the app of a task', () => {
  for (const { task, app } of [
    { task: `web.instance-${UUID}._app.1`, app: '/web' },
    { task: `shop_web.instance-${UUID}._app.12`, app: '/shop/web' },
    { task: `shop_cart.instance-${UUID}.main.2`, app: '/shop/cart' },
    { task: `shop_web.${UUID}`, app: '/shop/web' },
    { task: `shop_web.marathon-${UUID}`, app: '/shop/web' },
    { task: `a.b_c.d.instance-${UUID}._app.1`, app: '/a.b/c.d' },
    { task: UUID, app: undefined },
    { task: 'chronos:job', app: undefined },
    { task: '', app: undefined },
    { task: `.${UUID}`, app: undefined },
  ])
    it(`${task || 'nothing'}: ${app ?? 'none'}`, () => assert.equal(appOfTask(task), app));
});

describe('the state of a task in a long list', () => {
  for (const { says, text, state } of [
    { says: 'is its own', text: '{"statuses":[{"state":"A"}],"state":"B"}', state: 'B' },
    { says: 'has blanks around it', text: ' { "a" : "state" , "state" : "B" }', state: 'B' },
    {
      says: 'is not a value of that name',
      text: '{"x":"state","y":{"state":"A"}}',
      state: undefined,
    },
    { says: 'is no number', text: '{"state":7}', state: undefined },
    { says: 'with an escape is read otherwise', text: '{"state":"A\\u0042"}', state: undefined },
    { says: 'behind brackets in text', text: '{"x":"}]\\"{","state":"B"}', state: 'B' },
    { says: 'of nothing', text: '', state: undefined },
  ])
    it(says, () => assert.equal(textAt(Buffer.from(text), 'state'), state));
});

const seen = (taskId: string, agentId = 'S1', state = 'TASK_STAGING'): TaskSeen => ({
  taskId,
  frameworkId: 'f',
  agentId,
  state,
  networks: ['prod'],
});
const added = (taskId: string, agentId = 'S1', state = 'TASK_STAGING'): MesosEvent => ({
  type: 'TASK_ADDED',
  task: seen(taskId, agentId, state),
});
const updated = (taskId: string, state: string): MesosEvent => ({
  type: 'TASK_UPDATED',
  frameworkId: 'f',
  taskId,
  state,
});
const snapshot = (...tasks: TaskSeen[]): MesosEvent => ({
  type: 'SUBSCRIBED',
  tasks,
  agents: [{ agentId: 'S1', hostname: 'node-1' }],
  heartbeatMs: 15_000,
});
const LOST: MesosEvent = { type: 'LOST', why: 'test' };

/** Agent -> its tasks, sorted. */
const picture = (staging: Staging): Record<string, string[]> =>
  Object.fromEntries(
    staging
      .agents()
      .map(({ agentId, tasks }) => [agentId, tasks.map(({ taskId }) => taskId).sort()] as const)
      .sort(),
  );

describe('what is launched and does not run yet', () => {
  for (const { says, events, leaves } of [
    { says: 'begins with the snapshot', events: [snapshot(seen('a'))], leaves: { S1: ['a'] } },
    { says: 'grows with a launch', events: [snapshot(), added('a')], leaves: { S1: ['a'] } },
    {
      says: 'stays until it runs',
      events: [snapshot(), added('a'), updated('a', 'TASK_STARTING')],
      leaves: { S1: ['a'] },
    },
    ...[
      'TASK_RUNNING',
      'TASK_FAILED',
      'TASK_KILLED',
      'TASK_FINISHED',
      'TASK_DROPPED',
      'TASK_LOST',
      'TASK_GONE',
      'TASK_KILLING',
      'TASK_UNREACHABLE',
      'TASK_OF_LATER_VERSIONS',
    ].map((state) => ({
      says: `ends with ${state}`,
      events: [snapshot(), added('a'), updated('a', state)],
      leaves: {},
    })),
    {
      says: 'is not what runs when its agent registers again',
      events: [snapshot(), added('a', 'S1', 'TASK_RUNNING')],
      leaves: {},
    },
    {
      says: 'knows a launch told twice once',
      events: [snapshot(), added('a'), added('a')],
      leaves: { S1: ['a'] },
    },
    {
      says: 'takes no notice of updates of others',
      events: [snapshot(), updated('x', 'TASK_STAGING')],
      leaves: {},
    },
    {
      says: 'keeps agents apart',
      events: [snapshot(), added('a'), added('b', 'S2'), updated('a', 'TASK_RUNNING')],
      leaves: { S2: ['b'] },
    },
    {
      says: 'goes with its agent',
      events: [snapshot(), added('a'), added('b', 'S2'), { type: 'AGENT_REMOVED', agentId: 'S1' }],
      leaves: { S2: ['b'] },
    },
    {
      says: 'stands while the stream is lost',
      events: [snapshot(), added('a'), LOST],
      leaves: { S1: ['a'] },
    },
    {
      says: 'is what the next snapshot says',
      events: [snapshot(), added('a'), added('b'), LOST, snapshot(seen('b'), seen('c', 'S2'))],
      leaves: { S1: ['b'], S2: ['c'] },
    },
  ] as readonly { says: string; events: MesosEvent[]; leaves: object }[])
    it(says, () => {
      const staging = new Staging();
      for (const event of events) staging.apply(event, NOW);
      assert.deepEqual(picture(staging), leaves);
      assert.equal(staging.size, Object.values(leaves).flat().length);
    });

  it('knows the app, the host and since when', () => {
    const staging = new Staging();
    const taskId = `shop_web.instance-${UUID}._app.1`;
    staging.apply(snapshot(), NOW);
    staging.apply(added(taskId), NOW);
    staging.apply({ type: 'TASK_ADDED', task: { ...seen('b'), heardMs: NOW - 9_000 } }, NOW);
    staging.apply(snapshot(seen(taskId), seen('b')), NOW + 60_000);
    const { hostname, tasks } = staging.on('S1');
    assert.equal(hostname, 'node-1');
    assert.deepEqual(
      tasks.map(({ app, sinceMs }) => [app, sinceMs]),
      [
        ['/shop/web', NOW],
        [undefined, NOW - 9_000],
      ],
    );
  });

  it('is current between snapshot and loss', () => {
    const staging = new Staging();
    const states = [added('a'), snapshot(), added('b'), LOST, added('c'), snapshot()].map(
      (event) => {
        staging.apply(event, NOW);
        return staging.current;
      },
    );
    assert.deepEqual(states, [false, true, true, false, false, true]);
  });

  it('tells which agents changed, once', () => {
    const staging = new Staging();
    staging.apply(snapshot(), NOW);
    assert.deepEqual([...staging.takeChanged()], ['S1']);
    staging.apply(snapshot(), NOW);
    staging.apply({ type: 'HEARTBEAT' }, NOW);
    staging.apply(updated('x', 'TASK_RUNNING'), NOW);
    assert.deepEqual([...staging.takeChanged()], []);
    staging.apply(added('a', 'S2'), NOW);
    staging.apply({ type: 'AGENT_ADDED', agent: { agentId: 'S3', hostname: 'node-3' } }, NOW);
    assert.deepEqual([...staging.takeChanged()].sort(), ['S2', 'S3']);
    assert.equal(staging.on('S3').hostname, 'node-3');
  });
});

describe('a reading of all tasks', () => {
  it('drops what is gone and adds what was missed', () => {
    const staging = new Staging();
    staging.apply(snapshot(seen('a'), seen('b')), NOW);
    staging.reread().end([seen('b'), seen('c', 'S2')], NOW);
    assert.deepEqual(picture(staging), { S1: ['b'], S2: ['c'] });
  });

  it('does not undo what happened while it was under way', () => {
    const staging = new Staging();
    staging.apply(snapshot(seen('a'), seen('b')), NOW);
    const reading = staging.reread();
    staging.apply(added('c'), NOW);
    staging.apply(updated('a', 'TASK_RUNNING'), NOW);
    staging.apply(updated('unknown', 'TASK_RUNNING'), NOW);
    // the master answered before all that
    reading.end([seen('a'), seen('b'), seen('unknown')], NOW);
    assert.deepEqual(picture(staging), { S1: ['b', 'c'] });
  });

  it('counts for nothing once a newer snapshot came, or it was dropped', () => {
    const staging = new Staging();
    staging.apply(snapshot(seen('a')), NOW);
    const old = staging.reread();
    staging.apply(snapshot(seen('b')), NOW);
    old.end([seen('x')], NOW);
    const dropped = staging.reread();
    dropped.drop();
    dropped.end([seen('x')], NOW);
    assert.deepEqual(picture(staging), { S1: ['b'] });
  });

  /** A task's life; nothing that ran is staged again. */
  const LIFE = ['TASK_STAGING', 'TASK_STARTING', 'TASK_RUNNING', 'TASK_FAILED'] as const;

  it('equals the events replayed, however late it answers', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 32 });
    fc.assert(
      fc.property(steps, fc.nat(32), fc.nat(32), (tasks, asked, later) => {
        const ages = new Map<number, number>();
        const pending = (): TaskSeen[] =>
          [...ages].flatMap(([task, age]) => {
            const state = LIFE[age] ?? 'TASK_FAILED';
            return isPending(state) ? [seen(`t${task}`, `S${task % 3}`, state)] : [];
          });
        const live = new Staging();
        live.apply(snapshot(), NOW);
        const step = (task: number): void => {
          const age = (ages.get(task) ?? -1) + 1;
          ages.set(task, age);
          const state = LIFE[age] ?? 'TASK_FAILED';
          const event = age === 0 ? added(`t${task}`, `S${task % 3}`) : updated(`t${task}`, state);
          live.apply(event, NOW);
        };
        tasks.slice(0, asked).forEach(step);
        const reading = live.reread();
        tasks.slice(asked, asked + later).forEach(step);
        const answer = pending();
        tasks.slice(asked + later).forEach(step);
        const whole = new Staging();
        whole.apply(snapshot(...pending()), NOW);
        assert.deepEqual(picture(live), picture(whole));
        reading.end(answer, NOW);
        assert.deepEqual(picture(live), picture(whole));
      }),
    );
  });
});

describe('watching the tasks of the simulated master', () => {
  const APP = {
    id: '/shop/web',
    instances: 4,
    cpus: 0.5,
    mem: 64,
    container: { docker: { image: 'registry.example.org/web:1' } },
    networks: [{ name: 'prod' }],
  };

  async function open(t: TestContext) {
    const stage = await openSim({ nodes: demoNodes(), standbys: { mesos: [{ port: 0 }] } });
    const client = createMesosClient({ masters: stage.sim.mesosUrls, withinMs: 5_000 });
    let changed = (): void => undefined;
    const watch = watchStaging({
      client,
      clock: systemClock,
      log: silentLog,
      rateNames: { in: 'net_in', out: 'net_out' },
      backoffMs: 5,
      onChange: () => changed(),
    });
    t.after(async () => {
      await watch.stop();
      client.close();
      await stage.sim.stop();
    });
    const until = async (holds: () => boolean): Promise<void> => {
      const deadline = AbortSignal.timeout(180_000);
      while (!holds())
        await new Promise<void>((resolve, reject) => {
          changed = resolve;
          deadline.addEventListener('abort', () => reject(new Error('it never came to hold')));
        });
    };
    return { stage, client, watch, until };
  }

  it('follows launches to their end, through a failover', async (t) => {
    const { stage, client, watch, until } = await open(t);
    await until(() => watch.state().ok);
    await stage.ask('POST', '/v2/apps', APP);
    const { containers } = stage.sim.world.fleet;
    while (containers.size < 4) await stage.clock.advance(100);
    await until(() => watch.staging.size === 4);
    const names = { in: 'net_in', out: 'net_out' };
    const read = await pendingTasks(client, names, AbortSignal.timeout(180_000));
    assert.equal(read.length, 4);
    const [first] = watch.staging.agents();
    assert.deepEqual(
      [first?.tasks[0]?.app, first?.tasks[0]?.networks, first?.hostname?.startsWith('node-')],
      ['/shop/web', ['prod'], true],
    );
    watch.reread();
    stage.sim.world.master.abdicate();
    await until(() => !watch.state().ok || watch.staging.size === 0);
    await until(() => watch.state().ok);
    await stage.clock.advance(60_000);
    await until(() => watch.staging.size === 0 && watch.staging.current);
    assert.equal(
      [...containers.values()].filter(({ state }) => state === 'TASK_RUNNING').length,
      4,
    );
  });
});
