import process from 'node:process';
import { openEmbeddedStore } from '../../src/ledger/embedded/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';

/**
 * Commits as fast as it can until it is killed: `embedded-writer.ts <directory> <run>`. Each of 32 writers
 * moves its pair of keys on together, and tells every commit that was acknowledged.
 */
const [directory = '', run = ''] = process.argv.slice(2);
const never = new AbortController().signal;
const store = await openEmbeddedStore({ directory, clock: systemClock, log: silentLog });

async function write(writer: number): Promise<void> {
  for (let n = 0; ; n += 1) {
    const value = `${run} ${n}`;
    const names = [`/pair/${writer}/left`, `/pair/${writer}/right`, `/all/${run}/${writer}/${n}`];
    const writes = names.map((put) => ({ put, value }));
    const { revision } = await store.commit({ guards: [], writes }, never);
    process.stdout.write(`${writer} ${n} ${revision}\n`);
  }
}

await Promise.all(Array.from({ length: 32 }, (_, writer) => write(writer)));
