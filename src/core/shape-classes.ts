import { UnreadableKernel } from './shape-errors.ts';
import { type Fields, objectsIn, textAt } from './shape-json.ts';
import { minorOf, TREE_HANDLE } from './shape-qdiscs.ts';
import type { SeenClass } from './shape-seen.ts';

const COMMAND = 'tc -j -d class show';
const BITS_IN: ReadonlyMap<string, number> = new Map(
  ['bit', 'Kbit', 'Mbit', 'Gbit', 'Tbit'].map((unit, step) => [unit, 1000 ** step]),
);
const BYTES_IN: ReadonlyMap<string, number> = new Map(
  ['b', 'Kb', 'Mb', 'Gb'].map((unit, step) => [unit, 1024 ** step]),
);
const OUR_CLASS = new RegExp(`^class htb ${TREE_HANDLE}`);

/** As shown; the leaf is known from the qdiscs. */
export type ShownClass = Omit<SeenClass, 'leaf'>;

/** What one interface with a root of ours answered. */
export interface ShownTree {
  readonly classes: ReadonlyMap<number, ShownClass>;
  /** JSON of the filters at its root. */
  readonly filters: string;
}

/**
 * Classes and filters of several interfaces. tc prints HTB's classes as text even when asked for JSON,
 * and does not name the interface: the one line of JSON for its filters ends each block.
 *
 * @param output      of `class show dev X` and `filter show dev X parent c0a1:` for each, in turn
 * @param interfaces  those that the kernel answered for
 * @throws UnreadableKernel
 */
export function parseTrees(
  output: string,
  interfaces: readonly string[],
): ReadonlyMap<string, ShownTree> {
  const lines = output.split('\n');
  const json = lines.filter((line) => line.startsWith('['));
  const trees =
    interfaces.length > 0 && json.length === 2 * interfaces.length
      ? treesInJson(json)
      : treesInText(lines);
  if (trees.length !== interfaces.length)
    throw new UnreadableKernel(
      COMMAND,
      `${interfaces.length} interfaces were asked for, ${trees.length} answered`,
    );
  return new Map(interfaces.map((name, at) => [name, trees[at] ?? NONE]));
}

function treesInText(lines: readonly string[]): readonly ShownTree[] {
  const trees: ShownTree[] = [];
  let classes = new Map<number, ShownClass>();
  for (const line of lines) {
    if (OUR_CLASS.test(line)) classes.set(...readClass(line));
    if (!line.startsWith('[')) continue;
    trees.push({ classes, filters: line });
    classes = new Map();
  }
  return trees;
}

/** iproute2 after 6.6 prints classes as JSON too: rates in bytes a second. */
function treesInJson(json: readonly string[]): readonly ShownTree[] {
  return json.flatMap((line, at) => {
    if (at % 2 === 0) return [];
    const shown = objectsIn(json[at - 1] ?? '[]', COMMAND).filter(
      (fields) => fields['class'] === 'htb',
    );
    return [{ classes: new Map(shown.map(classIn)), filters: line }];
  });
}

function classIn(fields: Fields): [number, ShownClass] {
  const word = (key: string, unit: string, times: number): string | undefined => {
    const value = fields[key];
    return typeof value === 'number' ? `${value * times}${unit}` : textAt(fields, key);
  };
  const handle = textAt(fields, 'handle') ?? '';
  return shownClass(handle, JSON.stringify(fields), (key) => {
    if (key === 'rate' || key === 'ceil') return word(key, 'bit', 8);
    return key === 'quantum' ? word(key, '', 1) : word(key, 'b', 1);
  });
}

const NONE: ShownTree = { classes: new Map(), filters: '[]' };

/** class htb c0a1:5 parent c0a1:ffff leaf 8001: prio 0 quantum 3036 rate 1Mbit ... */
function readClass(line: string): [number, ShownClass] {
  const words = line.trim().split(/\s+/);
  return shownClass(words[2] ?? '', line.trim(), (word) => {
    const at = words.indexOf(word);
    return at < 0 ? undefined : words[at + 1];
  });
}

function shownClass(
  handle: string,
  said: string,
  after: (word: string) => string | undefined,
): [number, ShownClass] {
  const minor = minorOf(handle);
  const [rateKbit, ceilKbit] = [kbitOf(after('rate')), kbitOf(after('ceil'))];
  const [burstBytes, ceilBurstBytes] = [bytesOf(after('burst')), bytesOf(after('cburst'))];
  if (minor === undefined || !rateKbit || !ceilKbit || !burstBytes || !ceilBurstBytes)
    throw new UnreadableKernel(COMMAND, `"${said.slice(0, 200)}"`);
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
