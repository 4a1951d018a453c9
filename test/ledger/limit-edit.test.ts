import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Refusal } from '../../src/core/errors.ts';
import type { ReservationRecord } from '../../src/core/promise-record.ts';
import { trimAudit } from '../../src/ledger/audit.ts';
import { checkLedger } from '../../src/ledger/check.ts';
import { keys, prefixes } from '../../src/ledger/keys.ts';
import { listAll } from '../../src/ledger/listing.ts';
import { MOST_AT_ONCE } from '../../src/ledger/limit-edit.ts';
import { editEverywhere } from '../../src/ledger/limit-everywhere.ts';
import { findHoldings, targetOf } from '../../src/ledger/limit-target.ts';
import { readAdmission, reserve } from '../../src/ledger/reservations.ts';
import { interposed } from './interposed.ts';
import { backends, benchOn, LimitBench, NODE } from './limit-bench.ts';
import { patience } from './opened.ts';

/** Two of /web on the way to node-1, and a third there. */
const promise: ReservationRecord = {
  v: 1,
  id: 'op',
  target: 3,
  demand: {
    cpus: 1,
    memMiB: 1,
    diskMiB: 0,
    gpus: 0,
    ports: { any: 0, fixed: [] },
    addresses: [{ network: 'prod', netInKbit: 300_000, netOutKbit: 1_000 }],
  },
  constraints: [],
  witness: [[NODE, 2]],
  draws: [['p', 2]],
  sequence: 1,
  sinceMs: 1,
  deadlineMs: 4_000_000_000_000,
  fingerprint: 'f',
  until: 'leases',
  growInKbit: 0,
  growOutKbit: 0,
};

for (const backend of backends)
  describe(`an edited limit, on ${backend.name}`, { timeout: 120_000 }, () => {
    it('is in force in one commit: lease, limit, sums and audit', async (t) => {
      const bench = await benchOn(backend, t);
      const { address } = await bench.take(NODE, 'c1');
      const wish = { netInKbit: 500_000 };
      const { edit, before, after } = await bench.edit(address, wish, { why: 'more users' });
      assert(edit);
      assert.deepEqual(before, { netInKbit: 100, netOutKbit: 200, classMinor: 256 });
      assert.deepEqual(after, { ...before, netInKbit: 500_000 });
      assert.deepEqual((await bench.lease(address))?.counted, after);
      const { editedMs, ...limit } = (await bench.limit(address))!;
      assert.deepEqual(limit, { v: 1, ...after, edit });
      const { netInKbit, netOutKbit } = (await bench.tally())!;
      assert.deepEqual([netInKbit, netOutKbit], [500_000, 200]);
      assert.deepEqual(await bench.audit(), [
        {
          v: 1,
          atMs: editedMs,
          who: 'alice',
          by: 'cli',
          act: 'set',
          node: NODE,
          address,
          container: 'c1',
          app: '/web',
          before: { netInKbit: 100, netOutKbit: 200 },
          after: { netInKbit: 500_000, netOutKbit: 200 },
          why: 'more users',
        },
      ]);
      await bench.sound();
    });

    it('is refused with figures past the link, and nothing changes', async (t) => {
      const bench = await benchOn(backend, t);
      const { address } = await bench.take(NODE, 'c1');
      await bench.take(NODE, 'c2', { netInKbit: 400_000 });
      const before = await bench.revision();
      await assert.rejects(bench.edit(address, { netInKbit: 500_001 }), {
        code: 'limit-past-link',
        message: /would make them 900.001 Mbit\/s, and the link takes 900 Mbit\/s \(1 Gbit\/s ×/,
        remedy: /net_in to at most 500 Mbit\/s/,
      });
      assert.equal(await bench.revision(), before);
      assert.equal((await bench.edit(address, { netInKbit: 500_000 })).after.netInKbit, 500_000);
      await bench.sound();
    });

    it('is marked wherever it stands when it was forced, and no longer once it fits', async (t) => {
      const bench = await benchOn(backend, t);
      const { address } = await bench.take(NODE, 'c1');
      await bench.edit(address, { netOutKbit: 2_000_000, force: true });
      assert.equal((await bench.lease(address))?.counted?.forced, true);
      assert.equal((await bench.limit(address))?.forced, true);
      assert.equal((await bench.tally())?.forced, 1);
      assert.equal((await bench.audit())[0]?.after?.forced, true);
      await bench.sound();
      await bench.edit(address, { netOutKbit: 900_000 });
      assert.equal((await bench.lease(address))?.counted?.forced, undefined);
      assert.equal((await bench.limit(address))?.forced, undefined);
      assert.equal((await bench.tally())?.forced, undefined);
      await bench.sound();
      await bench.edit(address, { netOutKbit: 2_000_000, force: true });
      await bench.release(NODE, address, 'c1');
      assert.equal((await bench.tally())?.forced, undefined);
      await bench.sound();
    });

    it('goes back to what the app asked for, and to the default where it did not', async (t) => {
      const bench = await benchOn(backend, t);
      const asked = await bench.take(NODE, 'c1', { netInKbit: 300, netOutKbit: undefined! });
      await bench.edit(asked.address, { netInKbit: 900, netOutKbit: 900 });
      const { after } = await bench.edit(asked.address, 'reset');
      assert.deepEqual([after.netInKbit, after.netOutKbit], [300, 20_000]);
      assert.equal((await bench.audit())[0]?.act, 'reset');
      await bench.sound();
    });

    it('is not written when it is so already', async (t) => {
      const bench = await benchOn(backend, t);
      const { address } = await bench.take(NODE, 'c1');
      const before = await bench.revision();
      const { edit } = await bench.edit(address, { netInKbit: 100 });
      assert.equal(edit, undefined);
      assert.equal(await bench.revision(), before);
    });

    it('needs a lease', async (t) => {
      const bench = await benchOn(backend, t);
      await assert.rejects(bench.edit('198.51.100.9', { netInKbit: 100 }), {
        code: 'no-such-holding',
        message: 'no lease belongs to 198.51.100.9 on node "node-1"',
      });
    });

    it('is judged with those that share its commit: all of them or none', async (t) => {
      const bench = await benchOn(backend, t);
      const one = await bench.take(NODE, 'c1');
      const two = await bench.take(NODE, 'c2');
      const addresses = [one.address, two.address];
      const wish = { netInKbit: 450_001 };
      await assert.rejects(bench.edit('', wish, { addresses }), { code: 'limit-past-link' });
      assert.equal((await bench.tally())?.netInKbit, 200);
      await bench.edit('', { netInKbit: 450_000 }, { addresses });
      assert.equal((await bench.tally())?.netInKbit, 900_000);
      await bench.sound();
    });

    it('tells exactly where an app was edited, and where it was refused', async (t) => {
      const bench = await benchOn(backend, t);
      for (const n of [1, 2, 3]) await bench.take('node-2', `d${n}`);
      await bench.take(NODE, 'c1');
      await bench.take(NODE, 'other', { app: '/other', netInKbit: 899_000 });
      const target = targetOf('web');
      assert.deepEqual(target, { kind: 'app', app: '/web' });
      const holdings = await findHoldings(bench.store, target, patience());
      const edit = { wish: { netInKbit: 2_000 }, who: 'alice', by: 'cli' } as const;
      const parts = await editEverywhere(bench.store, holdings, edit, bench.options);
      const told = parts.map((part) =>
        'refused' in part
          ? [part.node, part.refused.code, part.addresses.length]
          : [part.node, 'edited', part.edited.length],
      );
      assert.deepEqual(told, [
        [NODE, 'limit-past-link', 1],
        ['node-2', 'edited', 3],
      ]);
      assert.equal((await bench.tally())?.netInKbit, 899_100);
      assert.equal((await bench.tally('node-2'))?.netInKbit, 6_000);
      await bench.sound();
    });

    it('leaves room to what is promised, and outruns verdicts that did not see it', async (t) => {
      const bench = await benchOn(backend, t);
      const { address } = await bench.take(NODE, 'c1', { netInKbit: 100_000 });
      const { sequence } = await readAdmission(bench.store, patience());
      const reservations = [{ app: '/web', record: promise }];
      const promised = await reserve(bench.store, { sequence, reservations }, patience());
      assert.equal(promised.won, true);
      await assert.rejects(bench.edit(address, { netInKbit: 300_001 }), {
        message: /with 600 Mbit\/s more promised to admitted apps/,
        remedy: /net_in to at most 300 Mbit\/s/,
      });
      await bench.edit(address, { netInKbit: 300_000 });
      const late = { sequence: promised.sequence, reservations };
      assert.equal((await reserve(bench.store, late, patience())).won, false);
      const { sequence: now } = await readAdmission(bench.store, patience());
      await bench.edit(address, { netInKbit: 200_000 });
      assert.equal((await readAdmission(bench.store, patience())).sequence, now, 'it sank');
      await bench.sound();
    });

    it('keeps the sums right against takers and releasers of the same node', async (t) => {
      const bench = await benchOn(backend, t);
      const standing = await bench.take(NODE, 'standing');
      const until = backend.name === 'etcd' ? 12 : 25;
      const comeAndGo = async (me: string): Promise<void> => {
        for (let round = 0; round < until; round++) {
          const { address } = await bench.take(NODE, `${me}-${round}`);
          const edited = bench
            .edit(address, { netInKbit: 1_000 + round })
            .catch((fault: unknown) => {
              assert.match(String((fault as Refusal).code), /^(no-such-holding|limit-past-link)$/);
            });
          await Promise.all([edited, bench.release(NODE, address, `${me}-${round}`)]);
        }
      };
      const turn = async (): Promise<void> => {
        for (let round = 0; round < until; round++)
          await bench.edit(standing.address, {
            netInKbit: round % 2 ? 1_200_000 : 100,
            force: round % 2 === 1,
          });
      };
      await Promise.all([comeAndGo('a'), comeAndGo('b'), turn()]);
      await bench.sound();
      const { entries } = await listAll(bench.store, prefixes.limits, { signal: patience() });
      assert.equal(entries.length, 1);
    });

    it('is judged again when room is promised between its judgement and its commit', async (t) => {
      const bench = await benchOn(backend, t);
      const { address } = await bench.take(NODE, 'c1', { netInKbit: 100_000 });
      const rival = interposed(bench.store, async (_, nth) => {
        if (nth > 1) return;
        const { sequence } = await readAdmission(bench.store, patience());
        const reservations = [{ app: '/web', record: promise }];
        assert((await reserve(bench.store, { sequence, reservations }, patience())).won);
      });
      await assert.rejects(new LimitBench(rival).edit(address, { netInKbit: 900_000 }), {
        message: /with 600 Mbit\/s more promised/,
      });
      await bench.sound();
    });

    it('loses no write to the key that comes between', async (t) => {
      const bench = await benchOn(backend, t);
      const { address } = await bench.take(NODE, 'c1');
      let seen: unknown;
      const rival = interposed(bench.store, async ({ guards }, nth) => {
        if (nth === 1) await bench.raw(address, 'rubbish');
        seen = guards.find(({ key }) => key === keys.limit(NODE, address))?.revision;
      });
      await new LimitBench(rival).edit(address, { netInKbit: 5_000 });
      const entry = await bench.store.get(keys.limit(NODE, address), patience());
      assert(entry && typeof seen === 'number' && seen > entry.created, 'it was read again');
      await bench.sound();
    });

    it('counts in the sums while somebody else has written to its key, and after', async (t) => {
      const bench = await benchOn(backend, t);
      const one = await bench.take(NODE, 'c1');
      const two = await bench.take(NODE, 'c2');
      await bench.raw(one.address, '{"v":1,"netInKbit":900,"netOutKbit":900,"classMinor":256}');
      await bench.raw(two.address, 'rubbish');
      const { findings } = await checkLedger(bench.store, patience());
      const found = new Map(findings.map(({ key, says }) => [key, says]));
      assert.match(found.get(keys.limit(NODE, one.address)) ?? '', /it is not what is in force/);
      assert.match(found.get(keys.limit(NODE, two.address)) ?? '', /it is not JSON/);
      assert.equal(found.get(keys.tally(NODE)), undefined);
      await bench.release(NODE, one.address, 'c1');
      await bench.release(NODE, two.address, 'c2');
      const { netInKbit, netOutKbit } = (await bench.tally())!;
      assert.deepEqual([netInKbit, netOutKbit], [0, 0]);
      await bench.sound();
    });

    it('lets the sums of two racing raises never pass the link', async (t) => {
      const bench = await benchOn(backend, t);
      const grants = [];
      for (const n of [1, 2, 3, 4]) grants.push(await bench.take(NODE, `c${n}`));
      const raised = await Promise.allSettled(
        grants.map(({ address }) => bench.edit(address, { netInKbit: 400_000 })),
      );
      const won = raised.filter(({ status }) => status === 'fulfilled').length;
      assert.equal(won, 2);
      assert.equal((await bench.tally())?.netInKbit, 800_200);
      await bench.sound();
    });
  });

describe('the targets of an edit', () => {
  const [embedded] = backends;

  it('are an address, however it is spelled, a container by its start, or an app', async (t) => {
    const bench = await benchOn(embedded!, t);
    const { address } = await bench.take(NODE, 'c1', { container: 'abcdef012345' });
    const twin = await bench.take('node-2', 'c2', { container: 'abcdef999999', app: '/a/b' });
    const find = (text: string) => findHoldings(bench.store, targetOf(text), patience());
    assert.deepEqual(await find(address), [{ node: NODE, address }]);
    assert.deepEqual(await find('abcdef0'), [{ node: NODE, address }]);
    assert.deepEqual((await find('/a/b'))[0]?.address, twin.address);
    await assert.rejects(find('abcdef'), {
      code: 'ambiguous-container',
      message: /2 container ids/,
    });
    await assert.rejects(find('198.51.100.77'), { code: 'no-such-holding' });
    await assert.rejects(find('/none'), { message: 'no lease belongs to app "/none"' });
  });

  it('are cut to what one commit holds', async (t) => {
    const bench = await benchOn(embedded!, t);
    const count = MOST_AT_ONCE + 5;
    for (let n = 0; n < count; n++) await bench.take(NODE, `c${n}`);
    const holdings = await findHoldings(bench.store, targetOf('/web'), patience());
    assert.equal(holdings.length, count);
    const edit = { wish: { netInKbit: 1_000 }, who: 'alice', by: 'cli' } as const;
    const parts = await editEverywhere(bench.store, holdings, edit, bench.options);
    assert.deepEqual(
      parts.map((part) => ('edited' in part ? part.edited.length : 0)),
      [MOST_AT_ONCE, 5],
    );
    assert.equal((await bench.tally())?.netInKbit, count * 1_000);
    await bench.sound();
  });
});

describe('the audit', () => {
  it('is trimmed to its newest entries', async (t) => {
    const bench = await benchOn(backends[0]!, t);
    const { address } = await bench.take(NODE, 'c1');
    for (let n = 1; n <= 25; n++) await bench.edit(address, { netInKbit: 1_000 + n });
    assert.equal(await trimAudit(bench.store, { most: 10 }, patience()), 15);
    const left = await bench.audit();
    assert.deepEqual(
      left.map(({ after }) => after?.netInKbit),
      Array.from({ length: 10 }, (_, n) => 1_025 - n),
    );
    assert.equal(await trimAudit(bench.store, { most: 10 }, patience()), 0);
    assert(await bench.store.get(keys.limit(NODE, address), patience()));
  });
});
