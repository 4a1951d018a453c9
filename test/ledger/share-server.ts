import process from 'node:process';
import { shareStore } from '../../src/ledger/embedded/share.ts';
import { openEmbeddedStore } from '../../src/ledger/embedded/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';

/** A process that owns the files and serves them: `share-server.ts <directory> <socket> <revisions kept>`. */
const [directory = '', socket = '', revisions = ''] = process.argv.slice(2);
const deps = { clock: systemClock, log: silentLog };
const store = await openEmbeddedStore({
  directory,
  ...deps,
  keep: { revisions: Number(revisions) },
});
await shareStore(store, socket, deps);
process.stdout.write('ready\n');
