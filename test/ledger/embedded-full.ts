import process from 'node:process';
import { openEmbeddedStore } from '../../src/ledger/embedded/store.ts';
import { LedgerUnusable } from '../../src/ledger/errors.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';

/** Commits until the disk (a limit on the size of files) takes no more; tells what happened as JSON. */
process.on('SIGXFSZ', () => undefined);
const [directory = ''] = process.argv.slice(2);
const never = new AbortController().signal;
const store = await openEmbeddedStore({ directory, clock: systemClock, log: silentLog });
const faults: string[] = [];
let acknowledged = 0;
for (let n = 0; n < 1_000 && faults.length < 2; n += 1) {
  const writes = [{ put: `/${n}`, value: 'x'.repeat(10_000) }];
  await store.commit({ guards: [], writes }, never).then(
    () => (acknowledged += 1),
    (fault: unknown) => faults.push(fault instanceof LedgerUnusable ? fault.code : String(fault)),
  );
}
process.stdout.write(JSON.stringify({ acknowledged, faults }));
process.exit();
