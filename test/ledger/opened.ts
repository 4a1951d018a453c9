import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { readNetwork, readNode, readPool } from '../../src/core/topology-read.ts';
import { openEmbeddedStore } from '../../src/ledger/embedded/store.ts';
import { keys } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import type { Store, Write } from '../../src/ledger/store.ts';
import type { Clock } from '../../src/plumbing/clock.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';

/** A ledger of its own for one test, gone with it. */
export async function opened(t: { after: TestContext['after'] }): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), 'corral-ledger-'));
  const store = await openEmbeddedStore({ directory, clock: systemClock, log: silentLog });
  t.after(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });
  return store;
}

/** Time that stands still until it is moved; sleeping takes none. */
export class HandClock implements Clock {
  constructor(public ms = 1_700_000_000_000) {}
  now = (): number => this.ms;
  sleep = (_ms: number, signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    return new Promise((resolve) => setImmediate(resolve));
  };
}

/** Bounds what would hang: on a machine that stalls everything takes its time. */
export const patience = (): AbortSignal => AbortSignal.timeout(180_000);

type Raw = Readonly<Record<string, unknown>>;

/** Writes a topology without judging it. */
export async function lay(
  store: Store,
  { pools = {}, networks = {}, nodes = {} }: { pools?: Raw; networks?: Raw; nodes?: Raw },
): Promise<void> {
  const writes: Write[] = [
    ...Object.entries(pools).map(([name, raw]) => ({
      put: keys.pool(name),
      value: records.pool.encode(readPool(name, raw)),
    })),
    ...Object.entries(networks).map(([name, raw]) => ({
      put: keys.network(name),
      value: records.network.encode(readNetwork(name, raw)),
    })),
    ...Object.entries(nodes).map(([name, raw]) => ({
      put: keys.node(name),
      value: records.node.encode(readNode(name, raw)),
    })),
  ];
  await store.commit({ guards: [], writes }, patience());
}
