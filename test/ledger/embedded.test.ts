import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openEmbeddedStore } from '../../src/ledger/embedded/store.ts';
import type { EmbeddedStore } from '../../src/ledger/embedded/store.ts';
import { LedgerClosed } from '../../src/ledger/errors.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { storeContract } from '../contract/store.ts';
import type { Store } from '../../src/ledger/store.ts';

const never = new AbortController().signal;
const directories: string[] = [];
after(() => directories.forEach((directory) => rmSync(directory, { recursive: true })));

const KEPT = 6_000;
/** One process has one client, which is the store itself. */
let current: EmbeddedStore | undefined;

async function open(): Promise<Store> {
  const isOpen = await current?.range({ prefix: '', limit: 1 }, never).then(
    () => true,
    (fault: unknown) => !(fault instanceof LedgerClosed),
  );
  if (current && isOpen) return current;
  const directory = mkdtempSync(join(tmpdir(), 'corral-embedded-'));
  directories.push(directory);
  const keep = { revisions: KEPT };
  current = await openEmbeddedStore({ directory, clock: systemClock, log: silentLog, keep });
  return current;
}

/** There is no call for it: history goes when it is over the bound. */
async function compact(store: Store): Promise<void> {
  const writes = [{ put: '/filler', value: '' }];
  const fill = Array.from({ length: KEPT + 1_000 }, () =>
    store.commit({ guards: [], writes }, never),
  );
  await Promise.all(fill);
}

storeContract({ name: 'embedded', open, compact });
