import { UnreadableKernel } from './shape-errors.ts';
import { minorOf, TREE_HANDLE } from './shape-qdiscs.ts';
import type { SeenClass } from './shape-seen.ts';

const COMMAND = 'tc -d class show';
const BITS_IN: ReadonlyMap<string, number> = new Map(
  ['bit', 'Kbit', 'Mbit', 'Gbit', 'Tbit'].map((unit, step) => [unit, 1000 ** step]),
);
const BYTES_IN: ReadonlyMap<string, number> = new Map(
  ['b', 'Kb', 'Mb', 'Gb'].map((unit, step) => [unit, 1024 ** step]),
);
const OUR_ROOT = new RegExp(`^qdisc htb ${TREE_HANDLE}\\S* root `);
const OUR_CLASS = new RegExp(`^class htb ${TREE_HANDLE}`);

/** As shown; the leaf is known from the qdiscs. */
export type ShownClass = Omit<SeenClass, 'leaf'>;

/**
 * Classes of several interfaces. tc prints HTB's as text even when asked for JSON, and does not name
 * the interface: each block starts with the line of its root qdisc.
 *
 * @param output      of `qdisc show dev X` and `class show dev X` for each interface, in turn
 * @param interfaces  those that the kernel answered for; each has a root of ours
 * @throws UnreadableKernel
 */
export function parseClasses(
  output: string,
  interfaces: readonly string[],
): ReadonlyMap<string, ReadonlyMap<number, ShownClass>> {
  const blocks: Map<number, ShownClass>[] = [];
  for (const line of output.split('\n')) {
    if (OUR_ROOT.test(line)) blocks.push(new Map());
    if (!OUR_CLASS.test(line)) continue;
    const [minor, shown] = readClass(line);
    blocks.at(-1)?.set(minor, shown);
  }
  if (blocks.length !== interfaces.length)
    throw new UnreadableKernel(
      COMMAND,
      `${interfaces.length} interfaces were asked for, ${blocks.length} have a root of ours`,
    );
  return new Map(interfaces.map((name, at) => [name, blocks[at] ?? new Map<number, ShownClass>()]));
}

/** class htb c0a1:5 parent c0a1:ffff leaf 8001: prio 0 quantum 3036 rate 1Mbit ... */
function readClass(line: string): [number, ShownClass] {
  const words = line.trim().split(/\s+/);
  const after = (word: string): string | undefined => {
    const at = words.indexOf(word);
    return at < 0 ? undefined : words[at + 1];
  };
  const minor = minorOf(words[2] ?? '');
  const [rateKbit, ceilKbit] = [kbitOf(after('rate')), kbitOf(after('ceil'))];
  const [burstBytes, ceilBurstBytes] = [bytesOf(after('burst')), bytesOf(after('cburst'))];
  if (minor === undefined || !rateKbit || !ceilKbit || !burstBytes || !ceilBurstBytes)
    throw new UnreadableKernel(COMMAND, `"${line.trim().slice(0, 200)}"`);
  const parent = minorOf(after('parent') ?? '');
  const quantum = Number(after('quantum'));
  return [
    minor,
    {
      ...(parent === undefined ? {} : { parent }),
      rateKbit,
      ceilKbit,
      burstBytes,
      ceilBurstBytes,
      ...(Number.isFinite(quantum) ? { quantumBytes: quantum } : {}),
    },
  ];
}

const kbitOf = (word: string | undefined): number | undefined => scaled(word, BITS_IN, 1000);
/** `67012b`, or with a cell size: `67012b/1` */
const bytesOf = (word: string | undefined): number | undefined =>
  scaled(word?.replace(/\/\d+$/, ''), BYTES_IN, 1);

function scaled(
  word: string | undefined,
  units: ReadonlyMap<string, number>,
  per: number,
): number | undefined {
  const [, figure, unit = ''] = /^(\d+(?:\.\d+)?)([A-Za-z]+)$/.exec(word ?? '') ?? [];
  const times = units.get(unit);
  return figure === undefined || times === undefined ? undefined : (Number(figure) * times) / per;
}
