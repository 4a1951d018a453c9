import process from 'node:process';
import { startGate } from './forward-rig.ts';

/** A gate in a process of its own, so that its memory can be told from that of the test. */
const [upstream = ''] = process.argv.slice(2);
const gate = await startGate([new URL(upstream)]);
process.stdout.write(`${gate.port}\n`);
