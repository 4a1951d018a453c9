import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
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
    rig = await startHaRig({ addresses: ADDRESSES });
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
  heldApps.get(store, '/web', AbortSignal.timeout(180_000));
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
 * while it reads the answer. When it wakes up it reads on, and comes to its next word before any timer of its own
 * has told it that its term is over.
 */
function pausedBefore(rig: HaRig, what: Act): Promise<Member> {
  return new Promise((resolve) => {
    for (const member of rig.members)
      member.marathon.intercept = async (seen, res) => {
        if (!asksFor(seen, '/v2/apps/web')) return false;
        const record = await held(rig);
        if (!record?.pending || !isAbout(record, what)) return false;
        for (const { marathon } of rig.members) marathon.intercept = undefined;
        const { json } = await rig.direct('GET', seen.target);
        const { socket } = res;
        res.writeHead(200, { 'content-type': 'application/json' });
        res.end(`{"app":${JSON.stringify(json.app)},"more":${longToRead()}}`);
        await isRead(socket);
        member.gate.pause();
        resolve(member);
        return true;
      };
  });
}

const isAbout = ({ allowed, pending }: HeldRecord, what: Act): boolean =>
  what === 'lowers' ? allowed < (pending?.from ?? 0) : allowed > (pending?.from ?? 0);

/** Takes a fast machine more than a second to parse. */
const PROPERTIES = 1_500_000;
const longToRead = (): string =>
  `{${Array.from({ length: PROPERTIES }, (_, n) => `"k${n}":1`).join(',')}}`;

/** All that was written to a connection of this machine has reached the process at its other end. */
async function isRead(socket: Socket | null): Promise<void> {
  const { localPort = 0, remotePort = 0 } = socket ?? {};
  const port = (number: number): string => number.toString(16).toUpperCase().padStart(4, '0');
  const [here, there] = [port(localPort), port(remotePort)];
  const queues = async (from: string, to: string): Promise<string> =>
    new RegExp(`:${from} \\w+:${to} \\w+ (\\w+:\\w+)`).exec(
      await readFile('/proc/net/tcp', 'latin1'),
    )?.[1] ?? '';
  const NONE = '00000000';
  for (;;) {
    const [sent, received] = [await queues(here, there), await queues(there, here)];
    if (sent === '' || received === '') return; // it was closed
    if (socket?.writableLength === 0 && sent.startsWith(NONE) && received.endsWith(NONE)) return;
    await systemClock.sleep(1, AbortSignal.timeout(180_000));
  }
}
