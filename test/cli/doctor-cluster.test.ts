import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import type { MesosTraits } from '../../src/sim/mesos/traits.ts';
import { EtcdCluster } from '../fakes/etcd.ts';
import { startTestCluster, type TestCluster } from '../gate/cluster.ts';
import { openSim } from '../sim/stage.ts';

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `corral doctor --cluster`, as an operator runs it. */
const doctor = (settings: Readonly<Record<string, string>>, ...more: string[]): Promise<Ended> => {
  const named = Object.entries(settings).map(([name, value]) => [`CORRAL_${name}`, value]);
  const env = { ...process.env, ...(Object.fromEntries(named) as Record<string, string>) };
  const argv = ['--import', 'tsx', 'src/cli/main.ts', 'doctor', '--cluster', ...more];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, argv, { env, timeout: 180_000 }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
};

/** The words behind the names, line by line. */
const told = ({ out }: Ended): Record<string, string> =>
  Object.fromEntries(
    out
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/)),
  );

describe('corral doctor --cluster', { timeout: 400_000 }, () => {
  let etcd: EtcdCluster;
  let store: Store;
  let ledger: Record<string, string>;
  before(async () => {
    etcd = await EtcdCluster.start(1);
    store = openEtcdStore({ hosts: etcd.urls, clock: systemClock, log: silentLog });
    ledger = { LEDGER_KIND: 'etcd', LEDGER_HOSTS: etcd.urls.join(',') };
  });
  after(async () => {
    await store.close();
    await etcd.stop();
  });

  it('names the fence in force, and the gate that keeps it', async () => {
    const cluster: TestCluster = await startTestCluster({
      ...{ store, settings: { fence: { mode: 'on' } } },
    });
    try {
      const settings = { ...ledger, GATE_MESOS: cluster.sim.mesosUrls.join(','), FENCE_MODE: 'on' };
      await cluster.until(() => cluster.gate.fence?.state().force !== undefined, 'it leads');
      const ended = await doctor(settings, '--json');
      assert.equal(ended.code, 0, ended.err);
      assert.deepEqual(JSON.parse(ended.out), {
        ...{ mode: 'on', leader: 'a gate', mesos: '1.11.0', fence: 'by deactivating agents' },
        ...{ why: 'Mesos 1.11.0 can deactivate an agent', isAble: true },
      });
    } finally {
      await cluster.stop();
    }
  });

  for (const { says, traits = {}, settings, fence, why } of [
    {
      says: 'says when no gate is at work',
      settings: { FENCE_MODE: 'on' },
      fence: 'by deactivating agents, not in force: no gate is at work',
      why: /^Mesos 1\.11\.0 can deactivate an agent$/,
    },
    {
      says: 'says when it only watches',
      settings: { FENCE_MODE: 'watch' },
      fence: 'by deactivating agents, not in force: fence.mode is watch',
      why: /^Mesos 1\.11\.0/,
    },
    {
      says: 'names the token on Mesos 1.9',
      traits: { version: '1.9.0', token: 'fence_ok' },
      settings: { FENCE_MODE: 'on', FENCE_TOKEN: 'fence_ok' },
      fence: 'by reserving their token, not in force: no gate is at work',
      why: /safe from Mesos 1\.10 on; this is 1\.9\.0; .*"fence_ok" is taken$/,
    },
    {
      says: 'says what an old Mesos lacks for the token',
      traits: { version: '1.8.1' },
      settings: { FENCE_MODE: 'on', FENCE_TOKEN: 'fence_ok' },
      fence: 'none: constraints only',
      why: /the master has no --min_allocatable_resources$/,
    },
    {
      says: 'says that an ancient Mesos has no fence at all',
      traits: { version: '1.6.2' },
      settings: { FENCE_MODE: 'on', FENCE_TOKEN: 'fence_ok' },
      fence: 'none: constraints only',
      why: /^Mesos 1\.6\.2 has no call .*only constraints keep launches away$/,
    },
  ] as readonly {
    says: string;
    traits?: Partial<MesosTraits>;
    settings: Record<string, string>;
    fence: string;
    why: RegExp;
  }[])
    it(says, async (t) => {
      const { sim, mesosUrl } = await openSim({ mesosTraits: traits });
      t.after(() => sim.stop());
      const ended = await doctor({ ...ledger, ...settings, GATE_MESOS: mesosUrl });
      assert.equal(ended.code, 0, ended.err);
      const words = told(ended);
      assert.equal(words['leader'], 'nobody');
      assert.equal(words['fence'], fence);
      assert.match(words['why'] ?? '', why);
    });

  it('ends with a fault that tells the way out where there is no Mesos to ask', async () => {
    const ended = await doctor(ledger);
    assert.notEqual(ended.code, 0);
    assert.match(ended.err, /no Mesos master is configured.*name the masters in gate\.mesos/s);
  });
});
