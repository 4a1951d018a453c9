import process from 'node:process';
import { keepHeapTight } from '../../src/plumbing/heap.ts';

/** Holds some MB, and again and again makes and drops what lives long enough to become old. Prints the most, MB. */
if (process.argv[2] === 'tight') keepHeapTight();
const megabyte = (): readonly string[] =>
  Array.from({ length: 16_384 }, (_, at) => `${at} ${'x'.repeat(32)}`.slice(1));
const held = Array.from({ length: 16 }, megabyte);
const young: (readonly string[])[] = [];
let most = 0;
for (let turn = 0; turn < 200; turn++) {
  young[turn % 32] = megabyte();
  most = Math.max(most, process.memoryUsage().heapUsed);
}
console.log(held.length > 0 ? Math.round(most / 1_000_000) : 0);
