import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { HeldRecord } from '../../src/core/held-record.ts';
import { heldApps } from '../../src/ledger/held.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import type { Seen } from '../fakes/upstream.ts';
import { type HaRig, type Member, startHaRig } from './ha-rig.ts';
import { webApp } from './specs.ts';

const ADDRESSES = 4;
/** An ex-leader that was going to act would have by then, ms. */
const LONG_ENOUGH_MS = 6_000;

describe('the brake of three gate processes on one etcd', { timeout: 300_000 }, () => {
  let rig: HaRig;
  before(async () => {
    rig = await startHaRig({ addresses: ADDRESSES });
  });
  after(() => rig.stop());

  it('is another’s when the leader stands still between record and Marathon, and stays so', async (t) => {
    await rig.direct('POST', '/v2/apps', webApp('/other', { instances: 2 }));
    await rig.until(() => runs(rig, '/other', 2), 'half of the addresses are taken');

    const lowering = pausedBefore(rig, { what: 'lowers', rest: rig.members });
    await rig.direct('POST', '/v2/apps', webApp('/web', { instances: ADDRESSES }));
    const first = await lowering;
    const firstMs = performance.now();
    await rig.until(
      async () => (await held(rig))?.allowed === 2 && settled(rig),
      'it is held at 2',
    );
    t.diagnostic(`another held it after ${Math.round(performance.now() - firstMs)} ms`);
    assert.deepEqual(told(rig.members), [2], 'Marathon was told once');

    const others = rig.members.filter((one) => one !== first);
    const growing = pausedBefore(rig, { what: 'grows', rest: others });
    await rig.direct('DELETE', '/v2/apps/other');
    const second = await growing;
    const secondMs = performance.now();
    await rig.until(() => settled(rig), 'the growth that nobody was told of is taken back');
    t.diagnostic(`another took it up after ${Math.round(performance.now() - secondMs)} ms`);
    await rig.until(() => runs(rig, '/web', ADDRESSES), 'all of it runs');
    await rig.until(async () => (await held(rig)) === undefined, 'it is held no longer');

    const before = told(rig.members).sort((one, other) => one - other);
    for (const { gate } of [first, second]) gate.resume();
    await systemClock.sleep(LONG_ENOUGH_MS, new AbortController().signal);
    const counts = told(rig.members).sort((one, other) => one - other);
    assert.deepEqual(counts, before, 'no former leader says anything');
    assert.deepEqual(counts, [...new Set(counts)], 'each count was said once');
    assert.deepEqual([counts[0], counts.at(-1)], [2, ADDRESSES]);
  });
});

async function runs({ direct }: HaRig, app: string, count: number): Promise<boolean> {
  const { json } = await direct('GET', `/v2/apps${app}`);
  return json.app.tasksRunning === count;
}

const held = ({ store }: HaRig): Promise<HeldRecord | undefined> =>
  heldApps.get(store, '/web', AbortSignal.timeout(10_000));
const settled = async (rig: HaRig): Promise<boolean> => (await held(rig))?.pending === undefined;

/** Counts that Marathon was told for the app, by member. */
const told = (members: readonly Member[]): number[] =>
  members
    .flatMap(({ marathon }) => marathon.seen)
    .filter(({ method, target }) => method === 'PUT' && target.startsWith('/v2/apps/web'))
    .map(({ body }) => (JSON.parse(body.toString()) as { instances: number }).instances);

const asksFor = ({ method, target }: Seen, path: string): boolean =>
  method === 'GET' && target.split('?')[0] === path;

interface Pause {
  readonly what: 'lowers' | 'grows';
  readonly rest: readonly Member[];
}

/**
 * The leader has written what it is about to tell Marathon, asks Marathon a last question, and stands still
 * before it hears the answer.
 */
function pausedBefore(rig: HaRig, { what, rest }: Pause): Promise<Member> {
  const last = what === 'lowers' ? '/v2/deployments' : '/v2/apps/web';
  return new Promise((resolve) => {
    for (const member of rest) {
      let leads = false;
      member.marathon.intercept = async (seen) => {
        // only a leader asks after the app
        leads ||= asksFor(seen, '/v2/apps/web');
        if (!leads || !asksFor(seen, last)) return false;
        const record = await held(rig);
        if (!record?.pending || !isAbout(record, what)) return false;
        for (const { marathon } of rest) marathon.intercept = undefined;
        member.gate.pause();
        resolve(member);
        return false;
      };
    }
  });
}

const isAbout = ({ allowed, pending }: HeldRecord, what: Pause['what']): boolean =>
  what === 'lowers' ? allowed < (pending?.from ?? 0) : allowed > (pending?.from ?? 0);
