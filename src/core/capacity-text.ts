import { fullestNodes } from './capacity-change.ts';
import type { CapacityReport, CapacityRow, Figure, RowKind } from './capacity-record.ts';
import { formatRate } from './rate.ts';
import { table } from './table.ts';

/** Nodes that the text names; the other forms have all. */
const MOST_NODES = 50;

interface Column {
  readonly head: string;
  readonly cell: (row: CapacityRow) => string | number;
}

const signed = (by: number): string => (by > 0 ? `+${by}` : String(by));

/** `12`, or `12 (+3)` where that changed. */
const figure = (head: string, of: Figure): Column => ({
  head,
  cell: ({ figures, change }) => {
    const count = figures[of];
    if (count === undefined) return '-';
    const by = change?.[of];
    return by === undefined ? count : `${count} (${signed(by)})`;
  },
});

const plain = (head: string, of: Figure): Column => ({
  head,
  cell: ({ figures }) => figures[of] ?? '-',
});

/** `3 Gbit/s of 9.5 Gbit/s` where there is a link, else the rate alone. */
const rate = (
  head: string,
  [given, promised, capacity]: readonly [Figure, Figure, Figure],
): Column => ({
  head,
  cell: ({ figures }) => {
    const taken = (figures[given] ?? 0) + (figures[promised] ?? 0);
    const whole = figures[capacity];
    if (figures[given] === undefined) return '-';
    return whole === undefined ? rateText(taken) : `${rateText(taken)} of ${rateText(whole)}`;
  },
});

const rateText = (kbit: number): string => (kbit === 0 ? '0' : formatRate(kbit));

const IN = rate('in', ['leasedInKbit', 'promisedInKbit', 'capacityInKbit']);
const OUT = rate('out', ['leasedOutKbit', 'promisedOutKbit', 'capacityOutKbit']);
const LEASED = figure('leased', 'leased');
const PROMISED = plain('promised', 'promised');
const SPARE = plain('spare', 'spare');
const FREE = figure('free', 'free');
const NODES = [plain('nodes', 'nodes'), plain('fenced', 'fenced')];
const POOL = [
  ...[plain('size', 'size'), LEASED, PROMISED, plain('cooling', 'cooling')],
  ...[plain('quarantined', 'quarantined'), FREE, plain('of it spare', 'spare'), IN, OUT, ...NODES],
];
const SAID = [
  ...[plain('waiting', 'waiting'), plain('refused', 'refused'), plain('rerouted', 'rerouted')],
  ...[plain('held', 'held'), plain('failed', 'failed')],
];
const MACS: Column = {
  head: 'macs',
  cell: ({ figures: { macs, macLimit }, level }) =>
    macs === undefined
      ? '-'
      : macLimit === undefined
        ? macs
        : `${macs} of ${macLimit}${level === 'good' ? '' : level === 'warn' ? ' WARN' : ' OVER'}`,
};
const REACHABLE = figure('free in reach', 'reachable');

interface Section {
  readonly kind: RowKind;
  readonly title: string;
  readonly columns: readonly Column[];
}

const SECTIONS: readonly Section[] = [
  { kind: 'pool', title: 'Pools', columns: POOL },
  { kind: 'vlan', title: 'VLANs', columns: [...POOL, MACS] },
  {
    kind: 'rack',
    title: 'Racks',
    columns: [LEASED, PROMISED, SPARE, REACHABLE, IN, OUT, ...NODES, plain('failed', 'failed')],
  },
  {
    kind: 'node',
    title: 'Nodes',
    columns: [
      ...[LEASED, PROMISED, SPARE, REACHABLE, IN, OUT],
      { head: 'fenced', cell: ({ figures }) => (figures.fenced === 1 ? 'fenced' : '-') },
      plain('failed', 'failed'),
    ],
  },
  { kind: 'group', title: 'App groups', columns: [LEASED, PROMISED, IN, OUT, ...SAID] },
];

const LONGEST_NAME = 80;

/** Apps are named by their containers: nothing of it may move a terminal's cursor, or fill its screen. */
const safeName = (name: string): string => {
  const text = name.replace(/\p{C}/gu, '?');
  return text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME - 1)}…` : text;
};

const iso = (ms: number): string => new Date(ms).toISOString();

/** A report for people: what it is of, and a table for each kind of row. */
export function reportText(report: CapacityReport): string {
  const nodes = report.rows.filter(({ kind }) => kind === 'node').length;
  const rows = fullestNodes(report.rows, MOST_NODES);
  const sections = SECTIONS.map(({ kind, title, columns }) => {
    const own = rows.filter((row) => row.kind === kind);
    const some =
      kind === 'node' && own.length < nodes ? `, the ${own.length} fullest of ${nodes}` : '';
    const lines = own.map((row) => [safeName(row.name), ...columns.map(({ cell }) => cell(row))]);
    return `${title}${some}\n${table([kind, ...columns.map(({ head }) => head)], lines, 'none')}`;
  });
  return `${[headOf(report), ...sections].join('\n\n')}\n`;
}

function headOf(report: CapacityReport): string {
  const total = report.rows.find(({ kind }) => kind === 'total');
  return [
    `Capacity report ${report.id}, ${iso(report.atMs)}, ledger revision ${report.revision}`,
    ...dueText(report),
    report.sinceMs === undefined
      ? 'there is no report before it: no change is shown, and the period is all that is remembered'
      : `changes and counts since ${iso(report.sinceMs)}${report.atLeast ? '; the logs do not reach back so far: counts are lower bounds' : ''}`,
    ...(total ? totalText(total) : []),
    ...report.waiting.map(
      ({ app, allowed, wanted, sinceMs }) =>
        `waits for room: ${safeName(app)} runs ${allowed} of ${wanted} since ${iso(sinceMs)}`,
    ),
    ...report.doubts.map((doubt) => `DOUBT: ${doubt}`),
  ].join('\n');
}

function dueText({ dueMs, late, missed = 0 }: CapacityReport): string[] {
  if (dueMs === undefined) return [];
  if (!late) return [`due ${iso(dueMs)}`];
  const more = missed > 0 ? `; ${missed} due times before it have no report` : '';
  return [`MADE UP: it was due ${iso(dueMs)}, and nobody was there to make it${more}`];
}

/** What the fences keep from everybody. */
function behindText(of: (what: Figure) => number): string {
  if (of('fenced') === 0) return '';
  const [into, from] = [rateText(of('fencedInKbit')), rateText(of('fencedOutKbit'))];
  return `, and behind the fences ${of('fencedFree')} free addresses, ${into} in and ${from} out`;
}

function totalText({ figures, change = {} }: CapacityRow): string[] {
  const of = (what: Figure): number => figures[what] ?? 0;
  const by = (what: Figure): string =>
    change[what] === undefined ? '' : ` (${signed(change[what])})`;
  return [
    `addresses: ${of('leased')}${by('leased')} leased, ${of('promised')} promised, ${of('free')}${by('free')} free of ${of('size')} (${of('spare')} of them spare); ${of('cooling')} cooling, ${of('quarantined')} quarantined`,
    `nodes: ${of('nodes')}, ${of('fenced')} fenced${behindText(of)}`,
    `launches: ${of('refused')} refused, ${of('rerouted')} rerouted, ${of('held')} held, ${of('failed')} failed; ${of('waiting')} instances wait for room`,
  ];
}
