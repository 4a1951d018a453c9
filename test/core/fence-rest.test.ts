import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  FEW,
  RESTED_AFTER_MS,
  restsOf,
  type Return,
  returnsOf,
} from '../../src/core/fence-rest.ts';
import type { FenceRoom } from '../../src/core/fence-room.ts';
import type { ReservationRecord } from '../../src/core/promise-record.ts';
import { constraintOf, nodeOf, webAsk } from './twins/models.ts';

const NOW_MS = 1e9;
const { demand } = webAsk(1);

const promise = (of: Partial<ReservationRecord>): ReservationRecord => ({
  ...{ v: 1, id: 'x', target: 8, demand, constraints: [], witness: [], draws: [], sequence: 1 },
  ...{ sinceMs: NOW_MS, deadlineMs: NOW_MS + 1e6, fingerprint: '', until: 'deadline' },
  ...{ growInKbit: 0, growOutKbit: 0, ...of },
});

describe('apps that come back', () => {
  interface Case {
    readonly says: string;
    readonly promised: Partial<ReservationRecord>;
    readonly held?: number;
    readonly queued?: number;
    readonly gives: readonly Return['isComing'][];
  }
  const many = { returning: FEW + 1 };
  const late = { ...many, sinceMs: NOW_MS - 15_000 };
  for (const { says, promised, held = 0, queued = 0, gives } of [
    { says: 'are those of a kill that is at work', promised: many, held: 8, gives: [true] },
    { says: 'are those whose launches wait', promised: many, queued: FEW + 1, gives: [false] },
    { says: 'also long after', promised: late, held: 1, queued: FEW + 1, gives: [false] },
    { says: 'are none for a few', promised: { returning: FEW }, held: 8, queued: 8, gives: [] },
    { says: 'are none once a few wait', promised: late, held: 8, queued: FEW, gives: [] },
    { says: 'are none for a scale', promised: { until: 'leases' }, held: 8, queued: 8, gives: [] },
    { says: 'are none that never ran', promised: many, gives: [] },
  ] satisfies readonly Case[])
    it(says, () => {
      const takes = { networks: ['prod'], inKbit: 0, outKbit: 0, cpus: 0, memMiB: 0 };
      const waits = { app: '/a', instances: queued, takes, constraints: [], sinceMs: 0, nodes: [] };
      const found = returnsOf([['/a', promise(promised)]], {
        ...{ pending: queued > 0 ? [waits] : [], heldBy: () => held, nowMs: NOW_MS },
      });
      assert.deepEqual(
        found.map(({ isComing }) => isComing),
        gives,
      );
    });
});

interface Given {
  readonly prod?: number;
  readonly offered?: boolean;
  readonly fenced?: boolean;
}

const FULL = { n1: {}, n2: {}, n3: { fenced: true, offered: false } };

interface Look {
  readonly nodes?: Readonly<Record<string, Given>>;
  readonly returns?: Partial<Return>;
  readonly resting?: readonly string[];
}

function look({ nodes = FULL, returns = {}, resting = ['prod'] }: Look) {
  const all = Object.entries<Given>(nodes);
  const roomOf = ({ prod = 0 }: Given): FenceRoom => ({
    networks: new Map([
      ['prod', { have: prod, room: 0 }],
      ['dev', { have: 9, room: 9 }],
    ]),
    ...{ network: 'dev', addresses: 9, netInKbit: 1e6, netOutKbit: 1e6 },
  });
  const takes = { networks: ['prod'], inKbit: 1, outKbit: 1, cpus: 1, memMiB: 64 };
  return restsOf({
    nodes: new Map(
      all.map(([name, { offered = true, fenced }]) => [
        name,
        nodeOf(name, { offered, ...(fenced === true && { isFenced: true as const }) }),
      ]),
    ),
    rooms: new Map(all.map(([name, given]) => [name, roomOf(given)])),
    returns: [{ app: '/a', takes, constraints: [], sinceMs: NOW_MS, isComing: false, ...returns }],
    resting: new Set(resting),
    nowMs: NOW_MS,
  });
}

describe('nodes that are kept from launches while addresses rest', () => {
  const takesNothing = { networks: [], inKbit: 0, outKbit: 0, cpus: 1, memMiB: 64 };
  interface Case extends Look {
    readonly says: string;
    readonly gives: readonly string[];
  }
  for (const { says, gives, ...given } of [
    { says: 'are all that they might try', gives: ['n1', 'n2', 'n3'] },
    { says: 'are none while one has an address', nodes: { ...FULL, n4: { prod: 1 } }, gives: [] },
    {
      says: 'are all when the one that has it is in other hands',
      nodes: { ...FULL, n4: { prod: 1, offered: false } },
      gives: ['n1', 'n2', 'n3'],
    },
    {
      says: 'are only those that their constraints let them try',
      returns: { constraints: [constraintOf('hostname', 'UNLIKE', 'n2|n3')] },
      gives: ['n1'],
    },
    {
      says: 'are all when their constraints keep them from the one that has it',
      nodes: { ...FULL, n4: { prod: 1 } },
      returns: { constraints: [constraintOf('hostname', 'UNLIKE', 'n4')] },
      gives: ['n1', 'n2', 'n3'],
    },
    { says: 'are none when nothing rests', resting: ['dev'], gives: [] },
    {
      says: 'but are when it is about to',
      ...{ resting: [], returns: { isComing: true }, gives: ['n1', 'n2', 'n3'] },
    },
    { says: 'are none for what needs no address', returns: { takes: takesNothing }, gives: [] },
  ] satisfies readonly Case[])
    it(says, () => assert.deepEqual([...look(given).keys()], gives));

  it('are open to others after a rest', () => {
    const yields = (ago: number) => look({ returns: { sinceMs: NOW_MS - ago } }).get('n1')?.yields;
    assert.equal(yields(RESTED_AFTER_MS - 1), false);
    assert.equal(yields(RESTED_AFTER_MS), true);
  });
});
