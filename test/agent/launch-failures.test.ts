import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { EngineContainer, Summary } from '../../src/agent/docker/engine-translate.ts';
import { failuresPart } from '../../src/agent/failures-part.ts';
import { LaunchFailures } from '../../src/agent/launch-failures.ts';
import { factName } from '../../src/core/container-facts.ts';
import { FailureLog } from '../../src/ledger/failure-log.ts';
import { listFailures } from '../../src/ledger/failures.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { IMAGE } from '../fakes/dockerd.ts';
import { HandClock, opened } from '../ledger/opened.ts';
import { NODE, Rig, soon } from './rig.ts';

const POOLS = {
  one: { cidr: '10.87.0.0/24', ranges: ['10.87.0.16-10.87.0.17'], gateway: '10.87.0.1' },
};
const factNames = {
  rates: { in: 'net_in', out: 'net_out' },
  app: [factName('env:MARATHON_APP_ID')],
  task: [factName('env:MESOS_TASK_ID'), factName('label:MESOS_TASK_ID')],
};

it('is told with its app, though this process stood still while it looked', async (t) => {
  const clock = new HandClock();
  const store = await opened(t);
  const refused = { atMs: clock.ms, network: 'prod', short: 'address', why: 'none left' } as const;
  let hasSaid = false;
  const engine = {
    unstarted: () => {
      clock.ms += 6_000;
      return Promise.resolve([{ id: 'c1', createdMs: refused.atMs }] as unknown as Summary[]);
    },
    container: () =>
      Promise.resolve({
        ...{ id: 'c1', env: new Map([['MARATHON_APP_ID', '/slow']]), labels: {} },
        ...(hasSaid && { fault: 'IpamDriver.RequestAddress: none left' }),
      } as unknown as EngineContainer),
  };
  const failures = new FailureLog(store);
  const deps = { engine, failures, node: NODE, factNames, clock, log: silentLog };
  const launches = new LaunchFailures(deps);
  launches.refused(refused);
  await launches.turn(soon());
  hasSaid = true; // Docker writes it a moment after it was refused
  await launches.turn(soon());
  const told = (await listFailures(store, { limit: 10 }, soon())).failures;
  assert.deepEqual(
    told.map(({ record }) => record.app),
    ['/slow'],
  );
});

describe('a launch that gets no address, on a real dockerd and etcd', () => {
  let rig: Rig;
  before(async () => {
    rig = await Rig.start({ pools: POOLS, parts: [failuresPart({ factNames })] });
    await rig.made('lan', '10.87.0.0/24');
    await Promise.all([rig.dockerd.run('lan'), rig.dockerd.run('lan')]);
  });
  after(() => rig.stop());

  const fails = async (...options: readonly string[]) => {
    const ended = await rig.dockerd.docker('run', '-d', '--net', 'lan', ...options, IMAGE, 'true');
    assert.equal(ended.code, 125, ended.err);
  };
  const listed = async () =>
    (await listFailures(rig.store, { limit: 100 }, soon())).failures.map(({ record }) => record);
  /** Failures told so far, by app. */
  const told = async () => {
    const sums: Record<string, number> = {};
    for (const { app = 'nobody', count } of await listed()) sums[app] = (sums[app] ?? 0) + count;
    return sums;
  };
  const tells = async (wanted: Record<string, number>): Promise<void> => {
    const late = soon();
    for (let seen = await told(); !isDeepStrictEqual(seen, wanted); seen = await told()) {
      if (late.aborted) assert.deepEqual(seen, wanted);
      await clock.sleep(50, soon());
    }
  };

  it('is told in the ledger with its app, its task and the figures', async () => {
    await fails('-e', 'MARATHON_APP_ID=/shop/web', '-e', 'MESOS_TASK_ID=shop_web.1');
    await tells({ '/shop/web': 1 });
    const [record] = await listed();
    assert.deepEqual(
      [record?.node, record?.network, record?.short, record?.task],
      [NODE, 'prod', 'address', 'shop_web.1'],
    );
    assert.match(record?.why ?? '', /pool "one" has 2 addresses: 2 held/);
    assert.match(record?.container ?? '', /^[0-9a-f]{64}$/);
    assert.equal(await rig.figure('corral_agent_launches_refused_total{short="address"}'), 1);
  });

  it('is told once each, of whom it is, where several fail at the same time', async () => {
    await Promise.all(
      ['/a', '/b', '/a', '/b', '/a'].map((app) => fails('-e', `MARATHON_APP_ID=${app}`)),
    );
    await tells({ '/a': 3, '/b': 2, '/shop/web': 1 });
    await clock.sleep(2_500, soon()); // two turns later nothing is told twice
    assert.deepEqual(await told(), { '/a': 3, '/b': 2, '/shop/web': 1 });
  });

  it('is told of nobody where the container is gone or says nothing usable', async () => {
    await fails('--rm', '-e', 'MARATHON_APP_ID=/gone');
    await fails('-e', 'MARATHON_APP_ID=no id');
    await tells({ nobody: 2, '/a': 3, '/b': 2, '/shop/web': 1 });
  });

  it('is not told of an address that was asked for by name', async () => {
    await fails('--ip', '10.87.0.16', '-e', 'MARATHON_APP_ID=/named');
    await clock.sleep(2_500, soon());
    assert.equal((await told())['/named'], undefined);
  });
});
