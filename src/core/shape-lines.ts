import { hashOf, REDIRECT_PREF, TABLES } from './shape-filters.ts';
import { SPLIT_RATE_GBIT, TREE_HANDLE } from './shape-qdiscs.ts';
import type { ShapeStep } from './shape-step.ts';
import { type ClassShape, DOOMED_GROUP, type Leaf } from './shape.ts';

/** Which of the two programs carries a step out. */
export type Tool = 'ip' | 'tc';

export interface Command {
  readonly tool: Tool;
  /** Lines of a batch; each is a list of words without blanks, quotes or `#`. */
  readonly lines: readonly string[];
}

type Lines = {
  [K in ShapeStep['do']]: (step: Extract<ShapeStep, { do: K }>) => readonly string[];
};

/**
 * Below IPv6's least MTU a device gets none of IPv6: 500 ifbs come up in 59 ms instead of 283 (every
 * route of a device makes the next one's dearer). Nothing is cut to it: redirected packets are not routed.
 */
const IFB_MTU = 1279;

const hex = (minor: number): string => minor.toString(16);
const classId = (minor: number): string => `${TREE_HANDLE}${hex(minor)}`;

/** One entry per step: a new step without a command does not compile. */
const LINES: Lines = {
  'make-ifb': ({ link }) => [
    `link add name ${link} mtu ${IFB_MTU} up numtxqueues 1 numrxqueues 1 type ifb`,
  ],
  'raise-ifb': ({ link }) => [`link set dev ${link} group default up`],
  'drop-ifb': ({ link }) => [`link del dev ${link}`],
  'doom-ifb': ({ link }) => [`link set dev ${link} group ${DOOMED_GROUP}`],
  'drop-doomed': () => [`link del group ${DOOMED_GROUP}`],
  'set-root': ({ link, defaultMinor }) => [
    `qdisc add dev ${link} root handle ${TREE_HANDLE} htb default ${hex(defaultMinor)}`,
  ],
  'drop-root': ({ link }) => [`qdisc del dev ${link} root`],
  'set-class': ({ link, minor, shape }) => [
    `class replace dev ${link} parent ${above(shape)} classid ${classId(minor)} htb ${bucket(shape)}`,
  ],
  'drop-class': ({ link, minor }) => [`class del dev ${link} classid ${classId(minor)}`],
  'set-leaf': ({ link, minor, leaf }) => [
    `qdisc replace dev ${link} parent ${classId(minor)} ${leafWords(leaf)}`,
  ],
  'make-table': ({ link, table, searchBy }) => {
    const place = `${filterAt(link, TABLES[table])} u32`;
    const hash = `${hashOf(table)}:`;
    const key = `hashkey mask 0x000000ff at ${TABLES[table][searchBy]}`;
    return [
      place.replace(' u32', ` handle ${hash} u32 divisor 256`),
      `${place} match u32 0 0 ${key} link ${hash}`,
    ];
  },
  'drop-table': ({ link, table }) => [
    `filter del dev ${link} parent ${TREE_HANDLE} pref ${TABLES[table].pref}`,
  ],
  sort: ({ link, sorting: { table, bucket: at, from, minor } }) => {
    const hash = table === 'any' ? '' : `ht ${hashOf(table)}:${hex(at)}: `;
    const rule = `match u32 0 0 indev ${from} flowid ${classId(minor)}`;
    return [`${filterAt(link, TABLES[table])} u32 ${hash}${rule}`];
  },
  unsort: ({ link, table, handle }) => {
    const { pref, protocol } = TABLES[table];
    const place = `parent ${TREE_HANDLE} protocol ${protocol} pref ${pref}`;
    return [`filter del dev ${link} ${place} handle ${handle} u32`];
  },
  hook: ({ link }) => [`qdisc add dev ${link} clsact`],
  unhook: ({ link, kind }) => [`qdisc del dev ${link} ${kind}`],
  redirect: ({ link, hook, to, replaces }) => {
    const [verb, handle] =
      replaces === undefined ? ['add', ''] : ['replace', `handle ${replaces} `];
    const place = `filter ${verb} dev ${link} ${hook} protocol all pref ${REDIRECT_PREF[hook]}`;
    return [`${place} ${handle}u32 match u32 0 0 action mirred egress redirect dev ${to}`];
  },
  'drop-filters': ({ link, hook, pref }) => [`filter del dev ${link} ${hook} pref ${pref}`],
};

const above = ({ parent }: ClassShape): string =>
  parent === undefined ? TREE_HANDLE : classId(parent);

const bucket = ({ rateKbit, ceilKbit, burstBytes, quantumBytes }: ClassShape): string =>
  `rate ${rateKbit}kbit ceil ${ceilKbit}kbit burst ${burstBytes} cburst ${burstBytes} quantum ${quantumBytes}`;

/** A tbf of 100 Gbit/s and a bucket of a microsecond holds 12 kB: what is larger is cut in frames. */
const SPLIT = `tbf rate ${SPLIT_RATE_GBIT}gbit burst 12500`;

function leafWords(leaf: Leaf): string {
  switch (leaf.kind) {
    case 'split':
      return `${SPLIT} limit ${leaf.limitBytes}`;
    case 'bfifo':
      return `bfifo limit ${leaf.limitBytes}`;
    case 'fq_codel':
      return `fq_codel limit ${leaf.limitPackets} target ${leaf.targetUs}us quantum ${leaf.quantumBytes}`;
  }
}

const filterAt = (link: string, { pref, protocol }: { pref: number; protocol: string }): string =>
  `filter add dev ${link} parent ${TREE_HANDLE} protocol ${protocol} pref ${pref}`;

const OF_LINKS: ReadonlySet<ShapeStep['do']> = new Set([
  'make-ifb',
  'raise-ifb',
  'drop-ifb',
  'doom-ifb',
  'drop-doomed',
]);

/** The lines that carry a step out. */
export function commandOf(step: ShapeStep): Command {
  const lines = (LINES[step.do] as (one: ShapeStep) => readonly string[])(step);
  return { tool: OF_LINKS.has(step.do) ? 'ip' : 'tc', lines };
}
