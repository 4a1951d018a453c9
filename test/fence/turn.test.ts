import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { AgentSeen } from '../../src/core/fence-action.ts';
import type { FenceMeans, Switched } from '../../src/fence/means.ts';
import { fenceTurn, type FenceTurnDeps, type PassReport } from '../../src/fence/turn.ts';
import type { Term } from '../../src/ledger/election.ts';
import { openFenceBook } from '../../src/ledger/fence-book.ts';
import { confessFence, type Fences, listFences } from '../../src/ledger/fences.ts';
import { keys } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { opened, patience } from '../ledger/opened.ts';
import { NODE, pictureOf } from './one-node.ts';

/** What Mesos shows of the one agent. */
class Mesos {
  agent: AgentSeen = {
    ...{ agentId: 'S1', hostname: NODE, active: true, deactivated: false },
    ...{ draining: false, recovered: false },
  };
  readonly calls: string[] = [];
  answers: Switched[] = [];
  /** Called when Mesos is asked, before it acts. */
  before: () => unknown = () => undefined;

  readonly means: FenceMeans = {
    by: 'deactivate',
    agents: () => Promise.resolve([this.agent]),
    close: (agentId) => this.#switch('close', agentId, true),
    open: (agentId) => this.#switch('open', agentId, false),
  };

  async #switch(verb: string, agentId: string, isClosed: boolean): Promise<Switched> {
    this.calls.push(verb);
    await this.before();
    const said = this.answers.shift() ?? { outcome: 'done' };
    if (said.outcome === 'done' && agentId === this.agent.agentId)
      this.agent = { ...this.agent, deactivated: isClosed, active: !isClosed };
    return said;
  }
}

class Clock {
  ms = 1_700_000_000_000;
  readonly now = () => this.ms;
  readonly sleep = systemClock.sleep;
}

interface World {
  readonly store: Store;
  readonly mesos: Mesos;
  readonly clock: Clock;
  isFull: boolean;
  /** Between two passes. */
  stepMs: number;
  reports: PassReport[];
}

const worldOf = async (t: TestContext): Promise<World> => ({
  ...{ store: await opened(t), mesos: new Mesos(), clock: new Clock() },
  ...{ isFull: true, stepMs: 20_000, reports: [] },
});

/** Whoever is elected last leads. */
async function elected({ store }: World): Promise<Term> {
  const key = keys.election('fence');
  const put = { put: key, value: 'me' };
  const { revision } = await store.commit({ guards: [], writes: [put] }, patience());
  return { revision, fence: { key, revision } };
}

const SETTINGS: FenceTurnDeps['settings'] = {
  ...{ margin: 2, reopenExtra: 0, reopenAfterMs: 0, patienceMs: 10_000, everyMs: 0 },
  ...{ netInBelowKbit: 1, netOutBelowKbit: 1, flipsPerMinute: 100, atOnce: 4 },
  mode: 'on',
};

/** A gate that leads, with a memory and a picture of the records of its own. */
async function leader(
  t: TestContext,
  world: World,
  more: Partial<FenceTurnDeps> = {},
): Promise<(signal?: AbortSignal) => Promise<void>> {
  const { store, clock, mesos } = world;
  const term = await elected(world);
  const ending = new AbortController();
  t.after(() => ending.abort());
  const book = openFenceBook({ store, clock: systemClock, log }, ending.signal);
  const turn = fenceTurn({
    ...{ store: more.store ?? store, clock, log, book, settings: SETTINGS, callWithinMs: 180_000 },
    steadyMs: () => 0, // this process never stands still
    snapshot: () => pictureOf(world.isFull),
    force: () =>
      Promise.resolve({
        ability: { fence: 'deactivate', version: '1.11.0', why: '' },
        ...{ means: mesos.means, isAble: true, why: '' },
      }),
    staged: () => [],
    queue: () => Promise.resolve([]),
    failures: () => [],
    onPass: (report) => world.reports.push(report),
    ...more,
  });
  return async (signal = patience()) => {
    world.clock.ms += world.stepMs;
    await seen(world, book.fences);
    await turn(signal, term);
  };
}

/** Waits until a book shows what the ledger has, orders of people too. */
async function seen({ store }: World, shown: () => Fences): Promise<void> {
  const told = ({ records, orders }: Fences): string =>
    JSON.stringify([[...records].map(([node, { revision }]) => [node, revision]), [...orders]]);
  const late = patience();
  while (told(shown()) !== told(await listFences(store, late))) await systemClock.sleep(5, late);
}

const recordIn = async ({ store }: World) =>
  (await listFences(store, patience())).records.get(NODE)?.record;

async function agrees(world: World): Promise<void> {
  const record = await recordIn(world);
  assert.equal(world.mesos.agent.deactivated, world.isFull, 'Mesos shows what is wanted');
  assert.equal(record?.state, world.isFull ? 'closed' : undefined, 'and the record says so');
}

describe('a pass of the fence', () => {
  it('closes a node without room, and opens it when it has some', async (t) => {
    const world = await worldOf(t);
    const pass = await leader(t, world);
    world.mesos.before = async () => {
      const state = world.isFull ? 'closing' : 'opening';
      assert.equal((await recordIn(world))?.state, state, 'written before Mesos is asked');
    };
    await pass();
    await agrees(world);
    const record = await recordIn(world);
    assert.equal(record?.why, 'no addresses left on network prod, fewer than 2');
    assert.deepEqual([record?.figures.cpus, record?.figures.memMiB], [4, 1024]);
    await pass();
    world.isFull = false;
    await pass();
    await agrees(world);
    await pass();
    assert.deepEqual(world.mesos.calls, ['close', 'open']);
  });

  it('looks at Mesos anew after it switched something, however soon', async (t) => {
    const world = await worldOf(t);
    world.stepMs = 100;
    const pass = await leader(t, world, { settings: { ...SETTINGS, everyMs: 60_000 } });
    for (let passes = 0; passes < 3; passes++) await pass();
    assert.deepEqual(world.mesos.calls, ['close']);
    assert.deepEqual((await recordIn(world))?.undone, []);
  });

  it('writes what it would do, and asks Mesos nothing, when it only watches', async (t) => {
    const world = await worldOf(t);
    const pass = await leader(t, world, { settings: { ...SETTINGS, mode: 'watch' } });
    await pass();
    assert.equal((await recordIn(world))?.mode, 'watch');
    world.isFull = false;
    await pass();
    assert.equal(await recordIn(world), undefined);
    assert.deepEqual(world.mesos.calls, []);
  });

  it('opens all that is closed once it is off', async (t) => {
    const world = await worldOf(t);
    await (
      await leader(t, world)
    )();
    const off = await leader(t, world, { settings: { ...SETTINGS, mode: 'off' } });
    await off();
    assert.deepEqual([world.mesos.agent.deactivated, await recordIn(world)], [false, undefined]);
  });

  for (const [outcome, state] of [
    ['refused', undefined],
    ['unknown-agent', undefined],
    ['draining', undefined],
    ['unreachable', 'closing'],
    ['pending', 'closing'],
  ] as const)
    it(`keeps ${state ?? 'no'} record when closing ends as ${outcome}`, async (t) => {
      const world = await worldOf(t);
      world.mesos.answers = [{ outcome, why: 'w' }];
      const pass = await leader(t, world);
      await pass();
      assert.equal((await recordIn(world))?.state, state);
      world.clock.ms += 60_000;
      await pass();
      await agrees(world);
    });

  for (const act of ['closing', 'opening'] as const)
    it(`leaves a node alone when people say so between its decision and ${act}`, async (t) => {
      const world = await worldOf(t);
      if (act === 'opening') {
        await (
          await leader(t, world)
        )();
        world.isFull = false;
      }
      const before = [...world.mesos.calls];
      const { store } = world;
      const ordered = Object.assign(Object.create(store) as Store, {
        commit: async (...[change, signal]: Parameters<Store['commit']>) => {
          const order = records.fenceOrder.encode({ v: 1, order: 'leave', who: 'ops', atMs: 1 });
          const writes = [{ put: keys.fenceOrder(NODE), value: order }];
          await store.commit({ guards: [], writes }, signal);
          return store.commit(change, signal);
        },
      });
      await (
        await leader(t, world, { store: ordered })
      )();
      assert.deepEqual(world.mesos.calls, before);
    });

  it('lets a node be for a minute after Mesos refused to switch it', async (t) => {
    const world = await worldOf(t);
    world.mesos.answers = [{ outcome: 'refused', why: 'not allowed' }];
    const pass = await leader(t, world);
    await pass();
    await pass();
    assert.deepEqual(world.mesos.calls, ['close']);
  });

  it('switches nothing while the ledger is not followed', async (t) => {
    const world = await worldOf(t);
    const pass = await leader(t, world, { snapshot: () => undefined });
    await pass();
    assert.deepEqual([world.mesos.calls, world.reports.length], [[], 0]);
  });
});

class Killed extends Error {}

/** A process that ends at its n-th step: nothing of it happens from there on. */
function dying(world: World, at: number, isAfter: boolean): Pick<FenceTurnDeps, 'store' | 'force'> {
  let step = 0;
  const through = async <T>(act: () => Promise<T>): Promise<T> => {
    step += 1;
    if (step > at || (step === at && !isAfter)) throw new Killed();
    const result = await act();
    if (step === at) throw new Killed();
    return result;
  };
  const { store, mesos } = world;
  const mortal = Object.assign(Object.create(store) as Store, {
    get: store.get.bind(store),
    range: store.range.bind(store),
    commit: (...args: Parameters<Store['commit']>) => through(() => store.commit(...args)),
  });
  const { means } = mesos;
  return {
    store: mortal,
    force: () =>
      Promise.resolve({
        ability: { fence: 'deactivate', version: '1.11.0', why: '' },
        means: {
          ...means,
          close: (id, signal) => through(() => means.close(id, signal)),
          open: (id, signal) => through(() => means.open(id, signal)),
        },
        ...{ isAble: true, why: '' },
      }),
  };
}

describe('a leader that dies', () => {
  for (const act of ['closing', 'opening'] as const)
    for (const at of [1, 2, 3])
      for (const isAfter of [false, true])
        for (const thenFull of [true, false])
          it(`while ${act}, ${isAfter ? 'after' : 'before'} step ${at}, and ${thenFull ? 'no' : 'some'} room is left`, async (t) => {
            const world = await worldOf(t);
            if (act === 'opening') {
              await (
                await leader(t, world)
              )();
              world.isFull = false;
            }
            const dies = await leader(t, world, dying(world, at, isAfter));
            await dies().catch((fault: unknown) => assert.ok(fault instanceof Killed));
            world.isFull = thenFull;
            const next = await leader(t, world);
            for (let passes = 0; passes < 3; passes++) await next();
            await agrees(world);
          });
});

describe('a leader that leads no more', () => {
  it('asks Mesos nothing when it was stopped after writing', async (t) => {
    const world = await worldOf(t);
    let ms = 0;
    const pass = await leader(t, world, { steadyMs: () => (ms += 3_000) });
    await pass();
    assert.deepEqual(world.mesos.calls, []);
    assert.equal((await recordIn(world))?.state, 'closing');
    await (
      await leader(t, world)
    )();
    await agrees(world);
  });

  it('writes nothing and asks nothing once another was elected', async (t) => {
    const world = await worldOf(t);
    const pass = await leader(t, world);
    await elected(world);
    await pass();
    assert.deepEqual([world.mesos.calls, await recordIn(world)], [[], undefined]);
  });

  it('confesses a call that another leader does not know of, who then puts it right', async (t) => {
    const world = await worldOf(t);
    const late = await leader(t, world);
    world.mesos.before = async () => {
      // stopped here; meanwhile another leads, finds room, and has forgotten the record
      world.mesos.before = () => undefined;
      await elected(world);
      await world.store.commit({ guards: [], writes: [{ drop: keys.fence(NODE) }] }, patience());
    };
    await late();
    assert.equal(world.mesos.agent.deactivated, true);
    assert.equal((await recordIn(world))?.state, 'closing', 'it left word');
    world.isFull = false;
    const next = await leader(t, world);
    await next();
    await next();
    await agrees(world);
  });

  it('confesses it after the next leader has looked at Mesos, whose list is too old for that', async (t) => {
    const world = await worldOf(t);
    world.stepMs = 100;
    const settings = { ...SETTINGS, everyMs: 60_000 };
    await (
      await leader(t, world)
    )();
    const record = await recordIn(world);
    assert.ok(record);
    world.isFull = false;
    const next = await leader(t, world, { settings });
    await next();
    await agrees(world);
    await next(); // with a list that it keeps
    const { agent } = world.mesos;
    world.mesos.agent = { ...agent, deactivated: true, active: false };
    const confessed = { ...record, state: 'closing', sinceMs: world.clock.ms - 60_000 } as const;
    await confessFence(world.store, { node: NODE, record: confessed }, patience());
    await next();
    assert.equal((await recordIn(world))?.state, 'closing', 'it is not forgotten');
    world.clock.ms += 60_000;
    await next();
    await next();
    await agrees(world);
  });

  it('does so even when its term ended during the call', async (t) => {
    const world = await worldOf(t);
    const late = await leader(t, world);
    const term = new AbortController();
    world.mesos.before = async () => {
      world.mesos.before = () => undefined;
      await elected(world);
      await world.store.commit({ guards: [], writes: [{ drop: keys.fence(NODE) }] }, patience());
      term.abort(new Error('the term is over'));
    };
    await assert.rejects(late(term.signal), /the term is over/);
    assert.equal((await recordIn(world))?.state, 'closing');
  });

  it('leaves the record of the present leader as it is', async (t) => {
    const world = await worldOf(t);
    const late = await leader(t, world);
    world.mesos.before = async () => {
      world.mesos.before = () => undefined;
      const next = await leader(t, world);
      await next();
    };
    await late();
    await agrees(world);
  });
});

describe('orders of people', () => {
  it('keep the fence off a node, and hand over one that is closed', async (t) => {
    const world = await worldOf(t);
    const pass = await leader(t, world);
    await pass();
    const value = records.fenceOrder.encode({ v: 1, order: 'leave', who: 'ann', atMs: 0 });
    await world.store.commit(
      { guards: [], writes: [{ put: keys.fenceOrder(NODE), value }] },
      patience(),
    );
    world.isFull = false;
    await pass();
    await pass();
    assert.deepEqual(world.mesos.calls, ['close']);
    assert.equal(await recordIn(world), undefined);
    assert.deepEqual(world.reports.at(-1)?.steps.foreign, [
      { node: NODE, says: 'left alone: ann said so' },
    ]);
  });
});
