import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../src/plumbing/clock.ts';
import { checkLedger } from '../../src/ledger/check.ts';
import type { Seen } from '../fakes/upstream.ts';
import { askAt } from '../sim/stage.ts';
import { type HaRig, type Member, startHaRig } from './ha-rig.ts';
import { webApp } from './specs.ts';

const ADDRESSES = 6;
/** An ex-leader that was going to act would have by then, ms. */
const LONG_ENOUGH_MS = 6_000;

/** Four addresses are taken, and an app that wants six waits with two. @returns who serves its queue */
async function leaderOfQueue(rig: HaRig): Promise<Member> {
  const { members, until } = rig;
  const url = members[0]!.gate.url;
  const other = webApp('/other', { instances: 4 });
  await until(
    async () => (await askAt(url, 'POST', '/v2/apps', other)).status === 201,
    'the gate has heard of the room that came back',
  );
  const held = webApp('/web', { instances: 6, labels: { CORRAL_HOLD: 'true' } });
  const waits = await askAt(url, 'POST', '/v2/apps', held);
  assert.equal(waits.status, 201, waits.text);
  assert.match(waits.headers.get('corral-verdict') ?? '', /^hold/);
  await until(() => runs(rig, 2), 'two of it run');
  return until(() => members.find(looksAfter), 'somebody serves the queue');
}

async function runs({ direct }: HaRig, count: number): Promise<boolean> {
  const { json } = await direct('GET', '/v2/apps/web');
  return json.app.tasksRunning === count;
}

const asksAfterIt = ({ method, target }: Seen): boolean =>
  method === 'GET' && /^\/v2\/apps\/web(\?|$)/.test(target);

/** Only the leader asks after a held app again and again. */
const looksAfter = ({ marathon }: Member): boolean => marathon.seen.filter(asksAfterIt).length >= 5;

/** Counts that Marathon was told. Addresses come back one by one, so that it may grow in more than one step. */
const growths = ({ marathon }: Member): number[] =>
  marathon.seen
    .filter(({ method, target }) => method === 'PUT' && target.startsWith('/v2/apps/web'))
    .map(({ body }) => (JSON.parse(body.toString()) as { instances: number }).instances);

function nothingIsDoneTwice({ members }: HaRig): void {
  const counts = members.flatMap(growths);
  assert.equal(Math.max(...counts), 6);
  assert.equal(new Set(counts).size, counts.length, `nothing is done twice: ${counts.join(', ')}`);
}

describe('three gate processes on one etcd', { timeout: 550_000 }, () => {
  let rig: HaRig;
  before(async () => {
    rig = await startHaRig({ addresses: ADDRESSES });
  });
  afterEach(async () => {
    await clean(rig);
    const { findings } = await checkLedger(rig.store, AbortSignal.timeout(180_000));
    assert.deepEqual(findings, []);
    assert.equal(rig.sim.launchFailures().total, 0);
  });
  after(() => rig.stop());

  it('go on when the leader stands still, which acts no more when it wakes up', async (t) => {
    const leader = await leaderOfQueue(rig);
    leader.gate.pause();
    await othersTakeOver(rig, leader, t);
    await wakesUp(rig, leader);
  });

  it('go on when it stands still in the middle of a turn, which it does not end', async (t) => {
    const leader = await leaderOfQueue(rig);
    await pausedAtItsNextLook(leader);
    await othersTakeOver(rig, leader, t);
    await wakesUp(rig, leader);
  });

  it('go on when the leader is killed', async (t) => {
    const leader = await leaderOfQueue(rig);
    await leader.gate.kill();
    await othersTakeOver(rig, leader, t);
  });
});

/** Nothing runs any more, and what was said so far is forgotten. */
async function clean(rig: HaRig): Promise<void> {
  for (const app of ['/web', '/other']) await rig.direct('DELETE', `/v2/apps${app}?force=true`);
  await rig.until(() => rig.sim.world.fleet.containers.size === 0, 'nothing runs');
  for (const { marathon, mesos } of rig.members)
    for (const { seen } of [marathon, mesos]) seen.length = 0;
}

/** The leader has asked for the app and stands still before it hears of it. */
function pausedAtItsNextLook({ gate, marathon }: Member): Promise<void> {
  return new Promise((resolve) => {
    marathon.intercept = (seen) => {
      if (!asksAfterIt(seen)) return false;
      marathon.intercept = undefined;
      gate.pause();
      resolve();
      return false;
    };
  });
}

/** Room returns, and somebody else lets the app grow. */
async function othersTakeOver(rig: HaRig, leader: Member, t: TestContext): Promise<void> {
  const endedMs = performance.now();
  const others = rig.members.filter((one) => one !== leader);
  const gone = await askAt(others[0]!.gate.url, 'DELETE', '/v2/apps/other');
  assert.equal(gone.status, 200, gone.text);
  await rig.until(() => others.some((one) => growths(one).length > 0), 'another leader acts');
  t.diagnostic(`another leader acted after ${Math.round(performance.now() - endedMs)} ms`);
  await rig.until(() => runs(rig, 6), 'all of it runs');
  nothingIsDoneTwice(rig);
}

async function wakesUp(rig: HaRig, leader: Member): Promise<void> {
  const before = leader.acted().length;
  leader.gate.resume();
  await systemClock.sleep(LONG_ENOUGH_MS, new AbortController().signal);
  assert.deepEqual(leader.acted().slice(before), [], 'the former leader acts no more');
  nothingIsDoneTwice(rig);
}
