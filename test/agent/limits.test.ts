import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type Limits, startLimits } from '../../src/agent/limits.ts';
import { LedgerUnreachable } from '../../src/ledger/errors.ts';
import { keys, prefixes } from '../../src/ledger/keys.ts';
import { listAll } from '../../src/ledger/listing.ts';
import { readAdmission } from '../../src/ledger/reservations.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { type Backend, backends, benchOn, LimitBench, NODE } from '../ledger/limit-bench.ts';
import { interposed } from '../ledger/interposed.ts';
import { patience } from '../ledger/opened.ts';

/** What the shaper of the node says of each limit: nothing is wrong with it, unless told. */
class Stage {
  limits: Limits;
  /** Rates towards a container, kbit/s, that the kernel does not carry out. */
  readonly refuses = new Set<number>();
  constructor(
    readonly bench: LimitBench,
    readonly silent: boolean,
  ) {
    this.limits = this.start();
  }

  start(): Limits {
    const { store, options } = this.bench;
    const { random } = options;
    const deps = { store, node: NODE, clock: systemClock, log: silentLog, random };
    const limits = startLimits(deps);
    if (!this.silent) limits.onChange(() => this.shape(limits));
    return limits;
  }

  shape(limits: Limits): void {
    limits.report(
      limits.wanted().map(({ address, netInKbit, netOutKbit }) => ({
        ...{ address, netInKbit, netOutKbit },
        ...(this.refuses.has(netInKbit) && { fault: `the kernel says no to ${netInKbit}` }),
      })),
    );
  }

  async until(holds: () => unknown, what: string): Promise<void> {
    for (const late = AbortSignal.timeout(180_000); !(await holds()); await wait(10))
      assert(!late.aborted, `it did not come to pass: ${what}`);
  }

  /** The status of the newest write to a limit. */
  async toldOf(address: string, state: string, reason?: RegExp): Promise<void> {
    const { bench } = this;
    await this.until(
      async () => {
        const status = await bench.status(address);
        return status?.state === state && (!reason || reason.test(status.reason ?? ''));
      },
      `${address} is ${state} ${reason ?? ''}: it is ${JSON.stringify(await bench.status(address))}`,
    );
  }

  async holds(address: string, netInKbit: number, netOutKbit: number): Promise<void> {
    const { bench } = this;
    const limit = await bench.limit(address);
    assert.deepEqual([limit?.netInKbit, limit?.netOutKbit], [netInKbit, netOutKbit]);
    const [wanted] = this.limits.wanted().filter((one) => one.address === address);
    assert.deepEqual([wanted?.netInKbit, wanted?.netOutKbit], [netInKbit, netOutKbit]);
    await bench.sound();
  }
}

async function stageOn(backend: Backend, t: TestContext, silent = false): Promise<Stage> {
  const bench = await benchOn(backend, t);
  const stage = new Stage(bench, silent);
  t.after(() => stage.limits.close());
  await stage.until(() => stage.limits.state().following, 'it follows');
  return stage;
}

for (const backend of backends)
  describe(`the limits of a node, on ${backend.name}`, { timeout: 540_000 }, () => {
    it('are those of all leases, whether their container is known or not', async (t) => {
      const stage = await stageOn(backend, t);
      const { bench, limits } = stage;
      const { address, limit } = await bench.take(NODE, 'c1');
      const early = await bench.take(NODE, 'docker', { container: undefined! });
      await bench.take('node-2', 'elsewhere');
      await stage.until(() => limits.wanted().length > 1, 'both are wanted');
      const { classMinor } = limit;
      const wanted = { address, container: 'c1', netInKbit: 100, netOutKbit: 200, classMinor };
      const [first, second] = limits.wanted();
      assert.deepEqual(first, wanted);
      assert.deepEqual([second?.address, second?.container], [early.address, undefined]);
      await bench.release(NODE, address, 'c1');
      await bench.release(NODE, early.address, 'docker');
      await stage.until(() => limits.wanted().length === 0, 'none is wanted');
      assert.deepEqual(await bench.audit(), [], 'nobody changed anything');
    });

    it('follow an edit, and its status says that it is enforced', async (t) => {
      const stage = await stageOn(backend, t);
      const { bench } = stage;
      const { address } = await bench.take(NODE, 'c1');
      const { edit } = await bench.edit(address, { netInKbit: 5_000 });
      await stage.toldOf(address, 'enforced');
      const status = await bench.status(address);
      assert.deepEqual([status?.edit, status?.netInKbit], [edit, 5_000]);
      await stage.holds(address, 5_000, 200);
    });

    for (const { says, value, gives } of [
      {
        says: 'a whole record',
        value: '{"v":1,"netInKbit":5000,"netOutKbit":6000,"classMinor":256}',
        gives: [5_000, 6_000],
      },
      { says: 'one rate as tc spells it', value: '{"netOutKbit":"5mbit"}', gives: [100, 5_000] },
    ] as { says: string; value: string; gives: [number, number] }[])
      it(`take up ${says} that etcdctl wrote, with the sums`, async (t) => {
        const stage = await stageOn(backend, t);
        const { bench } = stage;
        const { address } = await bench.take(NODE, 'c1');
        await bench.raw(address, value);
        await stage.toldOf(address, 'enforced');
        await stage.holds(address, ...gives);
        const { netInKbit, netOutKbit } = (await bench.tally())!;
        assert.deepEqual([netInKbit, netOutKbit], gives);
        const [audit] = await bench.audit();
        assert.deepEqual(
          [audit?.by, audit?.act, audit?.after?.netInKbit],
          ['ledger', 'set', gives[0]],
        );
        assert.equal((await bench.status(address))?.edit, (await bench.limit(address))?.edit);
        assert.equal((await readAdmission(bench.store, patience())).sequence, 1, 'verdicts lose');
      });

    for (const { says, value, reason } of [
      { says: 'a shell', value: '10;rm -rf /', reason: /not JSON/ },
      { says: 'a negative rate', value: '{"netInKbit":-5}', reason: /must be more than zero/ },
      { says: 'far too much', value: '{"netInKbit":1e30}', reason: /over 2\^53/ },
      {
        says: 'more than tc carries',
        value: '{"netInKbit":"11tbit"}',
        reason: /cannot be 11 Tbit/,
      },
      { says: 'a secret', value: '{"netInKbit":{"secret":"x"}}', reason: /neither a number nor/ },
      { says: 'a typo', value: '{"netIn":5}', reason: /it has a "netIn"/ },
      { says: 'nothing at all', value: '', reason: /not JSON/ },
    ])
      it(`leave the old limit in force when etcdctl wrote ${says}, and say so`, async (t) => {
        const stage = await stageOn(backend, t);
        const { bench } = stage;
        const { address } = await bench.take(NODE, 'c1');
        await bench.raw(address, value);
        await stage.toldOf(address, 'invalid', reason);
        await stage.holds(address, 100, 200);
        const [audit] = await bench.audit();
        assert.equal(audit?.act, 'refused');
        assert.match(audit?.why ?? '', reason);
      });

    it('refuse what would pass the link, with figures, unless it insists', async (t) => {
      const stage = await stageOn(backend, t);
      const { bench } = stage;
      const { address } = await bench.take(NODE, 'c1');
      await bench.take(NODE, 'c2', { netInKbit: 400_000 });
      await bench.raw(address, '{"netInKbit":500001}');
      await stage.toldOf(address, 'failed', /make them 900.001 Mbit\/s, and the link takes 900/);
      await stage.holds(address, 100, 200);
      await bench.raw(address, '{"netInKbit":500001,"forced":true}');
      await stage.toldOf(address, 'enforced');
      assert.equal((await bench.limit(address))?.forced, true);
      assert.equal((await bench.tally())?.forced, 1);
      await stage.holds(address, 500_001, 200);
    });

    for (const { says, value } of [
      {
        says: 'another class',
        value: '{"v":1,"netInKbit":100,"netOutKbit":200,"classMinor":300}',
      },
      { says: 'the class of another', value: '{"v":1,"classMinor":257}' },
      { says: 'no key any more', value: undefined },
    ])
      it(`put back ${says}`, async (t) => {
        const stage = await stageOn(backend, t);
        const { bench } = stage;
        const { address } = await bench.take(NODE, 'c1');
        await bench.take(NODE, 'c2');
        await bench.raw(address, value);
        await stage.until(
          async () => (await bench.limit(address).catch(() => undefined))?.classMinor === 256,
          'the class is back',
        );
        assert.equal((await bench.audit())[0]?.act, 'put back');
        await stage.holds(address, 100, 200);
      });

    it('remove a limit of nobody', async (t) => {
      const stage = await stageOn(backend, t);
      const { bench } = stage;
      await bench.raw('198.51.100.200', '{"netInKbit":5}');
      await stage.until(async () => (await bench.audit()).length > 0, 'it is told');
      assert.equal((await bench.audit())[0]?.act, 'removed');
      const key = keys.limit(NODE, '198.51.100.200');
      assert.equal(await bench.store.get(key, patience()), undefined);
      await bench.sound();
    });

    it('go back to the former limit when the kernel says no, and say why', async (t) => {
      const stage = await stageOn(backend, t);
      const { bench } = stage;
      stage.refuses.add(5_000);
      const { address } = await bench.take(NODE, 'c1');
      const { edit } = await bench.edit(address, { netInKbit: 5_000, netOutKbit: 6_000 });
      await stage.toldOf(address, 'failed', /^the kernel says no to 5000$/);
      assert.equal((await bench.status(address))?.edit, edit);
      await stage.until(() => stage.limits.wanted()[0]?.netInKbit === 100, 'it is told');
      await stage.holds(address, 100, 200);
      const [audit] = await bench.audit();
      assert.deepEqual([audit?.act, audit?.of, audit?.after?.netInKbit], ['put back', edit, 100]);
      stage.shape(stage.limits);
      await bench.edit(address, { netInKbit: 7_000 });
      await stage.toldOf(address, 'enforced');
      await stage.holds(address, 7_000, 200);
    });

    it('wait while an edit cannot be tried, and undo it only when the kernel shows something else', async (t) => {
      const stage = await stageOn(backend, t, true);
      const { bench, limits } = stage;
      const { address } = await bench.take(NODE, 'c1');
      const { edit } = await bench.edit(address, { netInKbit: 5_000 });
      await stage.until(() => limits.wanted()[0]?.netInKbit === 5_000, 'it is told');
      const report = { address, netInKbit: 5_000, netOutKbit: 200 };
      const revision = await bench.revision();
      for (let n = 0; n < 5; n++)
        limits.report([{ ...report, fault: 'interface "v1" is gone', passing: true }]);
      await wait(300);
      assert.equal(await bench.revision(), revision, 'nothing is said of it');
      assert.equal(limits.state().waiting, 0);
      limits.report([report]);
      await stage.toldOf(address, 'enforced');
      assert.equal((await bench.status(address))?.edit, edit);
      await bench.edit(address, { netInKbit: 6_000 });
      await stage.until(() => limits.wanted()[0]?.netInKbit === 6_000, 'it is told');
      limits.report([{ ...report, netInKbit: 6_000, fault: 'it shows 5000' }]);
      await stage.toldOf(address, 'failed', /it shows 5000/);
      await stage.until(() => limits.wanted()[0]?.netInKbit === 5_000, 'it is put back');
      await stage.holds(address, 5_000, 200);
    });

    it('mark a former limit that the room was given away of meanwhile', async (t) => {
      const stage = await stageOn(backend, t, true);
      const { bench, limits } = stage;
      const { address } = await bench.take(NODE, 'c1', { netInKbit: 600_000 });
      await bench.edit(address, { netInKbit: 5_000 });
      await bench.take(NODE, 'c2', { netInKbit: 800_000 });
      await stage.until(() => limits.wanted()[0]?.netInKbit === 5_000, 'it is told');
      limits.report([{ address, netInKbit: 5_000, netOutKbit: 200, fault: 'no such class' }]);
      await stage.toldOf(address, 'failed', /no such class/);
      await stage.until(() => limits.wanted()[0]?.netInKbit === 600_000, 'it is told');
      assert.equal((await bench.limit(address))?.forced, true);
      await stage.holds(address, 600_000, 200);
    });

    it('tell of a limit that nobody edited while the kernel does not enforce it', async (t) => {
      const stage = await stageOn(backend, t, true);
      const { bench, limits } = stage;
      const { address } = await bench.take(NODE, 'c1');
      await stage.until(() => limits.wanted().length > 0, 'it is wanted');
      const report = { address, netInKbit: 100, netOutKbit: 200 };
      limits.report([{ ...report, fault: 'no ifb left' }]);
      await stage.toldOf(address, 'failed', /no ifb left/);
      const revision = await bench.revision();
      for (let n = 0; n < 5; n++) limits.report([{ ...report, fault: 'no ifb left' }]);
      await wait(200);
      assert.equal(await bench.revision(), revision, 'it is told once');
      limits.report([report]);
      await stage.toldOf(address, 'enforced');
    });

    it('are settled after the agent was away: what was written, and what the kernel says', async (t) => {
      const stage = await stageOn(backend, t, true);
      const { bench } = stage;
      const [one, two, three] = [
        await bench.take(NODE, 'c1'),
        await bench.take(NODE, 'c2'),
        await bench.take(NODE, 'c3'),
      ];
      await stage.limits.close();
      const { edit } = await bench.edit(one.address, { netInKbit: 5_000 });
      await bench.raw(two.address, '{"netInKbit":7000}');
      await bench.raw(three.address, 'rubbish');
      // a spoilt key keeps no address from being given back, and none from being given
      assert.deepEqual(await bench.release(NODE, three.address, 'c3'), { released: true });
      await bench.take(NODE, 'c4');
      stage.limits = stage.start();
      await stage.until(() => stage.limits.wanted().length === 3, 'it knows all of them');
      const report = { address: one.address, netInKbit: 5_000, netOutKbit: 200 };
      stage.limits.report([{ ...report, fault: 'still no' }]);
      await stage.toldOf(one.address, 'failed', /still no/);
      assert.equal((await bench.status(one.address))?.edit, edit);
      await stage.until(
        async () => (await bench.lease(two.address))?.counted?.netInKbit === 7_000,
        'the other is taken up',
      );
      await stage.until(() => stage.limits.state().waiting === 0, 'all is settled');
      await stage.holds(one.address, 100, 200);
    });

    it('are settled once the ledger is back, and lose no write that came between', async (t) => {
      const stage = await stageOn(backend, t, true);
      const { bench } = stage;
      await stage.limits.close();
      const { address } = await bench.take(NODE, 'c1');
      const shaky = interposed(bench.store, async (_, nth) => {
        if (nth <= 2) throw new LedgerUnreachable('a commit', 1);
        if (nth === 3) await bench.raw(address, '{"netInKbit":7000}');
      });
      stage.limits = new Stage(new LimitBench(shaky), true).limits;
      await bench.raw(address, '{"netInKbit":5000}');
      await stage.until(
        async () => (await bench.lease(address))?.counted?.netInKbit === 7_000,
        'the later write is taken up',
      );
      await stage.until(() => stage.limits.state().waiting === 0, 'all is settled');
      const taken = (await bench.audit()).map(({ after }) => after?.netInKbit);
      assert.deepEqual(taken, [7_000], 'the earlier one never was in force');
      await stage.holds(address, 7_000, 200);
    });

    it('leave no status behind when their lease is gone', async (t) => {
      const stage = await stageOn(backend, t);
      const { bench } = stage;
      const { address } = await bench.take(NODE, 'c1');
      await bench.edit(address, { netInKbit: 5_000 });
      await stage.toldOf(address, 'enforced');
      await bench.release(NODE, address, 'c1');
      await stage.until(async () => !(await bench.status(address)), 'the status is gone');
    });

    it('end equal to the ledger, whoever wrote what when', async (t) => {
      const stage = await stageOn(backend, t);
      const { bench } = stage;
      stage.refuses.add(3_003);
      const rounds = backend.name === 'etcd' ? 15 : 40;
      const standing = [await bench.take(NODE, 's1'), await bench.take(NODE, 's2')];
      const raw = async (): Promise<void> => {
        const values = [
          '{"netInKbit":4004}',
          'rubbish',
          '{"netInKbit":3003}',
          undefined,
          '{"netInKbit":"2gbit"}',
        ];
        for (let round = 0; round < rounds; round++)
          await bench.raw(standing[round % 2]!.address, values[round % values.length]);
      };
      const edit = async (): Promise<void> => {
        for (let round = 0; round < rounds; round++)
          await bench.edit(standing[round % 2]!.address, {
            netInKbit: [3_003, 6_006, 7_007][round % 3]!,
          });
      };
      const comeAndGo = async (): Promise<void> => {
        for (let round = 0; round < rounds; round++) {
          const { address } = await bench.take(NODE, `c${round}`);
          await bench.raw(address, round % 2 ? '{"netOutKbit":9009}' : 'rubbish');
          await bench.release(NODE, address, `c${round}`);
        }
      };
      await Promise.all([raw(), edit(), comeAndGo()]);
      // what is settled or told just now is not seen in the state: in the end it is
      const settled = async (): Promise<void> => {
        const { entries } = await listAll(bench.store, prefixes.limits, { signal: patience() });
        const { waiting, unsettled } = stage.limits.state();
        assert.deepEqual([waiting, unsettled.size, entries.length], [0, 0, 2]);
        for (const { address } of standing) {
          const { counted } = (await bench.lease(address))!;
          assert.notEqual(counted?.netInKbit, 3_003, 'the kernel refuses that one');
          await stage.holds(address, counted!.netInKbit, counted!.netOutKbit);
        }
      };
      let last: unknown;
      const isSettled = () =>
        settled().then(
          () => true,
          (fault: unknown) => ((last = fault), false),
        );
      for (const late = patience(); !(await isSettled()); await wait(20))
        if (late.aborted) throw last;
    });
  });
