import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it, type TestContext } from 'node:test';
import { listFences } from '../../src/ledger/fences.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import type { Seen } from '../fakes/upstream.ts';
import { type HaRig, type Member, startHaRig } from './ha-rig.ts';
import { webApp } from './specs.ts';

const ADDRESSES = 2;
/** An ex-leader that was going to act would have by then, ms. */
const LONG_ENOUGH_MS = 6_000;

/** Closes empty nodes, and opens them as soon as they have room. */
const settings = {
  FENCE_MODE: 'on',
  FENCE_MARGIN: '1',
  FENCE_EVERY_MS: '500',
  FENCE_CALL_WITHIN_MS: '30000',
  FENCE_REOPEN_AFTER_MS: '500',
};

const isSwitch = ({ body }: Seen): boolean => /"(?:DE|RE)ACTIVATE_AGENT"/.test(body.toString());

describe('the fence of three gate processes on one etcd', { timeout: 550_000 }, () => {
  let rig: HaRig;
  before(async () => {
    rig = await startHaRig({ addresses: ADDRESSES, settings });
  });
  afterEach(async () => {
    const said = rig.members.flatMap(({ mesos }) => mesos.seen.splice(0)).filter(isSwitch);
    const switches = said.map(({ body }) => body.toString());
    assert.equal(switches.length, 2 * rig.sim.world.fleet.nodes.length);
    assert.equal(new Set(switches).size, switches.length, 'no node was closed or opened twice');
    await rig.direct('DELETE', '/v2/apps/full?force=true');
    await rig.until(() => closed(rig) === 0, 'every node is offered again');
    assert.equal(rig.sim.launchFailures().total, 0);
  });
  after(() => rig.stop());

  it('is another leader’s when the first stands still amid a switch, and stays so when it wakes up', async (t) => {
    const leader = atNextSwitch(rig, async ({ gate }) => Promise.resolve(gate.pause()));
    const former = await othersTakeOver(rig, leader, t);
    const before = former.acted().length;
    former.gate.resume();
    await systemClock.sleep(LONG_ENOUGH_MS, new AbortController().signal);
    assert.deepEqual(former.acted().slice(before), [], 'the former leader acts no more');
  });

  it('is put right when the leader dies between the answer of Mesos and its own record', async (t) => {
    await othersTakeOver(
      rig,
      atNextSwitch(rig, ({ gate }) => gate.kill()),
      t,
    );
  });
});

/** Mesos does what it is asked; then `end` comes over whoever asked, before it hears of it. */
function atNextSwitch(rig: HaRig, end: (leader: Member) => Promise<void>): Promise<Member> {
  return new Promise((resolve, reject) => {
    for (const member of rig.members)
      member.mesos.intercept = async (seen) => {
        if (!isSwitch(seen)) return false;
        for (const { mesos } of rig.members) mesos.intercept = undefined;
        const url = `${rig.sim.mesosUrls[0] ?? ''}/api/v1`;
        const headers = { 'Content-Type': 'application/json' };
        await fetch(url, { method: 'POST', headers, body: new Uint8Array(seen.body) });
        await end(member).then(() => resolve(member), reject);
        return false;
      };
  });
}

/** Every address is taken, so that every node is closed; then room returns, and another opens them. */
async function othersTakeOver(
  rig: HaRig,
  leader: Promise<Member>,
  t: TestContext,
): Promise<Member> {
  const full = webApp('/full', { instances: ADDRESSES });
  // past the gates: the one that is asked may be the one that stands still before it answers
  assert.equal((await rig.direct('POST', '/v2/apps', full)).status, 201);
  const former = await leader;
  const endedMs = performance.now();
  const others = rig.members.filter((one) => one !== former);
  const acted = others.map((one) => one.acted().length);
  await rig.until(
    async () => (await recorded(rig)) === rig.sim.world.fleet.nodes.length,
    'every node is on record',
  );
  await rig.until(() => closed(rig) === rig.sim.world.fleet.nodes.length, 'every node is closed');
  await rig.direct('DELETE', '/v2/apps/full?force=true');
  await rig.until(() => closed(rig) === 0, 'every node is offered again');
  assert.ok(
    others.some((one, n) => one.acted().length > acted[n]!),
    'another leader acted',
  );
  t.diagnostic(`all was well again after ${Math.round(performance.now() - endedMs)} ms`);
  return former;
}

const closed = ({ sim }: HaRig): number =>
  sim.world.fleet.nodes.filter(({ deactivated }) => deactivated).length;

async function recorded({ store }: HaRig): Promise<number> {
  const { records } = await listFences(store, AbortSignal.timeout(180_000));
  return [...records.values()].filter(({ record }) => record.state === 'closed').length;
}
