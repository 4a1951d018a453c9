import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Standing } from '../../../src/agent/shape/standing.ts';
import type { HostLink } from '../../../src/core/shape-links.ts';
import type { Links } from '../../../src/core/shape-read.ts';
import type { Seen } from '../../../src/core/shape-seen.ts';
import type { ShapeStep } from '../../../src/core/shape-step.ts';
import { stepsTowards } from '../../../src/core/shape-steps.ts';
import { wantedShape } from '../../../src/core/shape-wanted.ts';
import { DOOMED_GROUP, type Limit, type Shape } from '../../../src/core/shape.ts';
import { applyAll, bareLink, KERNEL, limits, uplinks } from '../../core/shape-model.ts';
import { runs } from '../../runs.ts';

const UPLINK = { linkInKbit: 1e6, linkOutKbit: 1e6, overcommit: 1, headroom: 1 };
const IFB = 'corral-0001';

const shapeOf = (all: readonly Limit[], uplink = UPLINK): Shape =>
  wantedShape(all, { uplink, kernel: KERNEL, mtuOf: () => 1500 }).shape;
const limitOf = (netInKbit: number, more: Partial<Limit> = {}): Limit => ({
  ...{ address: '192.0.2.1', hostInterface: 'va', classMinor: 1, netInKbit, netOutKbit: 5_000 },
  ...more,
});
const slow = shapeOf([limitOf(10_000)]);
const fast = shapeOf([limitOf(20_000)]);

/** As `ip link` lists them. */
const linksOf = (seen: Seen): Links =>
  new Map(
    [...seen].map(([name, { index, mtu, up, kind = 'veth', doomed }]) => {
      const group = doomed ? { group: String(DOOMED_GROUP) } : {};
      return [name, { name, index, mtu, up, kind, ...group } satisfies HostLink];
    }),
  );
const HOST: Seen = new Map(['va', 'vb'].map((name, at) => [name, bareLink(at + 2)]));
const LINKS = linksOf(HOST);
const NOBODY = new Set<string>();
const done = (steps: readonly ShapeStep[]): readonly string[] =>
  steps.map((step) => `${step.do} ${step.link}`);

/** A look at everything finds the kernel as it is. */
function look(standing: Standing, shape: Shape, seen: Seen): void {
  const names = new Set([...shape.keys(), ...seen.keys(), ...standing.known()]);
  const open = new Set(stepsTowards(shape, seen).map(({ link }) => link));
  standing.looked({ names, shape, seen, open });
}

/** One that was looked at when all that is wanted was in force. */
function inForce(shape: Shape): { readonly standing: Standing; readonly seen: Seen } {
  const standing = new Standing();
  const seen = applyAll(stepsTowards(shape, HOST), HOST);
  look(standing, shape, seen);
  return { standing, seen };
}

describe('what can be done without a look', () => {
  it('is all of it for a port that nobody touched yet', () => {
    assert.deepEqual(new Standing().steps(slow, LINKS), stepsTowards(slow, HOST));
  });

  it('is nothing for an interface that is not there', () => {
    assert.deepEqual(
      done(new Standing().steps(slow, new Map())).filter((one) => / va$/.test(one)),
      [],
    );
  });

  it('is done once', () => {
    const standing = new Standing();
    const steps = standing.steps(slow, LINKS);
    standing.acted(steps, { shape: slow, links: LINKS }, NOBODY);
    assert.deepEqual(standing.steps(slow, LINKS), []);
    // nor again when the new ifb is listed, and nobody looked at it
    assert.deepEqual(standing.steps(slow, linksOf(applyAll(steps, HOST))), []);
  });

  it('is a class and nothing else where a limit changes, looked at or not', () => {
    const { standing, seen } = inForce(slow);
    assert.deepEqual(done(standing.steps(fast, linksOf(seen))), ['set-class va']);
    const unseen = new Standing();
    unseen.acted(unseen.steps(slow, LINKS), { shape: slow, links: LINKS }, NOBODY);
    assert.deepEqual(done(unseen.steps(fast, LINKS)), ['set-class va']);
  });

  it('is all of it again for an interface that was made anew by the same name', () => {
    const { standing, seen } = inForce(slow);
    const reborn = new Map(seen).set('va', bareLink(99));
    const steps = standing.steps(slow, linksOf(reborn));
    assert.deepEqual([...new Set(steps.map(({ link }) => link))], ['va']);
    assert.deepEqual(stepsTowards(slow, applyAll(steps, reborn)), []);
  });

  it('is nothing where a program failed midway, nor for who leads to such an ifb', () => {
    const standing = new Standing();
    const steps = standing.steps(slow, LINKS);
    standing.acted(steps, { shape: slow, links: LINKS }, new Set([IFB]));
    assert.deepEqual(standing.steps(fast, LINKS), []);
    // a look ends the doubt
    const seen = applyAll(steps, HOST);
    look(standing, slow, seen);
    assert.deepEqual(done(standing.steps(fast, linksOf(seen))), ['set-class va']);
  });

  it('is nothing at an ifb of an agent before, nor for who leads to it', () => {
    const links = linksOf(new Map(HOST).set(IFB, bareLink(50, 'ifb')));
    assert.deepEqual(new Standing().steps(slow, links), []);
  });

  it('is nothing at what the last look found otherwise than it should be', () => {
    const standing = new Standing();
    const refused = new Map(HOST).set(IFB, bareLink(50, 'ifb')); // all that belongs into it
    look(standing, slow, refused);
    assert.deepEqual(standing.steps(slow, linksOf(refused)), []);
  });

  it('is not to take away what only a look knows by its handle', () => {
    const standing = new Standing();
    standing.acted(standing.steps(slow, LINKS), { shape: slow, links: LINKS }, NOBODY);
    const elsewhere = shapeOf([limitOf(10_000, { classMinor: 2 })]);
    const steps = standing.steps(elsewhere, LINKS);
    assert.ok(!steps.some(({ link }) => link === 'va'), String(done(steps)));
    // with a look the redirect is replaced in place
    const { standing: sure, seen } = inForce(slow);
    assert.ok(sure.steps(elsewhere, linksOf(seen)).some(({ link }) => link === 'va'));
  });

  it('is not to take away what is wanted no longer: who else is in the group must be known', () => {
    const { standing, seen } = inForce(slow);
    assert.deepEqual(standing.steps(new Map(), linksOf(seen)), []);
  });
});

describe('what has to be looked at', () => {
  it('is nothing where nothing changed', () => {
    const { standing, seen } = inForce(slow);
    assert.deepEqual(standing.changed(linksOf(seen), slow), NOBODY);
    assert.deepEqual(standing.unseen(), NOBODY);
  });

  it('is what should be otherwise, and what is another by the same name', () => {
    const { standing, seen } = inForce(slow);
    assert.deepEqual(standing.changed(linksOf(seen), fast), new Set(['va']));
    const reborn = linksOf(new Map(seen).set(IFB, bareLink(98, 'ifb')));
    assert.deepEqual(standing.changed(reborn, slow), new Set([IFB]));
    assert.deepEqual(standing.changed(linksOf(seen), new Map()), new Set(['va', IFB]));
  });

  it('is what was done since, and only that which was done after the mark', () => {
    const { standing, seen } = inForce(slow);
    const links = linksOf(seen);
    const act = (to: Shape): void =>
      standing.acted(standing.steps(to, links), { shape: to, links }, NOBODY);
    act(fast);
    const mark = standing.mark();
    assert.deepEqual([standing.unseen(), standing.unseen(mark)], [new Set(['va']), NOBODY]);
    act(slow);
    assert.deepEqual(standing.unseen(mark), new Set(['va']));
    assert.deepEqual(standing.changed(links, slow), new Set(['va']), 'although it is wanted so');
    look(standing, slow, seen);
    assert.deepEqual([standing.unseen(), standing.changed(links, slow)], [NOBODY, NOBODY]);
  });

  it('is with anything else all that is about to go: it goes as a group', () => {
    const { standing, seen } = inForce(slow);
    const doomed = new Map(seen).set('theirs', { ...bareLink(97, 'dummy'), doomed: true });
    look(standing, slow, doomed);
    assert.deepEqual(standing.changed(linksOf(doomed), slow), NOBODY);
    assert.deepEqual(standing.changed(linksOf(doomed), fast), new Set(['va', 'theirs']));
  });

  it('is what was found otherwise than it should be, again and again', () => {
    const standing = new Standing();
    look(standing, slow, HOST);
    assert.deepEqual(standing.changed(LINKS, slow), new Set(['va', IFB]));
    assert.equal(standing.shape.size, 0, 'nothing of it is in force');
  });

  it('is nothing of what was made and is gone before anybody looked at it', () => {
    const standing = new Standing();
    standing.acted(standing.steps(slow, LINKS), { shape: slow, links: LINKS }, NOBODY);
    look(standing, new Map(), HOST); // others took all of it away, and it is wanted no longer
    assert.deepEqual(standing.unseen(), NOBODY);
    assert.deepEqual(standing.steps(slow, LINKS), stepsTowards(slow, HOST));
  });

  it('is nothing of an interface that is gone and wanted no longer', () => {
    const { standing } = inForce(slow);
    look(standing, new Map(), new Map());
    assert.deepEqual([standing.seen.size, standing.shape.size], [0, 0]);
    assert.deepEqual(standing.changed(new Map(), new Map()), NOBODY);
  });
});

/** What may happen on a node, in any order. */
const events = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ what: fc.constant('want' as const), limits, uplink: uplinks }),
    },
    { weight: 4, arbitrary: fc.record({ what: fc.constant('hurry' as const) }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('fail' as const), at: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('look' as const) }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('reborn' as const), at: fc.nat(3) }) },
  ),
  { maxLength: 12 },
);
type Happening = typeof events extends fc.Arbitrary<(infer One)[]> ? One : never;

/** A kernel that refuses what the real one refuses, and a standing that acts on it without looking. */
class Node {
  readonly #standing = new Standing();
  #kernel: Seen = new Map(['va', 'vb', 'vc', 'vd'].map((name, at) => [name, bareLink(at + 2)]));
  /** As last listed, and told of new ports since. */
  #links = linksOf(this.#kernel);
  #wanted: Shape = new Map();
  #index = 100;

  meets(happening: Happening): void {
    switch (happening.what) {
      case 'want':
        this.#wanted = shapeOf(happening.limits, happening.uplink);
        return;
      case 'hurry':
        return this.#hurry((steps) => steps.length);
      case 'fail':
        return this.#hurry((steps) => happening.at % (steps.length + 1));
      case 'look':
        return this.look();
      case 'reborn':
        return this.#reborn(['va', 'vb', 'vc', 'vd'][happening.at] ?? 'va');
    }
  }

  /** @throws when the kernel refuses a step */
  #hurry(upTo: (steps: readonly ShapeStep[]) => number): void {
    const steps = this.#standing.steps(this.#wanted, this.#links);
    const done = steps.slice(0, upTo(steps));
    this.#kernel = applyAll(done, this.#kernel);
    const whole = done.length === steps.length;
    const doubtful = new Set(whole ? [] : steps.map(({ link }) => link));
    this.#standing.acted(steps, { shape: this.#wanted, links: this.#links }, doubtful);
  }

  look(): void {
    this.#links = linksOf(this.#kernel);
    const steps = stepsTowards(this.#wanted, this.#kernel);
    this.#kernel = applyAll(steps, this.#kernel);
    this.#standing.acted(steps, { shape: this.#wanted, links: this.#links }, NOBODY);
    this.#links = linksOf(this.#kernel);
    look(this.#standing, this.#wanted, this.#kernel);
  }

  #reborn(name: string): void {
    this.#kernel = new Map(this.#kernel).set(name, bareLink((this.#index += 1)));
    const link = linksOf(this.#kernel).get(name);
    if (link) this.#links = new Map(this.#links).set(name, link);
  }

  /** Steps that are left although all was done that can be done without a look. */
  left(): readonly ShapeStep[] {
    return stepsTowards(this.#wanted, this.#kernel);
  }

  get wanted(): Shape {
    return this.#wanted;
  }
}

describe('acting without looking', () => {
  it('never does what the kernel refuses, and a look finds nothing that cannot be put right', () =>
    fc.assert(
      fc.property(events, (all) => {
        const node = new Node();
        node.look();
        for (const one of all) node.meets(one);
        node.look();
        assert.deepEqual(node.left(), []);
      }),
      { numRuns: runs(500) },
    ));

  it('puts everything new in force at once, on trees of their own', () =>
    fc.assert(
      fc.property(limits, limits, (first, second) => {
        const node = new Node();
        node.look();
        for (const all of [first, second]) {
          node.meets({ what: 'want', limits: all, uplink: UPLINK });
          node.look();
        }
        node.meets({ what: 'want', limits: first, uplink: UPLINK });
        node.meets({ what: 'hurry' });
        const later = node.left().filter(({ link }) => node.wanted.has(link));
        assert.deepEqual(later, []);
      }),
      { numRuns: runs(500) },
    ));
});
