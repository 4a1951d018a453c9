import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import { keys } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { EtcdCluster } from '../fakes/etcd.ts';
import { bearing, smallTopology, startTestCluster } from '../gate/cluster.ts';
import { type GateProcess, startGateProcess } from '../gate/gate-process.ts';
import { patience } from '../ledger/opened.ts';
import { at } from './ledger.ts';
import { type Receiver, startReceiver } from './receiver.ts';

export async function until(
  holds: () => Promise<boolean>,
  what: string,
  withinMs = 180_000,
): Promise<void> {
  for (const late = performance.now() + withinMs; !(await bearing(holds)); await wait(20))
    if (performance.now() > late) throw new Error(`waited in vain until ${what}`);
}

export interface Stage {
  readonly store: Store;
  readonly receiver: Receiver;
  /** Of the files. */
  readonly directory: string;
  /** Starts `corral gate`. */
  start(): Promise<GateProcess>;
}

export interface Staging {
  readonly name: string;
  /** In UTC. */
  readonly cron: string;
  /** Nobody has attended to it for years, so that a report is owed at once. */
  readonly isOwed: boolean;
  readonly answer: (res: ServerResponse, nth: number) => void;
}

/** One schedule with a file and a webhook, on a real etcd, for gate processes to attend to. */
export async function staged(
  staging: Staging,
  use: (stage: Stage) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'corral-reports-'));
  const etcd = await EtcdCluster.start();
  const store = openEtcdStore({ hosts: etcd.urls, clock: systemClock, log: silentLog });
  const cluster = await startTestCluster({ topology: smallTopology(), store });
  const receiver = await startReceiver(staging.answer);
  const config = join(directory, 'corral.yaml');
  const gates: GateProcess[] = [];
  try {
    await writeFile(config, JSON.stringify({ report: reportOf(staging, directory, receiver) }));
    if (staging.isOwed) await owe(store, staging);
    process.env['HOOK_SECRET'] = 'of the test';
    const settings = {
      GATE_MARATHON: cluster.sim.marathonUrls.join(','),
      GATE_MESOS: cluster.sim.mesosUrls.join(','),
      LEDGER_KIND: 'etcd',
      LEDGER_HOSTS: etcd.urls.join(','),
    };
    const start = async (): Promise<GateProcess> => {
      const gate = await startGateProcess({ settings, config });
      gates.push(gate);
      return gate;
    };
    await use({ store, receiver, directory: join(directory, 'files'), start });
  } finally {
    delete process.env['HOOK_SECRET'];
    await Promise.all(gates.map((gate) => gate.kill()));
    await receiver.close();
    await cluster.stop();
    await store.close();
    await etcd.stop();
    await rm(directory, { recursive: true });
  }
}

function reportOf({ name, cron }: Staging, directory: string, { url }: Receiver): object {
  const schedule = { name, cron, timezone: 'UTC', directory: join(directory, 'files') };
  const webhooks = [{ name: 'chat', url, secretEnv: 'HOOK_SECRET' }];
  return { schedules: [{ ...schedule, formats: ['csv'], webhooks }], webhookBackoffMs: 500 };
}

async function owe(store: Store, { name, cron }: Staging): Promise<void> {
  const state = records.reportSchedule.encode({
    ...{ v: 1, cron, timezone: 'UTC' },
    lastDueMs: at('2020-01-01T06:00:00Z'),
  });
  const writes = [{ put: keys.reportSchedule(name), value: state }];
  await store.commit({ guards: [], writes }, patience());
}
