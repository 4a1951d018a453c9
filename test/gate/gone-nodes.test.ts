import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { goneNodesTurn } from '../../src/gate/gone-nodes.ts';
import { checkLedger } from '../../src/ledger/check.ts';
import { keys } from '../../src/ledger/keys.ts';
import { openDesk } from '../../src/ledger/open-desk.ts';
import { records } from '../../src/ledger/records.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { lay, opened, patience } from '../ledger/opened.ts';
import { elected } from '../report/ledger.ts';

const HOLD_MS = 600_000;

describe('a node that is gone for good', () => {
  const silent = { alive: false, listed: false, leads: true };
  for (const { says, alive, listed, leads, left } of [
    { ...silent, says: 'gives up leases and stock', left: 0 },
    { ...silent, says: 'keeps all while its agent lives', alive: true, left: 3 },
    { ...silent, says: 'keeps all while Mesos lists it', listed: true, left: 3 },
    { ...silent, says: 'keeps all while Mesos does not answer', listed: undefined, left: 3 },
    { ...silent, says: 'keeps all where another leads by now', leads: false, left: 3 },
  ])
    it(says, async (t) => {
      const store = await opened(t);
      const nodes = { 'node-1': { link: '1gbit' }, 'node-2': { link: '1gbit' } };
      await lay(store, {
        pools: { p: { cidr: '192.0.2.0/24' } },
        networks: { prod: { pools: ['p'] } },
        nodes,
      });
      const desks = Object.keys(nodes).map((node) => openDesk(store, { node, clock, log }));
      t.after(() => Promise.all(desks.map((desk) => desk.close())));
      const [gone, other] = desks;
      assert.ok(gone && other);
      const ask = { network: 'prod', by: 'docker' } as const;
      await gone.take({ ...ask, incarnation: 'a' }, patience());
      await gone.take({ ...ask, incarnation: 'b' }, patience());
      await gone.stock('p', 1, patience());
      await other.take({ ...ask, incarnation: 'c' }, patience());
      for (const node of alive ? Object.keys(nodes) : ['node-2'])
        await store.commit(
          {
            guards: [],
            writes: [
              {
                put: keys.alive(node),
                value: records.alive.encode({ v: 1, bootId: 'b', sinceMs: 0 }),
              },
            ],
          },
          patience(),
        );
      const term = await elected(store, 'gone-nodes');
      let steadyMs = 0;
      const turn = goneNodesTurn({
        ...{ store, clock, log, holdDownMs: HOLD_MS, steadyMs: () => steadyMs },
        listed: () =>
          listed === undefined
            ? undefined
            : [
                { node: 'node-1', listed },
                { node: 'node-2', listed: true },
              ],
      });
      const held = async (): Promise<number> =>
        (await gone.leases(patience())).length + (await gone.spares(patience())).length;
      await turn(patience(), term);
      steadyMs = HOLD_MS - 1;
      await turn(patience(), term);
      assert.equal(await held(), 3);
      steadyMs = HOLD_MS;
      if (!leads) await elected(store, 'gone-nodes');
      await turn(patience(), term);
      assert.equal(await held(), left);
      assert.equal((await other.leases(patience())).length, 1);
      assert.deepEqual((await checkLedger(store, patience())).findings, []);
    });
});
