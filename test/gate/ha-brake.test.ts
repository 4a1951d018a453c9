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

describe('the brake of three gate processes on one etcd', { timeout: 550_000 }, () => {
  let rig: HaRig;
  before(async () => {
    // a question to Marathon must outlast the pauses: what keeps a former leader silent is that its term ended
    rig = await startHaRig({ addresses: ADDRESSES, settings: { GATE_DECIDE_WITHIN_MS: '30000' } });
  });
  after(() => rig.stop());

  it('is another’s when the leader stands still between record and Marathon, and stays so', async (t) => {
    await rig.direct('POST', '/v2/apps', webApp('/other', { instances: 2 }));
    await rig.until(() => runs(rig, '/other', 2), 'half of the addresses are taken');

    const lowering = pausedBefore(rig, 'lowers');
    await rig.direct('POST', '/v2/apps', webApp('/web', { instances: ADDRESSES }));
    const first = await lowering;
    const firstMs = performance.now();
    await rig.until(
      async () => (await held(rig))?.allowed === 2 && settled(rig),
      'it is held at 2',
    );
    t.diagnostic(`another held it after ${Math.round(performance.now() - firstMs)} ms`);
    assert.deepEqual(told(rig.members), [2], 'Marathon was told once');

    first.gate.resume();
    const growing = pausedBefore(rig, 'grows');
    await rig.direct('DELETE', '/v2/apps/other');
    const second = await growing;
    const secondMs = performance.now();
    await rig.until(() => settled(rig), 'the growth that nobody was told of is taken back');
    t.diagnostic(`another took it up after ${Math.round(performance.now() - secondMs)} ms`);
    await rig.until(() => runs(rig, '/web', ADDRESSES), 'all of it runs');
    await rig.until(async () => (await held(rig)) === undefined, 'it is held no longer');

    second.gate.resume();
    await systemClock.sleep(LONG_ENOUGH_MS, new AbortController().signal);
    const counts = told(rig.members).sort((one, other) => one - other);
    assert.deepEqual(
      counts,
      [...new Set(counts)],
      'each count was said once, whoever woke up when',
    );
    assert.deepEqual([counts[0], counts.at(-1)], [2, ADDRESSES]);
  });
});

async function runs({ direct }: HaRig, app: string, count: number): Promise<boolean> {
  const { json } = await direct('GET', `/v2/apps${app}`);
  return json.app.tasksRunning === count;
}

const held = ({ store }: HaRig): Promise<HeldRecord | undefined> =>
  heldApps.get(store, '/web', AbortSignal.timeout(60_000));
const settled = async (rig: HaRig): Promise<boolean> => (await held(rig))?.pending === undefined;

/** Counts that Marathon was told for the app, by member. */
const told = (members: readonly Member[]): number[] =>
  members
    .flatMap(({ marathon }) => marathon.seen)
    .filter(({ method, target }) => method === 'PUT' && target.startsWith('/v2/apps/web'))
    .map(({ body }) => (JSON.parse(body.toString()) as { instances: number }).instances);

const asksFor = ({ method, target }: Seen, path: string): boolean =>
  method === 'GET' && target.split('?')[0] === path;

type Act = 'lowers' | 'grows';

/**
 * The leader has written what it is about to tell Marathon, asks Marathon a last question, and stands still
 * before it hears the answer.
 */
function pausedBefore(rig: HaRig, what: Act): Promise<Member> {
  const last = what === 'lowers' ? '/v2/deployments' : '/v2/apps/web';
  return new Promise((resolve) => {
    for (const member of rig.members) {
      let leads = false;
      member.marathon.intercept = async (seen) => {
        // only a leader asks after the app
        leads ||= asksFor(seen, '/v2/apps/web');
        if (!leads || !asksFor(seen, last)) return false;
        const record = await held(rig);
        if (!record?.pending || !isAbout(record, what)) return false;
        for (const { marathon } of rig.members) marathon.intercept = undefined;
        member.gate.pause();
        resolve(member);
        return false;
      };
    }
  });
}

const isAbout = ({ allowed, pending }: HeldRecord, what: Act): boolean =>
  what === 'lowers' ? allowed < (pending?.from ?? 0) : allowed > (pending?.from ?? 0);
