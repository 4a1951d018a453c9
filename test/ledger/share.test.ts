import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before } from 'node:test';
import { connectStore } from '../../src/ledger/embedded/remote.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { storeContract } from '../contract/store.ts';
import { CuttingProxy } from '../fakes/etcd-proxy.ts';

const never = new AbortController().signal;
const KEPT = 6_000;
const place = mkdtempSync(join(tmpdir(), 'corral-share-'));
const socket = join(place, 'ledger.sock');
const cutSocket = join(place, 'cut.sock');
let server: ChildProcess;
let wire: CuttingProxy;

async function start(): Promise<void> {
  const script = join(import.meta.dirname, 'share-server.ts');
  const argv = ['--import', 'tsx', script, join(place, 'files'), socket, String(KEPT)];
  server = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(server.stdout as NodeJS.ReadableStream, 'data');
}

async function kill(): Promise<void> {
  const exited = once(server, 'exit');
  server.kill('SIGKILL');
  await exited;
}

before(async () => {
  await start();
  wire = await CuttingProxy.to(socket, cutSocket);
});
after(async () => {
  await wire.close();
  await kill();
  rmSync(place, { recursive: true });
});

storeContract({
  name: 'shared embedded',
  open: (callWithinMs) =>
    connectStore(cutSocket, { clock: systemClock, log: silentLog, callWithinMs }),
  compact: async (store: Store) => {
    const writes = [{ put: '/filler', value: '' }];
    const fill = async () => {
      for (let n = 0; n < (KEPT + 1_000) / 50; n += 1)
        await store.commit({ guards: [], writes }, never);
    };
    await Promise.all(Array.from({ length: 50 }, fill));
  },
  restart: async () => {
    await kill();
    await start();
  },
  cut: () => wire.cut(),
  cutAfter: (bytes) => {
    const before = wire.cuts;
    wire.cutAfter(bytes);
    return () => wire.cuts - before;
  },
  hang: () => {
    server.kill('SIGSTOP');
    return { wake: () => server.kill('SIGCONT') };
  },
  ownersDie: true,
});
