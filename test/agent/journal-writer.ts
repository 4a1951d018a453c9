import process from 'node:process';
import { openJournal } from '../../src/agent/journal.ts';
import { silentLog } from '../../src/plumbing/log.ts';

/** Adds and settles for ever; says each thing once it is acknowledged. Told to die by SIGKILL. */
const [directory = '', first = '0'] = process.argv.slice(2);
const journal = await openJournal(directory, { log: silentLog });
const say = (text: string): void => void process.stdout.write(`${text}\n`);
say(`open ${journal.pending().length}`);
for (let n = Number(first); ; n += 1) {
  const entry = { address: `10.0.${n >> 8}.${n & 255}`, incarnation: `i${n}`, atMs: n };
  await journal.add(entry);
  say(`added ${n}`);
  if (n % 3 !== 0) continue;
  say(`settling ${n}`);
  await journal.settle(entry);
}
