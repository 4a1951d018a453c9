import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FenceRecord } from '../../src/core/fence-record.ts';
import type { AgentSeen, FenceAction, StepInput, StepRules } from '../../src/core/fence-action.ts';
import {
  agentsByNode,
  AWAY_FOR_MS,
  CALL_LINGERS_MS,
  MOST_AGAIN,
  stepFence,
  UNDONE_WITHIN_MS,
  YIELDED_FOR_MS,
} from '../../src/core/fence-step.ts';
import type { FenceWant } from '../../src/core/fence-want.ts';
import { runs } from '../runs.ts';

const NOW = 1e9;
const RULES: StepRules = { mode: 'on', isAble: true, flipsPerMinute: 4, atOnce: 16 };
const FIGURES = { addresses: 0, netInKbit: 0, netOutKbit: 0, cpus: 0, memMiB: 0 };
const wanting = (closed: boolean): FenceWant => ({
  ...{ closed, why: 'no addresses left', figures: FIGURES, isDemanded: false },
});
const recordOf = (of: Partial<FenceRecord> = {}): FenceRecord => ({
  ...{ v: 1, agentId: 'S1', state: 'closed', mode: 'on', by: 'deactivate', why: 'w' },
  ...{ figures: FIGURES, sinceMs: NOW - 60_000, term: 1, flips: [], undone: [], ...of },
});
const agentOf = (of: Partial<AgentSeen> = {}): AgentSeen => ({
  ...{ agentId: 'S1', hostname: 'n', active: !of.deactivated, draining: false, recovered: false },
  ...of,
});
const ORDER = { v: 1, order: 'leave', who: 'ann', atMs: 1 } as const;

interface Row {
  readonly says: string;
  readonly close?: boolean;
  readonly record?: Partial<FenceRecord>;
  readonly agent?: Partial<AgentSeen> | 'away';
  readonly isLeft?: boolean;
  readonly rules?: Partial<StepRules>;
  /** What is done, as `verb` or `verb detail`; with a colon, what is told. */
  readonly gives: string | undefined;
}

function inputOf({ close, record, agent = {}, isLeft, rules }: Row): StepInput {
  return {
    wants: new Map(close === undefined ? [] : [['n', wanting(close)]]),
    records: new Map(record ? [['n', recordOf(record)]] : []),
    orders: new Map(isLeft ? [['n', ORDER]] : []),
    agents: new Map(agent === 'away' ? [] : [['n', agentOf(agent)]]),
    rules: { ...RULES, ...rules },
    nowMs: NOW,
  };
}

const told = (action: FenceAction): string => {
  if (action.do === 'close') return action.isAgain ? 'close again' : `close ${action.agentId}`;
  if (action.do === 'settle') return `settle ${action.to}`;
  return action.do === 'forget' ? `forget: ${action.why}` : action.do;
};
function outcome(row: Row): string | undefined {
  const { actions, foreign, waiting } = stepFence(inputOf(row));
  return (
    [
      ...actions.map(told),
      ...foreign.map(({ says }) => `: ${says}`),
      ...(waiting > 0 ? ['waits'] : []),
    ].join(', ') || undefined
  );
}

const off = { deactivated: true } as const;
const rows: readonly Row[] = [
  { says: 'nothing for a node with room', close: false, gives: undefined },
  { says: 'closes one without', close: true, gives: 'close S1' },
  { says: 'not one that is away', close: true, agent: { active: false }, gives: undefined },
  { says: 'not one without an agent', close: true, agent: 'away', gives: undefined },
  {
    says: 'not one that a new master has not heard of',
    close: true,
    agent: { recovered: true, active: false },
    gives: undefined,
  },
  {
    says: 'not one that somebody else deactivated',
    close: true,
    agent: off,
    gives: ': deactivated by somebody else',
  },
  {
    says: 'not one that drains',
    close: true,
    agent: { ...off, draining: true },
    gives: ': an operator drains it',
  },
  {
    says: 'not one that people want left alone',
    close: true,
    isLeft: true,
    gives: ': left alone: ann said so',
  },
  { says: 'notes it when it only watches', close: true, rules: { mode: 'watch' }, gives: 'note' },
  { says: 'nothing when it is off', close: true, rules: { mode: 'off' }, gives: undefined },
  {
    says: 'tells when this Mesos has no fence',
    close: true,
    rules: { isAble: false },
    gives: ': no fence: no addresses left',
  },

  {
    says: 'asks again when closing was not answered',
    close: true,
    record: { state: 'closing' },
    gives: 'close S1',
  },
  {
    says: 'believes Mesos that closing went through',
    close: true,
    record: { state: 'closing' },
    agent: off,
    gives: 'settle closed',
  },
  { says: 'leaves what is closed', close: true, record: {}, agent: off, gives: undefined },
  { says: 'opens what has room again', close: false, record: {}, agent: off, gives: 'open' },
  { says: 'opens what nothing is known of any more', record: {}, agent: off, gives: 'open' },
  {
    says: 'opens all when it is off',
    close: true,
    record: {},
    agent: off,
    rules: { mode: 'off' },
    gives: 'open',
  },
  {
    says: 'opens all when it only watches',
    close: true,
    record: {},
    agent: off,
    rules: { mode: 'watch' },
    gives: 'open',
  },
  {
    says: 'asks again when opening was not answered',
    close: false,
    record: { state: 'opening' },
    agent: off,
    gives: 'open',
  },
  {
    says: 'is done when it is offered again',
    close: false,
    record: { state: 'opening' },
    gives: 'forget: it is offered again',
  },
  {
    says: 'keeps closed what was about to open',
    close: true,
    record: { state: 'opening' },
    agent: off,
    gives: 'settle closed',
  },
  {
    says: 'closes again what had just opened',
    close: true,
    record: { state: 'opening' },
    gives: 'close S1',
  },
  {
    says: 'opens what was about to close and did',
    close: false,
    record: { state: 'closing' },
    agent: off,
    gives: 'open',
  },
  {
    says: 'waits for a call that may still arrive',
    close: false,
    record: { state: 'closing', sinceMs: NOW - CALL_LINGERS_MS + 1 },
    gives: undefined,
  },
  {
    says: 'and forgets it then',
    close: false,
    record: { state: 'closing', sinceMs: NOW - CALL_LINGERS_MS },
    gives: 'forget: it is offered again',
  },
  {
    says: 'cannot open without the means',
    close: false,
    record: {},
    agent: off,
    rules: { isAble: false },
    gives: ': no fence: it stays closed',
  },

  { says: 'closes again what somebody reactivated', close: true, record: {}, gives: 'close again' },
  {
    says: 'but not for ever',
    close: true,
    record: { undone: Array(MOST_AGAIN).fill(NOW - 1) as number[] },
    gives: 'settle yielded',
  },
  {
    says: 'and forgets old quarrels',
    close: true,
    record: { undone: Array(MOST_AGAIN).fill(NOW - UNDONE_WITHIN_MS) as number[] },
    gives: 'close again',
  },
  {
    says: 'leaves it alone then',
    close: true,
    record: { state: 'yielded', why: 'quarrel' },
    gives: ': quarrel',
  },
  {
    says: 'for a while',
    close: true,
    record: { state: 'yielded', sinceMs: NOW - YIELDED_FOR_MS },
    gives: 'forget: it was left alone long enough',
  },
  {
    says: 'never opens it meanwhile',
    close: false,
    record: { state: 'yielded' },
    agent: off,
    gives: 'forget: it has room',
  },
  {
    says: 'agrees with who reactivated one that has room',
    close: false,
    record: {},
    gives: 'forget: somebody else reactivated it',
  },
  {
    says: 'waits for one that is away',
    close: false,
    record: {},
    agent: { active: false },
    gives: undefined,
  },
  {
    says: 'waits for one without an agent',
    close: false,
    record: {},
    agent: 'away',
    gives: undefined,
  },
  {
    says: 'until Mesos has forgotten it',
    close: false,
    record: { sinceMs: NOW - AWAY_FOR_MS - 1 },
    agent: 'away',
    gives: 'forget: away for so long that Mesos forgot it',
  },
  {
    says: 'waits for a new master to hear of it',
    close: false,
    record: {},
    agent: { recovered: true, active: false },
    gives: undefined,
  },
  {
    says: 'even under another id',
    close: true,
    record: {},
    agent: { agentId: 'S2', recovered: true, active: false },
    gives: undefined,
  },

  {
    says: 'follows a new agent id',
    close: true,
    record: {},
    agent: { agentId: 'S2' },
    gives: 'close S2',
  },
  {
    says: 'forgets the old id when there is room',
    close: false,
    record: {},
    agent: { agentId: 'S2' },
    gives: 'forget: its agent has a new id',
  },
  {
    says: 'does not take over a new id that somebody deactivated',
    close: false,
    record: {},
    agent: { agentId: 'S2', ...off },
    gives: 'forget: its agent has a new id',
  },
  {
    says: 'leaves an agent to who drains it',
    close: false,
    record: {},
    agent: { ...off, draining: true },
    gives: 'forget: an operator drains it',
  },
  {
    says: 'leaves a node to who says so',
    close: false,
    record: {},
    agent: off,
    isLeft: true,
    gives: 'forget: ann said to leave it alone',
  },

  {
    says: 'forgets a note when there is room',
    close: false,
    record: { mode: 'watch' },
    gives: 'forget: it has room',
  },
  {
    says: 'never opens for a note',
    close: false,
    record: { mode: 'watch' },
    agent: off,
    gives: 'forget: it has room',
  },
  {
    says: 'closes in earnest what it had noted',
    close: true,
    record: { mode: 'watch' },
    gives: 'close S1',
  },
  {
    says: 'keeps a note while it watches',
    close: true,
    record: { mode: 'watch' },
    rules: { mode: 'watch' },
    gives: undefined,
  },

  {
    says: 'holds back openings at the flip limit',
    close: false,
    record: { flips: [1, 2, 3, 4].map((n) => NOW - n) },
    agent: off,
    gives: 'waits',
  },
  {
    says: 'but no closings',
    close: true,
    record: { state: 'closing', flips: [1, 2, 3, 4].map((n) => NOW - n) },
    gives: 'close S1',
  },
];

describe('the fence', () => {
  for (const row of rows) it(row.says, () => assert.equal(outcome(row), row.gives));

  it('switches few at once, the empty ones first', () => {
    const wants = new Map(
      ['a', 'b', 'c', 'd'].map((name, n) => [
        name,
        { ...wanting(true), figures: { ...FIGURES, addresses: n % 2 } },
      ]),
    );
    const agents = agentsByNode([...wants.keys()].map((hostname) => agentOf({ hostname })));
    const rules = { ...RULES, atOnce: 3 };
    const none = new Map<never, never>();
    const steps = stepFence({ wants, agents, rules, records: none, orders: none, nowMs: NOW });
    assert.deepEqual(
      steps.actions.map(({ node }) => node),
      ['a', 'c', 'b'],
    );
    assert.equal(steps.waiting, 1);
  });

  it('of several agents on one host, looks at the one that is offered', () => {
    const agents = [
      agentOf({ agentId: 'old', active: false, recovered: true }),
      agentOf({ agentId: 'new' }),
      agentOf({ agentId: 'dead', active: false }),
    ];
    for (const order of [agents, [...agents].reverse()])
      assert.equal(agentsByNode(order).get('n')?.agentId, 'new');
  });
});

/** Who set an agent's flag; the Mesos of this world knows, ours does not tell. */
type Owner = 'fence' | 'operator';
interface Machine {
  agentId: string;
  flag: Owner | undefined;
  isDraining: boolean;
  isLeft: boolean;
  /** The present master has not heard of it since it came to lead. */
  isRecovered: boolean;
  hasRoom: boolean;
}

type Happening = { readonly node: number } & (
  | { readonly what: 'room' | 'full' | 'operator off' | 'operator on' | 'drain' | 'drained' }
  | { readonly what: 'new id' | 'failover' | 'leave' | 'resume' | 'look' | 'crash' }
);
const WHATS = [
  ...['room', 'full', 'operator off', 'operator on', 'drain', 'drained', 'new id'],
  ...['failover', 'leave', 'resume', 'look', 'look', 'look', 'crash'],
] as const;
const COUNT = 3;

/** A small Mesos, the records, and a leader that may die between any two steps. */
class Play {
  readonly machines: Machine[] = Array.from({ length: COUNT }, (_, n) => ({
    ...{ agentId: `S${n}`, flag: undefined, isDraining: false, isLeft: false },
    ...{ isRecovered: false, hasRoom: true },
  }));
  readonly records = new Map<string, FenceRecord>();
  nowMs = NOW;
  #ids = COUNT;

  happen({ node, what }: Happening): void {
    const machine = this.machines[node];
    assert.ok(machine);
    const owned = this.records.get(`n${node}`)?.mode === 'on';
    if (what === 'room' || what === 'full') machine.hasRoom = what === 'room';
    // one flag without an owner: who wants to own it too must say so, see "corral fence leave"
    if (what === 'operator off' && machine.flag === undefined && !owned) machine.flag = 'operator';
    if (what === 'operator on' && !machine.isDraining) machine.flag = undefined;
    if (what === 'drain') {
      machine.isDraining = true;
      machine.flag ??= 'operator';
    }
    if (what === 'drained' && machine.isDraining) {
      machine.isDraining = false;
      machine.flag = undefined; // the operator's REACTIVATE erases both
    }
    if (what === 'new id') {
      machine.agentId = `S${this.#ids++}`;
      machine.flag = undefined;
      machine.isDraining = false;
    }
    if (what === 'failover') for (const one of this.machines) one.isRecovered = true;
    if (what === 'leave') machine.isLeft = true;
    if (what === 'resume') machine.isLeft = false;
    if (what === 'look' || what === 'crash') this.look(what === 'crash' ? node : undefined);
    if (what === 'look') machine.isRecovered = false;
  }

  /** @param dies  after so many halves of steps */
  look(dies?: number): void {
    this.nowMs += 5_000;
    let left = dies ?? Infinity;
    for (const action of stepFence(this.#input()).actions) {
      for (const half of this.#halves(action)) {
        if (left-- <= 0) return;
        half();
      }
    }
  }

  #input(): StepInput {
    const named = this.machines.map((machine, n) => [`n${n}`, machine] as const);
    return {
      wants: new Map(named.map(([name, { hasRoom }]) => [name, wanting(!hasRoom)])),
      records: this.records,
      orders: new Map(named.flatMap(([name, { isLeft }]) => (isLeft ? [[name, ORDER]] : []))),
      agents: agentsByNode(
        named.map(([hostname, { agentId, flag, isDraining, isRecovered }]) =>
          isRecovered
            ? { agentId, hostname, active: false, draining: false, recovered: true }
            : agentOf({ agentId, hostname, deactivated: flag !== undefined, draining: isDraining }),
        ),
      ),
      rules: RULES,
      nowMs: this.nowMs,
    };
  }

  #halves(action: FenceAction): (() => void)[] {
    const { node } = action;
    const machine = this.machines[Number(node.slice(1))];
    assert.ok(machine);
    const write = (record: FenceRecord | undefined) => () => {
      if (record) this.records.set(node, { ...record, sinceMs: this.nowMs });
      else this.records.delete(node);
    };
    if (action.do === 'forget') return [write(undefined)];
    if (action.do === 'settle') return [write({ ...action.record, state: action.to })];
    if (action.do === 'note') return [];
    const { agentId } = action.do === 'open' ? action.record : action;
    const undone = action.do === 'close' && action.isAgain ? [this.nowMs] : [];
    const before = recordOf({ ...action.record, agentId });
    const record = { ...before, undone: [...before.undone, ...undone] };
    assert.equal(machine.agentId, agentId, 'only the agent that is there is switched');
    assert.equal(machine.isDraining, false, 'nothing that drains is switched');
    assert.equal(machine.isLeft, false, 'nothing that was ordered alone is switched');
    assert.equal(machine.isRecovered, false, 'nothing is switched blindly');
    if (action.do === 'close') {
      assert.equal(machine.flag, undefined, "an operator's flag is never taken over");
      return [
        write({ ...record, state: 'closing' }),
        () => void (machine.flag = 'fence'),
        write({ ...record, state: 'closed' }),
      ];
    }
    assert.equal(machine.flag, 'fence', "an operator's flag is never taken away");
    return [
      write({ ...record, state: 'opening' }),
      () => void (machine.flag = undefined),
      write(undefined),
    ];
  }
}

const happenings: fc.Arbitrary<Happening[]> = fc.array(
  fc.record({
    node: fc.nat({ max: COUNT - 1 }),
    what: fc.constantFrom(...WHATS),
  }) as fc.Arbitrary<Happening>,
  { maxLength: 40, size: 'max' },
);

describe('whatever operators, masters and rooms do', () => {
  it('no switch is thrown that is not ours', () => {
    fc.assert(
      fc.property(happenings, (story) => {
        const play = new Play();
        for (const one of story) play.happen(one);
      }),
      { numRuns: runs(1_000) },
    );
  });

  it('with room for all and nobody in the way, every node is open and nothing is on record', () => {
    fc.assert(
      fc.property(happenings, (story) => {
        const play = new Play();
        for (const one of story) play.happen(one);
        for (const machine of play.machines) {
          machine.isRecovered = false;
          machine.isLeft = false;
          machine.hasRoom = true;
          if (machine.isDraining) machine.flag = undefined;
          machine.isDraining = false;
        }
        // a record that was handed over to an operator, who now gives the node back
        for (const [n, machine] of play.machines.entries())
          if (!play.records.has(`n${n}`)) machine.flag = undefined;
        for (let looks = 0; looks < 10; looks++) play.look();
        for (const { flag } of play.machines) assert.notEqual(flag, 'fence');
        assert.equal(play.records.size, 0);
      }),
      { numRuns: runs(1_000) },
    );
  });

  it('with no room anywhere and nobody in the way, every node is closed, and asking again does nothing', () => {
    fc.assert(
      fc.property(happenings, (story) => {
        const play = new Play();
        for (const one of story) play.happen(one);
        play.nowMs += UNDONE_WITHIN_MS + YIELDED_FOR_MS;
        for (const machine of play.machines) {
          machine.isRecovered = false;
          machine.isLeft = false;
          machine.hasRoom = false;
          machine.isDraining = false;
          if (machine.flag === 'operator') machine.flag = undefined;
        }
        for (let looks = 0; looks < 4; looks++) play.look();
        for (const { flag } of play.machines) assert.notEqual(flag, undefined);
        const before = new Map(play.records);
        play.look();
        assert.deepEqual(play.records, before);
      }),
      { numRuns: runs(1_000) },
    );
  });
});
