import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fullestNodes, withChange } from '../../src/core/capacity-change.ts';
import { csvCell, csvOf, reportCsv } from '../../src/core/capacity-csv.ts';
import { periodOf } from '../../src/core/capacity-period.ts';
import type { CapacityReport, CapacityRow } from '../../src/core/capacity-record.ts';
import { groupOf } from '../../src/core/capacity-sums.ts';
import { reportText } from '../../src/core/capacity-text.ts';

/** What a spreadsheet reads: RFC 4180, by hand. */
function parsed(text: string): string[][] {
  const lines: string[][] = [[]];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at] ?? '';
    if (quoted && sign === '"' && text[at + 1] === '"') {
      cell += '"';
      at += 1;
    } else if (sign === '"') quoted = !quoted;
    else if (!quoted && sign === ',') {
      lines.at(-1)?.push(cell);
      cell = '';
    } else if (!quoted && sign === '\r' && text[at + 1] === '\n') {
      lines.at(-1)?.push(cell);
      cell = '';
      lines.push([]);
      at += 1;
    } else cell += sign;
  }
  return lines.slice(0, -1);
}

describe('a cell of CSV', () => {
  for (const { says, cell, is } of [
    { says: 'plain text', cell: 'rack-1', is: 'rack-1' },
    { says: 'a number, negative too', cell: -5, is: '-5' },
    { says: 'nothing', cell: undefined, is: '' },
    { says: 'a comma', cell: 'a,b', is: '"a,b"' },
    { says: 'a quote', cell: 'a"b', is: '"a""b"' },
    { says: 'a line break', cell: 'a\r\nb', is: '"a\r\nb"' },
    { says: 'a formula', cell: '=cmd|"/c calc"!A0', is: '"\'=cmd|""/c calc""!A0"' },
    { says: 'a formula by plus', cell: '+1', is: "'+1" },
    { says: 'a formula by minus', cell: '-1', is: "'-1" },
    { says: 'a formula by at', cell: '@SUM(A1)', is: "'@SUM(A1)" },
    { says: 'a formula behind a tab', cell: '\t=1', is: "'\t=1" },
  ])
    it(says, () => assert.equal(csvCell(cell), is));

  it('comes back as it was, whatever it was, and never as a formula', () => {
    const cell = fc.oneof(fc.string(), fc.constantFrom('=1', '-', '@x', '"', '\r\n', ',', '+"'));
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 1 }), { minLength: 1 }), (lines) => {
        const back = parsed(csvOf(lines));
        assert.deepEqual(
          back.map((cells) => cells.map((text) => text.replace(/^'(?=[=+\-@\t\r])/, ''))),
          lines.map((cells) => cells.map((text) => text.replace(/^'(?=[=+\-@\t\r])/, ''))),
        );
        for (const cells of back)
          for (const text of cells) assert.doesNotMatch(text, /^[=+\-@\t\r]/);
      }),
    );
  });
});

const row = (
  kind: CapacityRow['kind'],
  name: string,
  figures: CapacityRow['figures'],
): CapacityRow => ({
  ...{ kind, name, figures },
});
const report = (
  rows: readonly CapacityRow[],
  more: Partial<CapacityReport> = {},
): CapacityReport => ({
  ...{
    v: 1,
    id: 'daily-1',
    schedule: 'daily',
    atMs: 0,
    revision: 7,
    doubts: [],
    waiting: [],
    rows,
  },
  ...more,
});

describe('a report as CSV', () => {
  it('has a line for each row and as many cells in each', () => {
    const rows = [row('total', '', { size: 3 }), row('group', '=evil', { leased: 1 })];
    const [head, ...lines] = parsed(reportCsv(report(rows)));
    for (const line of lines) assert.equal(line.length, head?.length);
    const at = (line: number, column: string) => lines[line]?.[head?.indexOf(column) ?? -1];
    assert.deepEqual(
      [at(0, 'size'), at(0, 'free'), at(1, 'leased'), at(1, 'name')],
      ['3', '', '1', "'=evil"],
    );
  });

  it('tells a change of nothing from a row that is new', () => {
    const rows = withChange(
      [row('pool', 'a', { leased: 5 }), row('pool', 'b', { leased: 1 })],
      [row('pool', 'a', { leased: 5 })],
    );
    const [head, ...lines] = parsed(reportCsv(report(rows)));
    const column = head?.indexOf('leasedChange') ?? -1;
    assert.deepEqual(
      lines.map((line) => line[column]),
      ['0', ''],
    );
  });
});

describe('a report as text', () => {
  const nodes = Array.from({ length: 60 }, (_, n) =>
    row('node', `n${n}`, { leased: n, capacityInKbit: 100, freeInKbit: n }),
  );
  it('names the fullest nodes, and says of how many', () => {
    const text = reportText(report(nodes));
    assert.match(text, /Nodes, the 50 fullest of 60\n/);
    assert.match(text, /^n0 /m);
    assert.doesNotMatch(text, /^n59 /m);
    assert.equal(fullestNodes(nodes, 50).length, 50);
  });

  it('shows what changed, what is marked and what was made up', () => {
    const vlan = {
      ...row('vlan', '7', { size: 9, leased: 5, macs: 5, macLimit: 5 }),
      level: 'warn',
    } as const;
    const text = reportText(
      report([{ ...vlan, change: { leased: 2 } }], {
        dueMs: 0,
        late: true,
        missed: 3,
        sinceMs: 0,
        atLeast: true,
      }),
    );
    assert.match(text, /5 \(\+2\)/);
    assert.match(text, /5 of 5 WARN/);
    assert.match(text, /MADE UP: it was due 1970.*3 due times before it/);
    assert.match(text, /counts are lower bounds/);
  });

  it('keeps what apps call themselves from the terminal', () => {
    const text = reportText(
      report([row('group', `/a\u001b[2J\n${'x'.repeat(200)}`, { leased: 1 })]),
    );
    assert.doesNotMatch(text, /\u001b|x{100}/);
    assert.match(text, /\/a\?\[2J\?x+…/);
  });
});

describe('groups', () => {
  for (const [app, group] of [
    ['/shop/web', '/shop'],
    ['/shop/a/b/c', '/shop'],
    ['/web', '/'],
    [undefined, '(none)'],
  ] as const)
    it(`${app ?? 'no app'} is of ${group}`, () => assert.equal(groupOf(app), group));

  it('a change of several counts in each, and once in all', () => {
    const { total, groups, nodes } = periodOf(
      [
        { atMs: 1, answer: 'refuse', apps: ['/a/x', '/a/y', '/b/z'] },
        { atMs: 1, answer: 'admit', apps: ['/a/x'] },
        { atMs: 1, answer: 'hold', apps: ['/b/z'] },
        { atMs: 1, answer: 'reroute', apps: ['/c'] },
      ],
      [
        { node: 'n1', app: '/a/x', count: 3 },
        { node: 'n1', count: 1 },
      ],
    );
    assert.deepEqual(total, { refused: 1, rerouted: 1, held: 1, failed: 4 });
    assert.deepEqual(groups.get('/a'), { refused: 1, rerouted: 0, held: 0, failed: 3 });
    assert.deepEqual(groups.get('/b'), { refused: 1, rerouted: 0, held: 1, failed: 0 });
    assert.deepEqual([groups.get('/')?.rerouted, groups.get('(none)')?.failed], [1, 1]);
    assert.deepEqual([...nodes], [['n1', 4]]);
  });
});
