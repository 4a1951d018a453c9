import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BadJson } from '../../src/plumbing/errors.ts';
import { type JsonLimits, parseStrictJson } from '../../src/plumbing/strict-json.ts';
import { runs } from '../runs.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (text: string, limits?: JsonLimits): unknown => parseStrictJson(bytes(text), limits);
const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

describe('parseStrictJson refuses', () => {
  for (const { says, body, limits, fault, at, why } of [
    { says: 'an empty body', body: '', fault: 'empty', at: 0, why: 'it is empty' },
    { says: 'white space only', body: ' \n ', fault: 'empty', at: 3 },
    {
      says: 'a UTF-8 byte order mark',
      body: '\ufeff{}',
      fault: 'encoding',
      at: 0,
      why: 'order mark',
    },
    {
      says: 'UTF-16 with a mark',
      body: [0xff, 0xfe, 0x7b, 0, 0x7d, 0],
      fault: 'encoding',
      why: 'as UTF-16',
    },
    { says: 'UTF-16, big end first, with a mark', body: [0xfe, 0xff, 0, 0x7b], fault: 'encoding' },
    {
      says: 'UTF-16 without a mark',
      body: [0x7b, 0, 0x7d, 0],
      fault: 'encoding',
      why: 'like UTF-16',
    },
    {
      says: 'UTF-16, big end first',
      body: [0, 0x7b, 0, 0x7d],
      fault: 'encoding',
      why: 'like UTF-16',
    },
    {
      says: 'UTF-32 with a mark',
      body: [0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0],
      fault: 'encoding',
      why: 'UTF-32',
    },
    { says: 'UTF-32 without a mark', body: [0, 0, 0, 0x7b], fault: 'encoding', why: 'UTF-32' },
    {
      says: 'invalid UTF-8, and says where',
      body: [0x22, 0x61, 0xc3, 0x28, 0x22],
      fault: 'encoding',
      at: 3,
    },
    { says: 'UTF-8 cut in a character', body: [0x22, 0xe2, 0x82], fault: 'encoding' },
    {
      says: 'a surrogate spelled in UTF-8',
      body: [0x22, 0xed, 0xa0, 0x80, 0x22],
      fault: 'encoding',
      at: 2,
    },
    { says: 'a second value', body: '{} {}', fault: 'trailing', at: 3 },
    { says: 'a stray bracket', body: '{}}', fault: 'trailing', at: 2 },
    {
      says: 'a key given twice',
      body: '{"a":1,"b":2,"a":3}',
      fault: 'duplicate-key',
      at: 13,
      why: 'the key "a" occurs twice in the body',
    },
    {
      says: 'a key given twice, far down',
      body: '{"apps":[{},{"env":{"x":1,"x":2}}]}',
      fault: 'duplicate-key',
      why: '"x" occurs twice in "/apps/1/env"',
    },
    {
      says: 'a key given twice in two spellings',
      body: '{"id":1,"\\u0069d":2}',
      fault: 'duplicate-key',
      why: '"id"',
    },
    {
      says: 'the tenth of many keys given twice',
      body: `{${[...Array(10).keys()].map((n) => `"k${n}":0,`).join('')}"k9":0}`,
      fault: 'duplicate-key',
    },
    {
      says: 'the same odd key twice',
      body: '{"__proto__":1,"__proto__":2}',
      fault: 'duplicate-key',
    },
    {
      says: 'nesting past the default',
      body: deep(65),
      fault: 'too-deep',
      at: 64,
      why: 'deeper than 64',
    },
    {
      says: 'nesting past a given bound',
      body: '{"a":{}}',
      limits: { maxDepth: 1 },
      fault: 'too-deep',
      at: 5,
    },
    { says: 'a million open brackets', body: '['.repeat(1_000_000), fault: 'too-deep' },
    {
      says: 'more values than asked for',
      body: '[1,2,3]',
      limits: { maxNodes: 3 },
      fault: 'too-many',
      at: 5,
    },
    { says: 'half a surrogate pair', body: '"\\ud83d"', fault: 'surrogate', at: 1 },
    { says: 'the second half alone', body: '"x\\ude00"', fault: 'surrogate', at: 2 },
    { says: 'two first halves', body: '"\\ud83d\\ud83d"', fault: 'surrogate' },
    { says: 'half a pair in a key', body: '{"\\ud83d":1}', fault: 'surrogate' },
    { says: 'a number beyond a double', body: '[1e309]', fault: 'number', at: 1 },
    { says: 'a number beyond a double in digits', body: '9'.repeat(400), fault: 'number' },
    { says: 'a cut object', body: '{"a":1', fault: 'syntax', at: 6 },
    { says: 'a cut string', body: '{"é', fault: 'syntax', at: 4, why: 'does not end' },
    { says: 'a comma too many', body: '[1,]', fault: 'syntax', at: 3 },
    { says: 'a comma too many in an object', body: '{"a":1,}', fault: 'syntax', at: 7 },
    { says: 'a bracket of the other kind', body: '[1}', fault: 'syntax', at: 2 },
    { says: 'a key without quotes', body: '{a:1}', fault: 'syntax', at: 1 },
    { says: 'NaN', body: 'NaN', fault: 'syntax', at: 0 },
    { says: 'a leading zero', body: '01', fault: 'trailing', at: 1 },
    { says: 'a plus sign', body: '+1', fault: 'syntax' },
    { says: 'a comment', body: '{}//', fault: 'trailing' },
    {
      says: 'a raw line break in a string',
      body: '"a\nb"',
      fault: 'syntax',
      why: 'control character',
    },
    { says: 'an unknown escape', body: '"\\x41"', fault: 'syntax' },
    { says: 'a short escape', body: '"\\u12"', fault: 'syntax' },
    { says: 'a no-break space between tokens', body: '[\u00a01]', fault: 'syntax' },
  ] as {
    says: string;
    body: string | number[];
    limits?: JsonLimits;
    fault: string;
    at?: number;
    why?: string;
  }[]) {
    it(says, () => {
      const given = typeof body === 'string' ? bytes(body) : Uint8Array.from(body);
      assert.throws(
        () => parseStrictJson(given, limits),
        (thrown) => {
          assert.ok(thrown instanceof BadJson, String(thrown));
          assert.equal(thrown.fault, fault);
          if (at !== undefined) assert.equal(thrown.at, at);
          if (why !== undefined) assert.ok(thrown.message.includes(why), thrown.message);
          return true;
        },
      );
    });
  }
});

describe('parseStrictJson', () => {
  for (const { says, body } of [
    { says: 'takes a bare scalar', body: ' 12 ' },
    { says: 'takes the deepest allowed nesting', body: deep(64) },
    { says: 'takes the same key in two objects', body: '[{"a":1},{"a":{"a":2}}]' },
    { says: 'takes both halves of a pair', body: '"\\ud83d\\ude00 😀 \\u0041"' },
    { says: 'takes every escape', body: '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9"' },
    { says: 'takes numbers of every form', body: '[-0, 0.5, 1e3, 1E-400, -1.5e+2]' },
    { says: 'takes words', body: '[true,false,null]' },
    { says: 'takes empty containers', body: '{"a":{},"b":[ ]}' },
  ]) {
    it(says, () => assert.deepEqual(parse(body), JSON.parse(body)));
  }

  it('keeps __proto__ as a plain key', () => {
    const value = parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>;
    assert.deepEqual(Object.keys(value), ['__proto__']);
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.equal(({} as { polluted?: true }).polluted, undefined);
  });

  it('gives back whatever JSON can say', () => {
    const json = fc.jsonValue({ maxDepth: 6, stringUnit: 'grapheme' });
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        assert.deepEqual(parse(text), JSON.parse(text));
      }),
    );
  });

  it('throws nothing but its own refusal, and what it takes JSON.parse takes alike', () => {
    const start =
      '{"id":"/shop/w\\u00e9b","instances":[1,2.5e3,{"a":null,"é":true}],"x":"\\ud83d\\ude00"}';
    const spoil = fc.array(fc.tuple(fc.nat(90), fc.nat(255), fc.nat(2)), { maxLength: 6 });
    fc.assert(
      fc.property(spoil, (edits) => {
        const body = [...bytes(start)];
        for (const [at, byte, how] of edits)
          body.splice(at, how === 0 ? 1 : 0, ...(how < 2 ? [byte] : []));
        const given = Uint8Array.from(body);
        try {
          assert.deepEqual(parseStrictJson(given), JSON.parse(new TextDecoder().decode(given)));
        } catch (thrown) {
          if (!(thrown instanceof BadJson)) throw thrown;
        }
      }),
      { numRuns: runs(3_000) },
    );
  });

  it('refuses no more of strange token soup than JSON.parse does, but for its own reasons', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"b"',
      '1',
      '-',
      'null',
      ' ',
      '0',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
        const text = tokens.join('');
        try {
          JSON.parse(text);
        } catch {
          assert.throws(() => parse(text), BadJson);
          return;
        }
        try {
          parse(text);
        } catch (thrown) {
          assert.ok(thrown instanceof BadJson && thrown.fault === 'duplicate-key', text);
        }
      }),
      { numRuns: runs(3_000) },
    );
  });
});
