import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createSlicer, type SlicedArray, Unsliceable } from '../../../src/cluster/mesos/slices.ts';

/** Pushes `text` in pieces of the given sizes, again and again, and gives elements and rest. */
function sliced(text: string, path: readonly string[], sizes: readonly number[] = [1 << 20]) {
  const elements: unknown[] = [];
  const visit = (element: Buffer): void => void elements.push(JSON.parse(element.toString()));
  const slicer = createSlicer([{ path, visit }], 1 << 20);
  const bytes = Buffer.from(text);
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    slicer.push(bytes.subarray(at, at + size));
    at += size;
  }
  return { elements, rest: slicer.end() };
}

const AGENTS = ['get_agents', 'agents'];

describe('slicing an array out of JSON', () => {
  for (const { says, text, elements, rest } of [
    {
      says: 'gives each element and keeps what is around',
      text: '{"type":"GET_AGENTS","get_agents":{"agents":[{"a":1},{"b":[2,3]}],"more":[4]}}',
      elements: [{ a: 1 }, { b: [2, 3] }],
      rest: { type: 'GET_AGENTS', get_agents: { agents: [], more: [4] } },
    },
    {
      says: 'whatever the order of keys and the blanks',
      text: ' { "get_agents" : { "agents" : [ {"a":1} , {"a":2} ] } , "type" : "x" } ',
      elements: [{ a: 1 }, { a: 2 }],
      rest: { type: 'x', get_agents: { agents: [] } },
    },
    {
      says: 'an empty array has none',
      text: '{"get_agents":{"agents":[ ]}}',
      elements: [],
      rest: { get_agents: { agents: [] } },
    },
    {
      says: 'brackets, commas and quotes in strings are text',
      text: '{"get_agents":{"agents":[{"a":"],}\\"[{"},"x,]\\\\"]},"z":"\\"}]"}',
      elements: [{ a: '],}"[{' }, 'x,]\\'],
      rest: { get_agents: { agents: [] }, z: '"}]' },
    },
    {
      says: 'elements of any kind',
      text: '{"get_agents":{"agents":[1,"two",null,[3],[]]}}',
      elements: [1, 'two', null, [3], []],
      rest: { get_agents: { agents: [] } },
    },
    {
      says: 'the same key elsewhere is another array',
      text: '{"agents":[1],"x":{"get_agents":{"agents":[2]}},"get_agents":{"x":{"agents":[3]},"agents":[4]}}',
      elements: [4],
      rest: {
        agents: [1],
        x: { get_agents: { agents: [2] } },
        get_agents: { x: { agents: [3] }, agents: [] },
      },
    },
    {
      says: 'a path goes through objects only',
      text: '{"get_agents":[{"agents":[1]}]}',
      elements: [],
      rest: { get_agents: [{ agents: [1] }] },
    },
    {
      says: 'an element that is called like the path is an element',
      text: '{"get_agents":{"agents":[{"get_agents":{"agents":[1]}}]}}',
      elements: [{ get_agents: { agents: [1] } }],
      rest: { get_agents: { agents: [] } },
    },
    {
      says: 'no object there is left alone',
      text: '{"get_agents":{"agents":"none"}}',
      elements: [],
      rest: { get_agents: { agents: 'none' } },
    },
    {
      says: 'characters of several bytes survive the borders of pieces',
      text: '{"get_agents":{"agents":["größe — 𝄞"]},"ü":"é"}',
      elements: ['größe — 𝄞'],
      rest: { get_agents: { agents: [] }, ü: 'é' },
    },
  ])
    it(says, () => {
      for (const sizes of [[1 << 20], [1], [2], [3, 1, 7]])
        assert.deepEqual(sliced(text, AGENTS, sizes), { elements, rest });
    });

  it('agrees with JSON.parse on any value, however it is cut', () => {
    const key = fc.constantFrom('a', 'b', 'type', 'x"y', 'ü');
    const value = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 6 }),
        fc.dictionary(key, value),
        fc.dictionary(key, value),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        fc.constantFrom(undefined, 1),
        (wanted, around, outer, sizes, indent) => {
          const whole = { ...outer, get_agents: { ...around, agents: wanted } };
          const text = JSON.stringify(whole, null, indent);
          const got = sliced(text, AGENTS, sizes);
          const again = JSON.parse(text) as typeof whole;
          assert.deepEqual(got.elements, again.get_agents.agents);
          assert.deepEqual(got.rest, { ...again, get_agents: { ...again.get_agents, agents: [] } });
        },
      ),
    );
  });

  it('several arrays at once; skipped ones are not kept', () => {
    const seen: string[] = [];
    const arrays: SlicedArray[] = [
      { path: ['s', 'tasks'], visit: (element) => void seen.push(`t${element.toString()}`) },
      { path: ['s', 'agents'], visit: (element) => void seen.push(`a${element.toString()}`) },
      { path: ['s', 'old'] },
    ];
    const slicer = createSlicer(arrays, 100);
    slicer.push(
      Buffer.from(`{"s":{"agents":[1,2],"old":[${'"x",'.repeat(500)}"x"],"tasks":[3],"y":1}}`),
    );
    assert.deepEqual(slicer.end(), { s: { agents: [], old: [], tasks: [], y: 1 } });
    assert.deepEqual(seen, ['a1', 'a2', 't3']);
  });

  for (const { says, text } of [
    {
      says: 'an element that is too long',
      text: `{"get_agents":{"agents":["${'x'.repeat(999)}"]}}`,
    },
    { says: 'a rest that is too long', text: `{"x":"${'x'.repeat(999)}"}` },
    { says: 'an endless element', text: `{"get_agents":{"agents":[${'['.repeat(999)}` },
    { says: 'endless depth', text: '['.repeat(999) },
    { says: 'an end in the middle', text: '{"get_agents":{"agents":[{}' },
    { says: 'an end in a string', text: '{"get' },
    { says: 'what is no JSON', text: 'Not found' },
    { says: 'nothing', text: '' },
    { says: 'too many brackets', text: '{}}' },
  ])
    it(`refuses ${says}`, () => {
      for (const size of [1, 7, 4096]) {
        const run = (): void => {
          const slicer = createSlicer([{ path: AGENTS, visit: () => undefined }], 200);
          const bytes = Buffer.from(text);
          for (let at = 0; at < bytes.length; at += size)
            slicer.push(bytes.subarray(at, at + size));
          slicer.end();
        };
        assert.throws(run, Unsliceable);
      }
    });
});
