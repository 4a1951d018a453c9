import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Refusal } from '../../src/core/errors.ts';
import { checkLedger } from '../../src/ledger/check.ts';
import type { Desk } from '../../src/ledger/desk.ts';
import { openDesk } from '../../src/ledger/open-desk.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { ask, onEachBackend } from './desk-bench.ts';
import { lay, patience } from './opened.ts';

const DESKS = 8;
const ROUNDS = 6;
/** .1 to .14: fourteen addresses for eight desks, each of which holds one at a time, or none. */
const POOL = { cidr: '198.51.100.0/28' };

const chances = (seed: number) => () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};

async function desksOn(store: Store): Promise<Desk[]> {
  const names = Array.from({ length: DESKS }, (_, n) => `node-${n}`);
  const nodes = Object.fromEntries(names.map((name) => [name, { link: '1gbit' }]));
  await lay(store, { pools: { p: POOL }, networks: { prod: { pools: ['p'] } }, nodes });
  return names.map((node, n) =>
    openDesk(store, {
      ...{ node, clock: systemClock, log: silentLog, chance: chances(n) },
      ...{ coolDownMs: 0, pressedCoolDownMs: 0 },
    }),
  );
}

onEachBackend('desks that are after one small pool', (backend) => {
  it('never get the same address, and no error while one is left', async (t) => {
    const store = await backend(t);
    const desks = await desksOn(store);
    const held = new Map<string, string>();
    const hold = async (desk: Desk, incarnation: string): Promise<string> => {
      const { address } = await desk.take(ask(incarnation), patience());
      assert.equal(held.get(address), undefined, `${address} given twice`);
      held.set(address, incarnation);
      return address;
    };
    const work = async (desk: Desk, me: number): Promise<void> => {
      for (let round = 0; round < ROUNDS; round++) {
        const address = await hold(desk, `d${me}-${round}`);
        held.delete(address);
        assert.deepEqual(await desk.release(address, `d${me}-${round}`, patience()), {
          released: true,
        });
      }
      await hold(desk, `d${me}-last`);
    };
    await Promise.all(desks.map(work));
    await Promise.all(desks.map((desk) => desk.close()));
    const { findings, leases } = await checkLedger(store, patience());
    assert.deepEqual([findings, leases, held.size], [[], DESKS, DESKS]);
  });

  it('get every address between them, and then the right answer', async (t) => {
    const store = await backend(t);
    const desks = await desksOn(store);
    const asks = desks.flatMap((desk, me) =>
      [0, 1, 2].map((n) => desk.take(ask(`d${me}-${n}`), patience())),
    );
    const answers = await Promise.allSettled(asks);
    const given = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value.address] : []));
    const refused = answers.flatMap((one) =>
      one.status === 'rejected' ? [(one.reason as Refusal).code] : [],
    );
    assert.equal(new Set(given).size, 14);
    assert.equal(given.length, 14);
    assert.deepEqual(new Set(refused), new Set(['no-address-left']));
    await Promise.all(desks.map((desk) => desk.close()));
    assert.deepEqual((await checkLedger(store, patience())).findings, []);
  });
});
