import { mkdirSync } from 'node:fs';
import { ClassicLevel } from 'classic-level';
import { ordered } from '../byte-order.ts';
import { LedgerInUse, LedgerUnusable } from '../errors.ts';
import type { Revision } from '../store.ts';
import { History } from './history.ts';
import type { Keep, Step } from './history.ts';
import type { Stage } from './stage.ts';
import { State } from './state.ts';
import type { Held, Mark } from './state.ts';
import { emptyTree } from './tree.ts';
import type { Slot, Tree } from './tree.ts';

/**
 * What lies on disk, one LevelDB batch per group of commits:
 *   d!<key>               [created, revision, value, holding?]
 *   l!<last revision>     [[revision, [[key, created, value] | [key]]...]...]   the group's changes
 *   h!<holding>           ttl in ms
 *   o!<session>!<slot>    [sequence, revision]   a marked commit that won
 *   m!format              1
 */
type Level = ClassicLevel;
type DataRow = [created: Revision, revision: Revision, value: string, holding?: string];
type LogRow = [Revision, ([string, Revision, string] | [string])[]][];

const FORMAT = '1';
const logKey = (last: Revision): string => `l!${String(last).padStart(16, '0')}`;
const markKey = (session: string, slot: number): string => `o!${session}!${slot}`;

export interface Files {
  readonly state: State;
  /** Makes the stage durable, in one synced batch. @throws LedgerUnusable; the store is then unusable */
  write(stage: Stage, forgotten: readonly Revision[]): Promise<void>;
  close(): Promise<void>;
}

/** @throws LedgerInUse, LedgerUnusable */
export async function openFiles(directory: string, keep: Keep): Promise<Files> {
  const level = await openLevel(directory);
  try {
    const state = await load(level, directory, keep);
    return {
      state,
      write: (stage, forgotten) =>
        level.batch(rowsOf(stage, state, forgotten), { sync: true }).catch((fault: unknown) => {
          throw new LedgerUnusable(directory, messageOf(fault), { cause: fault });
        }),
      close: () => level.close(),
    };
  } catch (fault) {
    await level.close();
    throw fault;
  }
}

async function openLevel(directory: string): Promise<Level> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const level: Level = new ClassicLevel(directory, { writeBufferSize: 16 << 20 });
    await level.open();
    return level;
  } catch (fault) {
    const cause = fault instanceof Error ? (fault.cause ?? fault) : fault;
    if (codeOf(cause) === 'LEVEL_LOCKED') throw new LedgerInUse(directory, { cause: fault });
    throw new LedgerUnusable(directory, messageOf(cause), { cause: fault });
  }
}

const codeOf = (fault: unknown): unknown =>
  typeof fault === 'object' && fault !== null && 'code' in fault ? fault.code : undefined;
const messageOf = (fault: unknown): string =>
  fault instanceof Error ? fault.message : String(fault);

async function load(level: Level, directory: string, keep: Keep): Promise<State> {
  await checkFormat(level, directory);
  const holdings = await loadHoldings(level);
  const tree = await loadTree(level, holdings);
  const history = await loadHistory(level, keep);
  return new State({ tree, history, holdings, revision: history.last });
}

async function checkFormat(level: Level, directory: string): Promise<void> {
  const format = await level.get('m!format');
  if (format === undefined) await level.put('m!format', FORMAT, { sync: true });
  else if (format !== FORMAT)
    throw new LedgerUnusable(
      directory,
      `its format is ${format}, and this version reads ${FORMAT}`,
    );
}

async function loadHistory(level: Level, keep: Keep): Promise<History> {
  const groups: Step[][] = [];
  for await (const row of level.values({ gt: 'l!', lt: 'l"' })) groups.push(stepsOf(row));
  const history = new History((groups[0]?.[0]?.revision ?? 1) - 1, keep);
  for (const steps of groups) history.append(steps);
  return history;
}

async function loadHoldings(level: Level): Promise<Map<string, Held>> {
  const holdings = new Map<string, Held>();
  for await (const [key, row] of level.iterator({ gt: 'h!', lt: 'h"' }))
    holdings.set(key.slice(2), { ttlMs: Number(row), keys: new Set(), marks: new Map() });
  for await (const [key, row] of level.iterator({ gt: 'o!', lt: 'o"' })) {
    const [, session = '', slot = ''] = key.split('!');
    const [sequence, revision] = JSON.parse(row) as [number, Revision];
    const mark: Mark = { sequence, revision, won: true };
    holdings.get(session)?.marks.set(Number(slot), mark);
  }
  return holdings;
}

async function loadTree(level: Level, holdings: Map<string, Held>): Promise<Tree> {
  const tree = emptyTree();
  for await (const [row, text] of level.iterator({ gt: 'd!', lt: 'd"' })) {
    const key = row.slice(2);
    const [created, revision, value, holding] = JSON.parse(text) as DataRow;
    const entry = Object.freeze({ key, value, revision, created });
    tree.set(ordered(key), holding === undefined ? { entry } : { entry, holding });
    if (holding !== undefined) holdings.get(holding)?.keys.add(key);
  }
  return tree;
}

const stepsOf = (row: string): Step[] =>
  (JSON.parse(row) as LogRow).map(([revision, moves]) => ({
    revision,
    moves: moves.map(([key, created, value]) =>
      created === undefined || value === undefined
        ? { key }
        : { key, after: { entry: Object.freeze({ key, value, revision, created }) } },
    ),
  }));

type Row = { type: 'put'; key: string; value: string } | { type: 'del'; key: string };

function rowsOf(stage: Stage, state: State, forgotten: readonly Revision[]): Row[] {
  const rows: Row[] = [];
  for (const [key, slot] of stage.touched) rows.push(dataRow(key, slot));
  if (stage.steps.length > 0) rows.push(logRow(stage.steps));
  for (const last of forgotten) rows.push({ type: 'del', key: logKey(last) });
  for (const id of stage.holdings) rows.push(holdingRow(id, state.holdings.get(id)));
  for (const { session, slot } of stage.marks)
    rows.push(markRow(session, slot, state.holdings.get(session)?.marks.get(slot)));
  return rows;
}

function dataRow(key: string, slot: Slot | undefined): Row {
  if (slot === undefined) return { type: 'del', key: `d!${key}` };
  const { created, revision, value } = slot.entry;
  const row: DataRow = [created, revision, value];
  if (slot.holding !== undefined) row.push(slot.holding);
  return { type: 'put', key: `d!${key}`, value: JSON.stringify(row) };
}

function logRow(steps: readonly Step[]): Row {
  const row: LogRow = steps.map(({ revision, moves }) => [
    revision,
    moves.map(({ key, after }) => (after ? [key, after.entry.created, after.entry.value] : [key])),
  ]);
  return { type: 'put', key: logKey(steps.at(-1)?.revision ?? 0), value: JSON.stringify(row) };
}

const holdingRow = (id: string, held: Held | undefined): Row =>
  held
    ? { type: 'put', key: `h!${id}`, value: String(held.ttlMs) }
    : { type: 'del', key: `h!${id}` };

/** A mark of a refused commit needs no row: when this process ends, so do its unanswered requests. */
const markRow = (session: string, slot: number, mark: Mark | undefined): Row =>
  mark?.won
    ? {
        type: 'put',
        key: markKey(session, slot),
        value: JSON.stringify([mark.sequence, mark.revision]),
      }
    : { type: 'del', key: markKey(session, slot) };
