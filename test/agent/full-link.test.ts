import assert from 'node:assert/strict';
import { basename, dirname } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { failuresPart } from '../../src/agent/failures-part.ts';
import type { StartPart } from '../../src/agent/part.ts';
import { reconcilePart } from '../../src/agent/reconcile-part.ts';
import { shapingPart } from '../../src/agent/shaping.ts';
import { loopsIn } from '../../src/core/brake.ts';
import { factName } from '../../src/core/container-facts.ts';
import { listFailures } from '../../src/ledger/failures.ts';
import { editLimits } from '../../src/ledger/limit-edit.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { IMAGE } from '../fakes/dockerd.ts';
import { NODE, Rig, soon } from './rig.ts';

const factNames = {
  rates: { in: 'net_in', out: 'net_out' },
  app: [factName('env:MARATHON_APP_ID')],
  task: [],
};
const shaping: StartPart = (context) =>
  shapingPart({ netns: `/run/netns/${basename(dirname(context.settings.docker.socket))}` })(
    context,
  );
const asks = (app: string, mbit: number): readonly string[] => [
  ...['-e', `net_in=${mbit}mbit`, '-e', 'net_out=1mbit', '-e', `MARATHON_APP_ID=${app}`],
];

/** A link of 1 Gbit/s, of which containers get 950 Mbit/s. */
describe('a node whose limits add up to its link, on a real dockerd, etcd and kernel', () => {
  let rig: Rig;
  let big: string;
  let address: string;
  before(async () => {
    rig = await Rig.start({
      pools: { wide: { cidr: '10.89.0.0/24', gateway: '10.89.0.1' } },
      agent: { spare: 2 },
      parts: [reconcilePart({ factNames }), failuresPart({ factNames }), shaping],
    });
    await rig.made('lan', '10.89.0.0/24');
  });
  after(() => rig.stop());

  const run = (...options: readonly string[]) =>
    rig.dockerd.docker('run', '-d', '--net', 'lan', ...options, IMAGE, 'sleep', '3600');
  const started = async (...options: readonly string[]): Promise<string> => {
    const { code, out, err } = await run(...options);
    assert.equal(code, 0, err);
    return out.trim();
  };
  const until = async (holds: () => Promise<boolean>, what: string): Promise<void> => {
    for (const late = soon(); !(await holds()); await clock.sleep(50, soon()))
      assert(!late.aborted, `it did not come to pass: ${what}`);
  };
  const counted = async (): Promise<number> => {
    const leases = [...(await rig.leases()).values()];
    return leases.reduce((sum, { counted: limit }) => sum + (limit?.netInKbit ?? 0), 0);
  };
  const failed = async () => (await listFailures(rig.store, { limit: 10 }, soon())).failures;

  it('starts containers as long as anything is left, whatever they ask for', async () => {
    big = await started(...asks('/big', 940));
    await until(async () => (await counted()) === 940_000, 'what it asks for counts');
    await started(...asks('/rest', 10));
    await until(async () => (await counted()) === 950_000, 'all of the link is given');
    address = await rig.dockerd.addressOf(big, 'lan');
  });

  it('starts no more then: the launch fails, and the ledger says whose and for want of what', async () => {
    const { refusals } = rig.agent.context.allocator;
    const isBarred = (): boolean => {
      try {
        refusals.check({ by: 'docker', network: 'prod' });
        return false;
      } catch {
        return true;
      }
    };
    await until(() => Promise.resolve(isBarred()), 'the agent has heard of it');
    await until(async () => (await run(...asks('/late', 1))).code === 125, 'a launch is refused');
    await until(
      async () => (await failed()).some(({ record }) => record.app === '/late'),
      'it is told',
    );
    const [{ record } = assert.fail('nothing is told')] = await failed();
    assert.deepEqual([record.short, record.network, record.node], ['bandwidth', 'prod', NODE]);
    assert.equal(
      record.why,
      'node "node-1" has no net_in left for network "prod": its limits add up to 950 Mbit/s, ' +
        'and the link takes 950 Mbit/s (1 Gbit/s × headroom 0.95 × overcommit 1)',
    );
    assert.ok((await rig.figure('corral_agent_launches_refused_total{short="bandwidth"}')) >= 1);
  });

  it('is a loop for the brake when it happens again and again', async () => {
    const rule = { failures: 3, withinMs: 3_600_000, cycles: 2 };
    const counted = async (): Promise<number> => {
      const records = (await failed()).map(({ record }) => record);
      const [loop] = loopsIn(records, rule, { nowMs: clock.now(), sinceMs: () => 0 });
      assert.ok(loop === undefined || (loop.app === '/late' && loop.last.short === 'bandwidth'));
      return loop?.count ?? 0;
    };
    for (let times = 0; times < 3; times += 1)
      assert.equal((await run(...asks('/late', 1))).code, 125);
    await until(async () => (await counted()) >= 3, 'three failures are told');
  });

  it('goes on where somebody insisted on limits beyond the link', async () => {
    const asked = { node: NODE, addresses: [address], who: 'alice', by: 'cli' } as const;
    const wish = { netInKbit: 1_000_000, force: true };
    await editLimits(rig.store, { ...asked, wish }, { clock, random: () => '1', signal: soon() });
    await until(async () => {
      const { code, out } = await run(...asks('/insisted', 1));
      if (code === 0) await rig.dockerd.remove(out.trim());
      return code === 0;
    }, 'containers start');
  });

  it('starts containers again once one has ended', async () => {
    await rig.dockerd.remove(big);
    await until(async () => (await run(...asks('/late', 1))).code === 0, 'it starts');
  });
});
