import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Hands } from '../../../src/agent/shape/hands.ts';
import { hostInterfaceOf } from '../../../src/agent/shape/host-interface.ts';
import { probeKernel } from '../../../src/agent/shape/probe.ts';
import { Reader } from '../../../src/agent/shape/reader.ts';
import { cleanKernel, startShaper } from '../../../src/agent/shape/shaper.ts';
import type { ShaperState } from '../../../src/agent/shape/shaper-deps.ts';
import type { Wanted } from '../../../src/agent/shape/asks.ts';
import { stepsToClean, stepsTowards } from '../../../src/core/shape-steps.ts';
import { wantedShape } from '../../../src/core/shape-wanted.ts';
import type { Kernel, Limit, Uplink } from '../../../src/core/shape.ts';
import { systemClock } from '../../../src/plumbing/clock.ts';
import { silentLog } from '../../../src/plumbing/log.ts';
import {
  askFor,
  type Container,
  sh,
  shaperOn,
  type Stage,
  stage,
  type Told,
  UPLINK,
} from './stage.ts';

const soon = (): AbortSignal => AbortSignal.timeout(180_000);
const SHARED = { ...UPLINK, linkInKbit: 300_000, linkOutKbit: 300_000, overcommit: 2 };

describe('limits in a real kernel', { concurrency: 1 }, () => {
  let on: Stage;
  let told: Told;
  let a: Container;
  let b: Container;
  let kernel: Kernel;

  before(async () => {
    kernel = await probeKernel(soon());
    on = await stage('kernel');
    [a, b] = [await on.add(1), await on.add(2)];
  });
  after(() => on.down());
  beforeEach(() => {
    told = shaperOn(on.netns);
  });
  afterEach(async () => {
    await told.shaper.stop();
    await cleanKernel(soon(), on.netns);
  });

  const settle = async (wanted: Wanted): Promise<ShaperState> => {
    told.set(wanted);
    return told.settle();
  };
  const both = (uplink: Uplink, mbit = 20): Wanted => ({
    asks: [askFor(a, 1, mbit), askFor(b, 0x1ab, mbit, 2 * mbit)],
    uplink,
  });
  const good = (state: ShaperState): void => {
    assert.deepEqual(state.faults, []);
    assert.deepEqual([...state.inForce], [a.address, b.address]);
  };
  /** Steps that a second look still finds. */
  const open = async (wanted: Wanted): Promise<unknown[]> => {
    const { links, seen } = await new Reader(on.netns).look(soon());
    const mtuOf = (name: string): number => links.get(name)?.mtu ?? 1500;
    return stepsTowards(
      wantedShape(limitsOf(wanted), { uplink: wanted.uplink, kernel, mtuOf }).shape,
      seen,
    );
  };

  it('the kernel has what is needed, or the tests say nothing', () => {
    assert.ok(kernel.htb && kernel.ifb && kernel.redirect && (kernel.bfifo || kernel.fqCodel));
  });

  for (const [layout, uplink] of [
    ['of their own', UPLINK],
    ['shared', SHARED],
  ] as const)
    describe(`trees ${layout}`, () => {
      it('come in force, and a second pass changes nothing', async () => {
        good(await settle(both(uplink)));
        const { steps } = told.shaper.state();
        good(await told.settle());
        assert.equal(told.shaper.state().steps, steps);
        assert.deepEqual(await open(both(uplink)), []);
      });

      it('a changed limit is a change of its class, and the tree stays', async () => {
        await settle(both(uplink));
        const { steps } = told.shaper.state();
        good(await settle(both(uplink, 30)));
        // four classes, and one queue: below 45 Mbit/s all are equally long
        assert.equal(told.shaper.state().steps - steps, 5);
        const classes = await on.tc(
          `class show dev ${uplink.overcommit > 1 ? 'corral-in' : a.hostInterface}`,
        );
        assert.match(classes, /ceil 30Mbit/);
      });

      it('killed between any two steps, the next start converges', async () => {
        const reader = new Reader(on.netns);
        const { seen } = await reader.look(soon());
        const wanted = both(uplink);
        const { shape } = wantedShape(limitsOf(wanted), { uplink, kernel, mtuOf: () => 1500 });
        const steps = stepsTowards(shape, seen);
        for (let done = 1; done < steps.length; done += 1) {
          const hands = new Hands(on.netns);
          const { links } = await reader.look(soon());
          assert.deepEqual(await hands.carryOut(steps.slice(0, done), links, soon()), []);
          await hands.close();
          if (done % 2 === 0) {
            good(await settle(wanted));
            assert.deepEqual(await open(wanted), [], `after ${done} steps`);
          }
          await cleanKernel(soon(), on.netns);
          assert.deepEqual(await remains(on), [], `after ${done} steps`);
        }
      });

      it('what others did is put right and counted', async () => {
        await settle(both(uplink));
        const ifb = uplink.overcommit > 1 ? 'corral-in' : 'corral-0001';
        await on.tc(`qdisc del dev ${ifb} root`);
        await on.tc(`qdisc add dev ${ifb} root tbf rate 1mbit burst 20000 latency 50ms`);
        await on.tc(`filter del dev ${b.hostInterface} ingress`);
        good(await told.settle());
        const { drift } = told.shaper.state();
        assert.equal(drift['foreign-qdisc'], 1);
        assert.equal(drift['lost-redirect'], 1);
        assert.deepEqual(await open(both(uplink)), []);
      });

      it('a container that came back has its limits, and leaves nothing when it goes', async () => {
        await settle(both(uplink));
        await on.ip(`link del ${a.hostInterface}`);
        await on.wire(a);
        good(await told.settle());
        assert.equal(told.shaper.state().drift.recreated, 1);
        assert.deepEqual(await open(both(uplink)), []);
        await on.ip(`link del ${a.hostInterface}`);
        const state = await told.settle();
        assert.deepEqual(state.faults, [
          { address: a.address, says: `interface "${a.hostInterface}" is gone`, passing: true },
        ]);
        const links = await on.ip('-br link');
        assert.doesNotMatch(links, /corral-0001/);
        await on.wire(a);
        good(await told.settle());
        await settle({ asks: [], uplink });
        assert.deepEqual(await remains(on), []);
      });
    });

  it('takes ifbs away as a group, but not with a stranger in it', async () => {
    const strangerIn = (group: string): Promise<string> =>
      on.ip(`link set ${on.peer.hostInterface} group ${group}`);
    for (const group of ['default', '49313']) {
      good(await settle(both(UPLINK)));
      await strangerIn(group);
      assert.deepEqual((await settle({ asks: [], uplink: UPLINK })).faults, []);
      assert.deepEqual(await remains(on), []);
      assert.match(await on.ip('-br link'), new RegExp(on.peer.hostInterface));
    }
    await strangerIn('default');
  });

  it('an ifb that was doomed and is needed again is not taken with the others', async () => {
    good(await settle(both(UPLINK)));
    await on.ip('link set corral-0001 group 49313');
    good(await told.settle());
    assert.deepEqual(await open(both(UPLINK)), []);
    assert.doesNotMatch(await on.ip('link show corral-0001'), /49313/);
  });

  it('goes from one layout to the other and back', async () => {
    for (const uplink of [UPLINK, SHARED, UPLINK]) {
      good(await settle(both(uplink)));
      assert.deepEqual(await open(both(uplink)), []);
    }
    assert.doesNotMatch(await on.ip('-br link'), /corral-(in|out)/);
  });

  it('a lost class and packets past the classes are put right and counted', async () => {
    await settle(both(UPLINK));
    await on.tc(`class del dev ${a.hostInterface} classid c0a1:1`);
    await sh(`nsenter --net=${on.peer.netns} ping -c 3 -i 0.05 -W 1 ${a.address}`);
    good(await told.settle());
    const { drift } = told.shaper.state();
    assert.equal(drift['lost-class'], 1);
    assert.equal(drift['passed-by'], 1);
  });

  it('clean removes all and only ours', async () => {
    await on.ip('link add corral-dummy type bridge');
    await on.tc(`qdisc add dev ${on.peer.hostInterface} root handle 7: htb`);
    await on.tc(`qdisc add dev ${on.peer.hostInterface} clsact`);
    await on.ip('link add theirs type ifb');
    const theirs = 'protocol all pref 9 u32 match u32 0 0 action mirred egress redirect dev theirs';
    await on.tc(`filter add dev ${on.peer.hostInterface} ingress ${theirs}`);
    await on.tc(`qdisc add dev ${b.hostInterface} clsact`);
    await on.tc(`filter add dev ${b.hostInterface} ingress ${theirs}`);
    const before = await remains(on);
    for (const uplink of [UPLINK, SHARED]) {
      good(await settle(both(uplink)));
      assert.ok((await cleanKernel(soon(), on.netns)) > 0);
      assert.deepEqual(await remains(on), before);
      assert.equal(await cleanKernel(soon(), on.netns), 0);
    }
    await on.ip('link del corral-dummy');
    await on.ip('link del theirs');
    await on.tc(`qdisc del dev ${on.peer.hostInterface} root`);
    await on.tc(`qdisc del dev ${on.peer.hostInterface} clsact`);
    await on.tc(`qdisc del dev ${b.hostInterface} clsact`);
  });

  it('an unusable ask is told and disturbs nobody', async () => {
    const asks = [
      ...both(UPLINK).asks,
      { ...askFor(on.peer, 1, 5), address: '192.0.2.250' },
      { ...askFor(on.peer, 9, 5), address: '192.0.2.251', at: { hostInterface: 'x; reboot' } },
      { ...askFor(on.peer, 10, 5), address: '192.0.2.252', at: { hostInterface: 'nobody' } },
    ];
    const state = await settle({ asks, uplink: UPLINK });
    assert.deepEqual([...state.inForce], [a.address, b.address]);
    assert.deepEqual(state.faults.map(({ address }) => address).sort(), [
      '192.0.2.250',
      '192.0.2.251',
      '192.0.2.252',
    ]);
  });

  it('stopping leaves limits, and so does not knowing what is wanted', async () => {
    good(await settle(both(UPLINK)));
    await told.shaper.stop();
    assert.deepEqual(await open(both(UPLINK)), []);
    const blind = startShaper({
      wanted: () => Promise.reject(new Error('the ledger has not answered yet')),
      clock: systemClock,
      log: silentLog,
      everyMs: 600_000,
      netns: on.netns,
    });
    await assert.rejects(blind.settle(soon()), /has not answered/);
    assert.equal(blind.state().loop.ok, false);
    assert.deepEqual(await open(both(UPLINK)), []);
    await blind.stop();
    told = shaperOn(on.netns);
  });

  it('counts what passes, and goes on counting when a queue is replaced', async () => {
    await settle(both(UPLINK));
    await told.shaper.usage(soon());
    const ping = `ping -c 20 -i 0.01 -s 1000 ${a.address}`;
    await sh(`nsenter --net=${on.peer.netns} ${ping}`);
    await new Promise((resolve) => setTimeout(resolve, 600));
    const usage = async () =>
      (await told.shaper.usage(soon())).find(({ address }) => address === a.address)!;
    const first = await usage();
    assert.ok(first.netIn.bytes >= 20 * 1028 && first.netOut.bytes >= 20 * 1028);
    assert.ok(first.netIn.rateKbit > 0 && first.netIn.share > 0 && first.netIn.share < 1);
    await on.tc(`qdisc replace dev ${a.hostInterface} parent c0a1:1 pfifo`);
    await told.settle();
    await sh(`nsenter --net=${on.peer.netns} ${ping}`);
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.ok((await usage()).netIn.bytes >= first.netIn.bytes + 20 * 1028);
  });

  it('finds the interface of a process, by its /sys or by asking the kernel', async () => {
    const { links } = await new Reader(on.netns).look(soon());
    const inside = spawn('ip', ['netns', 'exec', a.name, 'sleep', '600']);
    const bare = spawn('nsenter', [`--net=${a.netns}`, 'sleep', '600']);
    try {
      await Promise.all([once(inside, 'spawn'), once(bare, 'spawn')]);
      const isThere = ({ pid = 0 }: { readonly pid?: number | undefined }): boolean =>
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep');
      for (const late = soon(); ![inside, bare].every(isThere);) {
        late.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      for (const { pid = 0 } of [inside, bare])
        for (const privileged of [false, true])
          assert.equal(
            await hostInterfaceOf({ pid, address: a.address, privileged }, links, soon()),
            a.hostInterface,
          );
      await assert.rejects(
        hostInterfaceOf({ pid: process.pid, address: a.address }, links, soon()),
        { code: 'no-host-interface' },
      );
    } finally {
      inside.kill('SIGKILL');
      bare.kill('SIGKILL');
    }
  });

  it('gives containers that are being started the ports that are nobody’s, and each its own once it runs', async () => {
    const names = ['vetha000001', 'vetha000002'] as const;
    for (const name of names) {
      await on.ip(`link add ${name} type veth peer name p${name.slice(4)}`);
      await on.ip(`link set ${name} master br0 up`);
    }
    await on.ip('link add dockerlike type veth peer name other');
    await on.ip('link set dockerlike master br0 up');
    const running = { pid: a.pid };
    const none = (): Promise<undefined> => Promise.resolve(undefined);
    const starting = (octet: number, sinceMs: number) => ({
      ...askFor(a, 100 + octet, octet),
      address: `192.0.2.${octet}`,
      at: { starting: { container: `c${octet}`, bridge: 'br0', sinceMs }, process: none },
    });
    const known = { ...askFor(a, 1, 20), at: { process: () => Promise.resolve(running) } };
    const asks: Wanted['asks'] = [starting(11, 2), starting(12, 1), starting(13, 3), known];
    const state = await settle({ asks, uplink: UPLINK });
    assert.deepEqual(state.faults, []);
    assert.deepEqual([...state.inForce].sort(), [a.address, '192.0.2.11', '192.0.2.12']);
    const ceilOf = async (link: string): Promise<string | undefined> =>
      / ceil (\S+)/.exec(await on.tc(`class show dev ${link}`))?.[1];
    assert.equal(await ceilOf(names[0]), '12Mbit', 'first come, first served');
    assert.equal(await ceilOf(names[1]), '11Mbit');
    assert.equal(await ceilOf('dockerlike'), undefined);
    const [first, second] = names.map((hostInterface) => ({ hostInterface }));
    const at = (octet: number, where: Wanted['asks'][number]['at']) => ({
      ...starting(octet, 1),
      at: where,
    });
    await settle({ asks: [at(11, first!), at(12, second!)], uplink: UPLINK });
    assert.deepEqual([await ceilOf(names[0]), await ceilOf(names[1])], ['11Mbit', '12Mbit']);
    for (const name of [...names, 'dockerlike']) await on.ip(`link del ${name}`);
    await told.settle();
    assert.deepEqual(await remains(on), []);
  });

  it('between two looks at everything, looks only at what is wanted anew', async () => {
    let wanted: Wanted = { asks: [askFor(a, 1, 20)], uplink: UPLINK };
    const passed: ShaperState[] = [];
    const quick = startShaper({
      wanted: () => wanted,
      onPass: (state) => passed.push(state),
      clock: systemClock,
      log: silentLog,
      everyMs: 600_000,
      netns: on.netns,
    });
    /** Until a pass has put these in force; one that had begun before may end first. */
    const pass = async (next: Wanted, ...inForce: readonly string[]): Promise<void> => {
      wanted = next;
      quick.wake();
      for (const late = soon(); passed.at(-1)?.inForce.join() !== inForce.join();) {
        late.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    try {
      await quick.settle(soon());
      await on.tc(`qdisc del dev ${a.hostInterface} root`);
      const both20 = both(UPLINK);
      await pass(both20, a.address, b.address);
      assert.equal(passed.at(-1)?.drift['lost-qdisc'], 0, 'nobody looked there');
      const [, second] = both20.asks;
      await pass({ asks: [second!], uplink: UPLINK }, b.address);
      await on.tc(`qdisc show dev corral-0001`).then(
        (shown) => assert.equal(shown.trim(), ''),
        () => undefined, // gone
      );
      good(await ((wanted = both20), quick.settle(soon())));
      assert.deepEqual(await open(both20), []);
    } finally {
      await quick.stop();
    }
  });

  it('nothing of ours is left at the end', async () => {
    assert.deepEqual(stepsToClean((await new Reader(on.netns).look(soon())).seen), []);
  });
});

const limitsOf = ({ asks }: Wanted): Limit[] =>
  asks.flatMap(({ at, ...rest }) =>
    'hostInterface' in at ? [{ ...rest, hostInterface: at.hostInterface }] : [],
  );

/** Every qdisc that is set and every ifb, whoever made it. */
async function remains(on: Stage): Promise<string[]> {
  const [qdiscs, links] = [await on.tc('qdisc show'), await on.ip('-br link show type ifb')];
  return [...qdiscs.split('\n'), ...links.split('\n')]
    .filter(
      (line) =>
        line !== '' && !line.startsWith('qdisc noqueue') && !line.startsWith('qdisc pfifo_fast 0:'),
    )
    .map((line) => line.replace(/(refcnt|direct_packets_stat) \d+/g, '').trim());
}
