import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import {
  askFor,
  bestOf,
  changesIn,
  type Container,
  echoes,
  excused,
  firstSecond,
  flood,
  flow,
  median,
  rateAt,
  reached,
  receivedBytes,
  roundTrips,
  sh,
  shaperOn,
  type Stage,
  stage,
  type Told,
  UPLINK,
} from './stage.ts';
import { ifbOf } from '../../../src/core/shape.ts';

/**
 * Rates as iperf3 sees them. A ceiling must hold at once, in every try; what is reached may need another try
 * on a busy machine, and is forgiven what the measuring programs waited for a CPU. A limit counts Ethernet
 * frames, so TCP carries at most 95.6 % of it.
 */
const SECONDS = 5;

describe('limits, as traffic meets them', { concurrency: 1 }, () => {
  let on: Stage;
  let told: Told;
  let a: Container;
  let b: Container;
  let c: Container;

  before(async () => {
    on = await stage('rates');
    [a, b, c] = [await on.add(1), await on.add(2), await on.add(3)];
    told = shaperOn(on.netns);
  });
  after(async () => {
    await told.shaper.stop();
    await on.down();
  });

  const limit = async (...asks: Parameters<typeof askFor>[]): Promise<void> => {
    told.set({ asks: asks.map((ask) => askFor(...ask)), uplink: UPLINK });
    assert.deepEqual((await told.settle()).faults, []);
  };

  for (const mbit of [10, 100, 1000])
    for (const direction of ['in', 'out'] as const)
      it(`TCP ${direction} at ${mbit} Mbit/s: 94 to 100 %, at most 120 % in the first second`, async () => {
        await limit([a, 1, mbit]);
        const tcp = (): ReturnType<typeof flow> =>
          direction === 'in'
            ? flow(on.peer, a, `-t ${SECONDS}`)
            : flow(a, on.peer, `-t ${SECONDS}`);
        await reached('94 %', mbit * 0.94, async () => {
          const counted = firstSecond(direction === 'in' ? a : on.peer);
          const outcome = await tcp();
          const first = await counted;
          assert.ok(outcome.mbit <= mbit, `${outcome.mbit} Mbit/s pass the limit`);
          assert.ok(first <= mbit * 1.2, `${first} Mbit/s in the first second`);
          return [outcome];
        });
      });

  const passed = async (
    [from, to, datagram]: readonly [Container, Container, number],
    { times, at = to }: { readonly times: number; readonly at?: Container },
  ) => {
    const [before, began] = [receivedBytes(at), performance.now()];
    const { mbit, waited } = await flood(from, to, datagram);
    const got = ((receivedBytes(at) - before) * 8) / 1e3 / (performance.now() - began);
    return { offered: mbit * times, waited, got };
  };

  for (const mbit of [10, 100])
    it(`UDP offered at twice ${mbit} Mbit/s and more passes the limit by no more than 5 %`, async () => {
      await limit([a, 1, mbit]);
      for (const way of [
        [on.peer, a, 1448],
        [a, on.peer, 1448],
      ] as const) {
        const outcome = await bestOf(
          () => passed(way, { times: 1 }),
          ({ offered }) => offered >= 2 * mbit,
        );
        const { offered, got } = outcome;
        assert.ok(offered >= excused(2 * mbit, outcome), `only ${offered} Mbit/s were offered`);
        assert.ok(got <= mbit * 1.05 && got > mbit / 4, `${got} Mbit/s`);
      }
    });

  const withMtu = async (mtu: number): Promise<void> => {
    for (const { name, hostInterface } of [a, b, on.peer]) {
      await on.ip(`link set ${hostInterface} mtu ${mtu}`);
      await sh(`ip -n ${name} link set eth0 mtu ${mtu}`);
    }
  };

  // A sender is held back once its sockets' share of a queue is full, and has no CPU to spare at this rate. So
  // b's packets are handed over twice each, in frames of 9 kB, as if they came to a, or from a.
  for (const direction of ['egress', 'ingress'] as const)
    it(`UDP offered above 1000 Mbit/s ${direction === 'egress' ? 'in' : 'out'} passes the limit by no more than 5 %`, async () => {
      const mbit = 1000;
      await withMtu(9_000);
      await limit([a, 1, mbit]);
      const copies = ['mirror', 'redirect'].map((verb) => `action mirred ${direction} ${verb}`);
      const to = `dev ${a.hostInterface}`;
      await on.tc(`qdisc add dev ${b.hostInterface} clsact`);
      await on.tc(
        `filter add dev ${b.hostInterface} ingress protocol ip u32 match ip protocol 17 0xff ${copies.map((one) => `${one} ${to}`).join(' ')}`,
      );
      const at = direction === 'egress' ? a : on.peer;
      const outcome = await bestOf(
        () => passed([b, on.peer, 16_000], { times: copies.length, at }),
        ({ offered }) => offered >= mbit * 1.5,
      ).finally(async () => {
        await on.tc(`qdisc del dev ${b.hostInterface} clsact`);
        await withMtu(1_500);
      });
      assert.ok(
        outcome.offered >= excused(mbit * 1.1, outcome),
        `only ${outcome.offered} Mbit/s were offered`,
      );
      assert.ok(outcome.got <= mbit * 1.05, `${outcome.got} Mbit/s`);
      assert.ok(outcome.got >= mbit / 4, `only ${outcome.got} Mbit/s`);
    });

  for (const mbit of [10, 100])
    it(`a ping beside 16 flows at ${mbit} Mbit/s takes less than 30 ms`, async () => {
      await limit([a, 1, mbit]);
      const ms = await bestOf(
        async () => {
          const load = flow(on.peer, a, '-P 16 -t 4');
          await wait(700);
          const trips = await roundTrips(on.peer, a, 250);
          await load;
          return median(trips);
        },
        (trip) => trip < 30,
      );
      assert.ok(ms < 30, `${ms} ms`);
    });

  it('limits both directions at once, and two containers of one host', async () => {
    await limit([a, 1, 40], [b, 2, 80, 20]);
    // either way's acknowledgements wait in the other way's queue, so neither gets all of its limit
    await reached('three quarters of what b may send, and twice that of a', 20 * 0.75, async () => {
      const [there, back] = await Promise.all([flow(a, b, '-t 3'), flow(b, a, '-t 3')]);
      // b may receive 80 of a's 40, a may receive 40 of b's 20
      assert.ok(there.mbit <= 40 && back.mbit <= 20, `${there.mbit} and ${back.mbit} Mbit/s`);
      return [{ ...there, mbit: there.mbit / 2 }, back];
    });
  });

  it('changes a limit under load: no connection drops, and nobody else moves', async () => {
    // far below what a busy machine carries: a moves, b transfers all it may, c is asked 100 times a second
    const others = [askFor(b, 2, 10), askFor(c, 3, 10)];
    const set = async (mbit: number): Promise<void> => {
      told.set({ asks: [askFor(a, 1, mbit), ...others], uplink: UPLINK });
      assert.deepEqual((await told.settle()).faults, []);
    };
    await reached('94 % of the other limit', 10 * 0.94, async () => {
      await set(30);
      const began = performance.now();
      const before = await standingOf([b, 2], [c, 3]);
      const loads = Promise.all([flow(on.peer, a, '-P 4 -t 12'), flow(on.peer, b, '-t 12')]);
      const pings = echoes(on.peer, c, 600);
      await wait(2500);
      const changes = await changesIn(on.netns, () => set(8));
      await wait(1900);
      const after = await rateAt(a, 2000);
      const isInTime = performance.now() - began < 11_000; // so that they still went on
      const [changed, other] = await loads;
      assert.ok(after <= 8 * 1.05, `${after} Mbit/s two seconds later`);
      assert.deepEqual([changed.streams, other.streams], [4, 1], 'connections to the end');
      assert.ok(
        changed.bytes.every((bytes) => bytes > 0),
        'it went on',
      );
      assert.match(changes.join('\n'), /class htb c0a1:1 dev v1 /);
      for (const line of changes) assert.match(line, / dev (v1|corral-0001) /, 'of nobody else');
      assert.deepEqual(await pings, { sent: 600, lost: 0 });
      assert.deepEqual(
        await standingOf([b, 2], [c, 3]),
        before,
        'the same trees, queues and limits',
      );
      assert.ok(other.mbit <= 10, `the other had ${other.mbit} Mbit/s`);
      if (!isInTime) return [{ mbit: 0, waited: 0 }]; // the machine stood still: once more
      assert.ok(after > 0, 'it went on');
      return [other];
    });
  });

  /** What a container's trees are made of, without what they count. */
  async function standingOf(...of: readonly (readonly [Container, number])[]): Promise<string> {
    const devices = of.flatMap(([{ hostInterface }, minor]) => [hostInterface, ifbOf(minor)]);
    const shown = await Promise.all(
      devices.flatMap((dev) => [on.tc(`class show dev ${dev}`), on.tc(`qdisc show dev ${dev}`)]),
    );
    return shown.join('');
  }

  it('three asks of 200 Mbit/s on a link of 300 at ratio 2: the link holds, each has its floor', async () => {
    const uplink = { linkInKbit: 300_000, linkOutKbit: 300_000, overcommit: 2, headroom: 1 };
    const containers = [a, b, c];
    told.set({ asks: containers.map((one, at) => askFor(one, at + 1, 200)), uplink });
    assert.deepEqual((await told.settle()).faults, []);
    await reached('90 % of what one may have alone', 180, async () => {
      const alone = await flow(on.peer, a, '-t 2');
      assert.ok(alone.mbit <= 202, `alone: ${alone.mbit} Mbit/s`);
      return [alone];
    });
    for (const direction of ['in', 'out'] as const)
      await reached('90 % of each floor of 100 Mbit/s', 90, async () => {
        const flows = Promise.all(
          containers.map((one) =>
            direction === 'in' ? flow(on.peer, one, '-P 2 -t 4') : flow(one, on.peer, '-P 2 -t 4'),
          ),
        );
        await wait(1_500);
        // of all in the same two seconds: one that begins late has the link to itself in the end
        const rates = (direction === 'in' ? containers : [on.peer]).map((one) =>
          rateAt(one, 2_000),
        );
        const sum = (await Promise.all(rates)).reduce((total, mbit) => total + mbit, 0);
        assert.ok(sum <= 300 * 1.02, `${sum} Mbit/s pass the link`);
        return flows;
      });
  });
});
