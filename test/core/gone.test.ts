import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { goneNodes, type NodeHeard, type Silences } from '../../src/core/gone.ts';

const HOLD = 1_000;
const names = Array.from({ length: 10 }, (_, n) => `node-${n}`);

/** Looks at ten nodes, of which all but those in `silent` are heard of in every way. */
function play(looks: readonly { at: number; alive?: string; listed?: string; silent: string[] }[]) {
  let silences: Silences = new Map();
  return looks.map(({ at, alive, listed, silent }) => {
    const nodes = names.map((node): NodeHeard => {
      const quiet = silent.includes(node);
      return { node, alive: !quiet || node === alive, listed: !quiet || node === listed };
    });
    const found = goneNodes(nodes, { silences, steadyMs: at, holdDownMs: HOLD });
    silences = found.silences;
    return found.tooMany ? 'too many' : found.gone.join(' ');
  });
}

describe('a node is gone', () => {
  const silent = ['node-1'];
  for (const { says, looks, gives } of [
    {
      says: 'once nobody has heard of it for the hold-down',
      looks: [
        { at: 0, silent },
        { at: 999, silent },
        { at: 1_000, silent },
      ],
      gives: ['', '', 'node-1'],
    },
    {
      says: 'not while its agent lives, whatever Mesos says',
      looks: [
        { at: 0, silent, alive: 'node-1' },
        { at: 5_000, silent, alive: 'node-1' },
      ],
      gives: ['', ''],
    },
    {
      says: 'not while Mesos lists it, whatever its agent says',
      looks: [
        { at: 0, silent, listed: 'node-1' },
        { at: 5_000, silent, listed: 'node-1' },
      ],
      gives: ['', ''],
    },
    {
      says: 'only after a silence that nothing interrupted',
      looks: [
        { at: 0, silent },
        { at: 900, silent: [] },
        { at: 1_100, silent },
        { at: 2_099, silent },
        { at: 2_100, silent },
      ],
      gives: ['', '', '', '', 'node-1'],
    },
    {
      says: 'unless more than a tenth are silent at once',
      looks: [
        { at: 0, silent },
        { at: 2_000, silent: ['node-1', 'node-2'] },
      ],
      gives: ['', 'too many'],
    },
  ])
    it(says, () => assert.deepEqual(play(looks), gives));

  it('never that was heard of within the hold-down', () => {
    const look = fc.record({ pause: fc.integer({ min: 0, max: 700 }), heard: fc.boolean() });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 20 }), (looks) => {
        let at = 0;
        let lastHeard = 0;
        const plays = looks.map(({ pause, heard }) => {
          at += pause;
          if (heard) lastHeard = at;
          return { at, silent: heard ? [] : ['node-3'], since: at - lastHeard };
        });
        play(plays).forEach((gone, index) => {
          if ((plays[index]?.since ?? 0) < HOLD) assert.equal(gone, '');
        });
      }),
    );
  });
});
