import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  confirmed,
  grown,
  type HeldSeen,
  type HeldStep,
  inOrder,
  nextStep,
  priorityIn,
  released,
  takenBack,
} from '../../src/core/held-queue.ts';
import type { HeldRecord } from '../../src/core/held-record.ts';
import { runs } from '../runs.ts';

const NOW = 1_000_000;
const record = (more: Partial<HeldRecord> = {}): HeldRecord => ({
  ...{ v: 1, wanted: 5, allowed: 2, why: '', sinceMs: 0 },
  ...more,
});
const seen = (more: Partial<HeldSeen> = {}): HeldSeen => ({
  ...{ app: '/a', record: record(), has: { instances: 2, version: 'v1' }, runs: 2 },
  ...{ inFlight: false, priority: 0 },
  ...more,
});
const lowering = record({ pending: { from: 5, version: 'v1' } });
const growing = record({ allowed: 4, pending: { from: 2, version: 'v1' } });

interface Row {
  readonly says: string;
  readonly of: Partial<HeldSeen>;
  readonly step: HeldStep;
}
const ROWS: readonly Row[] = [
  { says: 'asks for room', of: {}, step: { do: 'grow' } },
  {
    says: 'rests after a try in vain',
    of: { record: record({ notBeforeMs: NOW + 1 }) },
    step: { do: 'wait', for: 'its rest' },
  },
  { says: 'rests no longer', of: { record: record({ notBeforeMs: NOW }) }, step: { do: 'grow' } },
  {
    says: 'is stopped',
    of: { record: record({ stoppedMs: 1 }) },
    step: { do: 'wait', for: 'an operator' },
  },
  {
    says: 'was scaled by somebody',
    of: { has: { instances: 3 } },
    step: { do: 'forget', why: 'scaled by somebody' },
  },
  {
    says: 'was scaled by somebody while stopped',
    of: { has: { instances: 3 }, record: record({ stoppedMs: 1 }) },
    step: { do: 'forget', why: 'scaled by somebody' },
  },
  {
    says: 'is being scaled by somebody',
    of: { has: { instances: 3 }, inFlight: true },
    step: { do: 'wait', for: 'an answer' },
  },
  {
    says: 'has grown to all it wanted and is starting',
    of: { record: record({ allowed: 5 }), has: { instances: 5 }, runs: 4 },
    step: { do: 'wait', for: 'its start' },
  },
  {
    says: 'runs whole',
    of: { record: record({ allowed: 5 }), has: { instances: 5 }, runs: 5 },
    step: { do: 'forget', why: 'all run' },
  },
  {
    says: 'was lowered',
    of: { record: lowering },
    step: { do: 'confirm' },
  },
  {
    says: 'was not lowered',
    of: { record: lowering, has: { instances: 5, version: 'v1' } },
    step: { do: 'lower' },
  },
  {
    says: 'was not lowered, for a client changed it first',
    of: { record: lowering, has: { instances: 5, version: 'v2' } },
    step: { do: 'forget', why: 'scaled by somebody' },
  },
  {
    says: 'was grown',
    of: { record: growing, has: { instances: 4, version: 'v2' } },
    step: { do: 'confirm' },
  },
  {
    says: 'was not grown',
    of: { record: growing, inFlight: true },
    step: { do: 'take back' },
  },
  {
    says: 'was scaled by somebody in the middle of it',
    of: { record: growing, has: { instances: 1, version: 'v2' } },
    step: { do: 'forget', why: 'scaled by somebody' },
  },
];

describe('a held app', () => {
  for (const { says, of, step } of ROWS)
    it(`${says}: ${Object.values(step).join(', ')}`, () =>
      assert.deepEqual(nextStep(seen(of), NOW), step));

  it('is forgotten once deleted, and not while it is being made', () => {
    const { has: _gone, ...left } = seen();
    assert.deepEqual(nextStep(left, NOW), { do: 'forget', why: 'deleted' });
    const made = { ...left, inFlight: true };
    assert.deepEqual(nextStep(made, NOW), { do: 'wait', for: 'an answer' });
    assert.deepEqual(nextStep({ ...left, record: lowering }, NOW), {
      do: 'forget',
      why: 'deleted',
    });
  });

  it('keeps everything else when a step is written', () => {
    assert.deepEqual(confirmed(growing), record({ allowed: 4 }));
    assert.deepEqual(takenBack(growing), record({ allowed: 2 }));
    const was = { from: 2, version: 'v1' };
    assert.deepEqual(grown(record({ cycles: 1 }), { to: 4, was, nowMs: 7, why: 'room' }), {
      ...record({ cycles: 1, allowed: 4, grownMs: 7, why: 'room', pending: was }),
    });
    assert.deepEqual(
      released(record({ stoppedMs: 1, notBeforeMs: 2, cycles: 2, ran: 1 })),
      record({ ran: 1 }),
    );
  });
});

describe('the order of held apps', () => {
  const at = (app: string, sinceMs: number, priority = 0) =>
    seen({ app, priority, record: record({ sinceMs }) });
  const names = (held: readonly HeldSeen[]) => inOrder(held).map(({ app }) => app);

  it('is age by the minute, then priority, then age, then name', () => {
    assert.deepEqual(names([at('/young', 60_000, 9), at('/old', 59_999)]), ['/old', '/young']);
    assert.deepEqual(names([at('/first', 1), at('/urgent', 59_000, 1)]), ['/urgent', '/first']);
    assert.deepEqual(names([at('/b', 2), at('/c', 1), at('/a', 2)]), ['/c', '/a', '/b']);
    assert.deepEqual(names([at('/low', 1, -5), at('/none', 2)]), ['/none', '/low']);
  });

  it('is the same whatever order they come in', () =>
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.nat(30), fc.nat(200_000), fc.integer({ min: -2, max: 2 })), {
          selector: ([name]) => name,
        }),
        fc.infiniteStream(fc.nat()),
        (held, chance) => {
          const all = held.map(([name, since, priority]) => at(`/${name}`, since, priority));
          const keyed = all.map((one) => ({ one, key: chance.next().value as number }));
          const mixed = keyed.sort((a, b) => a.key - b.key).map(({ one }) => one);
          assert.deepEqual(names(mixed), names(all));
        },
      ),
    ));

  it('takes what is no whole number for no priority', () => {
    for (const [label, figure] of [
      ['7', 7],
      [' -3 ', -3],
      ['', 0],
      [undefined, 0],
      ['high', 0],
      ['1.5', 0],
      ['1e400', 0],
      ['99999999999999999999', 0],
    ] as const)
      assert.equal(priorityIn(label), figure, label);
  });
});

/** Marathon and the ledger around one held app; the leader may die between any two of its acts. */
class Play {
  marathon: { instances: number; version: number } | undefined;
  record: HeldRecord | undefined;
  room = 0;
  nowMs = NOW;

  constructor(wanted: number) {
    this.marathon = { instances: wanted, version: 1 };
  }

  /** What is up: as many of those asked for as there is room. */
  get runs(): number {
    return Math.min(this.marathon?.instances ?? 0, this.room);
  }

  tell(instances: number): void {
    if (!this.marathon || this.marathon.instances === instances) return;
    this.marathon = { instances, version: this.marathon.version + 1 };
  }

  /** The brake; `acts` of its two are done before the leader dies. */
  brake(acts: number): void {
    if (!this.marathon || this.record || this.runs >= this.marathon.instances) return;
    const { instances, version } = this.marathon;
    const { runs } = this;
    if (acts > 0)
      this.record = {
        ...record({ wanted: instances, allowed: runs, sinceMs: this.nowMs, by: 'brake' }),
        pending: { from: instances, version: String(version) },
      };
    if (acts > 1) this.tell(runs);
  }

  /** One round of the queue. */
  queue(acts: number): void {
    const { record: held } = this;
    if (!held) return;
    const { marathon } = this;
    const step = nextStep(
      {
        ...{ app: '/a', record: held, runs: this.runs, inFlight: false, priority: 0 },
        ...(marathon && {
          has: { instances: marathon.instances, version: String(marathon.version) },
        }),
      },
      this.nowMs,
    );
    if (acts === 0) return;
    switch (step.do) {
      case 'forget':
        this.record = undefined;
        return;
      case 'confirm':
        this.record = confirmed(held);
        return;
      case 'take back':
        this.record = takenBack(held);
        return;
      case 'lower':
        if (acts > 1) this.tell(held.allowed);
        return;
      case 'grow': {
        const to = Math.min(held.wanted, Math.max(this.room, held.allowed));
        if (to <= held.allowed || !marathon) return;
        const was = { from: marathon.instances, version: String(marathon.version) };
        this.record = grown(held, { to, was, nowMs: this.nowMs, why: '' });
        if (acts > 1) this.tell(to);
        return;
      }
      case 'wait':
    }
  }
}

type Act =
  | { readonly do: 'room'; readonly room: number }
  | { readonly do: 'brake' | 'queue'; readonly acts: number }
  | { readonly do: 'scale'; readonly to: number }
  | { readonly do: 'delete' };

const acting: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ do: fc.constant('room' as const), room: fc.nat(8) }),
  fc.record({ do: fc.constantFrom('brake' as const, 'queue' as const), acts: fc.nat(2) }),
  fc.record({ do: fc.constantFrom('brake' as const, 'queue' as const), acts: fc.nat(2) }),
);

const act = (play: Play, one: Act): void => {
  if (one.do === 'room') play.room = one.room;
  else if (one.do === 'delete') play.marathon = undefined;
  else if (one.do === 'scale') play.tell(one.to);
  else if (one.do === 'brake') play.brake(one.acts);
  else play.queue(one.acts);
};

describe('whatever the leader dies of, and when', () => {
  it('never more than was wanted is asked for, and all that was wanted runs in the end', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(acting, { maxLength: 40 }),
        (wanted, acts) => {
          const play = new Play(wanted);
          for (const one of acts) {
            act(play, one);
            assert.ok((play.marathon?.instances ?? 0) <= wanted);
            if (play.record) assert.equal(play.record.wanted, wanted, 'the wanted count is kept');
            else assert.equal(play.marathon?.instances, wanted, 'nothing is lost');
          }
          play.room = 8;
          // said again, seen, grown, seen, seen to run
          for (let round = 0; round < 5; round += 1) play.queue(2);
          assert.deepEqual([play.runs, play.record], [wanted, undefined]);
        },
      ),
      { numRuns: runs(2_000) },
    ));

  it('a client who sets another count has the last word', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(acting, { maxLength: 20 }),
        fc.nat(9),
        fc.array(acting, { maxLength: 20 }),
        (wanted, before, to, after) => {
          const play = new Play(wanted);
          for (const one of before) act(play, one);
          const { record: held, marathon } = play;
          fc.pre(held !== undefined && to !== held.allowed && to !== marathon?.instances);
          act(play, { do: 'scale', to });
          for (const one of after.filter((each) => each.do !== 'brake')) {
            act(play, one);
            assert.equal(play.marathon?.instances, to);
          }
          play.queue(2);
          assert.deepEqual([play.marathon?.instances, play.record], [to, undefined]);
        },
      ),
      { numRuns: runs(2_000) },
    ));

  it('a client who deletes it is not contradicted', () =>
    fc.assert(
      fc.property(
        fc.array(acting, { maxLength: 20 }),
        fc.array(acting, { maxLength: 9 }),
        (before, after) => {
          const play = new Play(5);
          for (const one of before) act(play, one);
          act(play, { do: 'delete' });
          for (const one of after) act(play, one);
          play.queue(2);
          assert.deepEqual([play.marathon, play.record], [undefined, undefined]);
        },
      ),
    ));
});
