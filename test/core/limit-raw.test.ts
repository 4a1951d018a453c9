import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readRawLimit, UnreadableLimit } from '../../src/core/limit-raw.ts';
import { runs } from '../runs.ts';

describe('readRawLimit', () => {
  for (const { says, value, gives } of [
    {
      says: 'reads a whole record',
      value: '{"v":1,"netInKbit":100,"netOutKbit":200,"classMinor":256}',
      gives: { netInKbit: 100, netOutKbit: 200 },
    },
    { says: 'reads one direction', value: '{"netOutKbit":200}', gives: { netOutKbit: 200 } },
    {
      says: 'reads rates as tc spells them',
      value: '{"netInKbit":"100mbit","netOutKbit":"1MiBps"}',
      gives: { netInKbit: 100_000, netOutKbit: 8389 },
    },
    { says: 'takes nothing for no wish', value: '{}', gives: {} },
    {
      says: 'hears who insists',
      value: '{"netInKbit":100,"forced":true}',
      gives: { netInKbit: 100, force: true },
    },
    { says: 'passes over the class', value: '{"classMinor":"mine"}', gives: {} },
    {
      says: 'knows what an edit leaves there',
      value: '{"v":1,"netInKbit":9,"netOutKbit":9,"classMinor":1,"edit":"a-b","editedMs":5}',
      gives: { netInKbit: 9, netOutKbit: 9 },
    },
  ])
    it(says, () => assert.deepEqual(readRawLimit(value), gives));

  for (const { says, value, message } of [
    { says: 'nothing', value: '', message: /it is not JSON$/ },
    { says: 'half a record', value: '{"netInKbit":', message: /it is not JSON$/ },
    { says: 'a shell', value: '10;rm -rf /', message: /it is not JSON$/ },
    { says: 'a bare number', value: '100', message: /it is not a JSON object$/ },
    { says: 'null', value: 'null', message: /it is not a JSON object$/ },
    { says: 'a list', value: '[1]', message: /it is not a JSON object$/ },
    { says: 'a typo', value: '{"netinKbit":1}', message: /it has a "netinKbit"$/ },
    { says: 'zero', value: '{"netInKbit":0}', message: /"netInKbit": "0" is not a usable rate/ },
    { says: 'less', value: '{"netInKbit":-5}', message: /must be more than zero/ },
    { says: 'too much', value: '{"netInKbit":1e30}', message: /over 2\^53/ },
    { says: 'a unit of no rate', value: '{"netInKbit":"5parsec"}', message: /no unit "parsec"/ },
    {
      says: 'a secret',
      value: '{"netInKbit":{"secret":"s"}}',
      message: /neither a number nor text/,
    },
    { says: 'null for a rate', value: '{"netInKbit":null}', message: /neither a number nor text/ },
    { says: 'another version', value: '{"v":2}', message: /"v" is not 1/ },
    { says: 'a vague mark', value: '{"forced":"yes"}', message: /neither true nor false/ },
    { says: 'a novel', value: `"${'x'.repeat(5_000)}"`, message: /it has 5002 characters/ },
  ])
    it(`refuses ${says}`, () =>
      assert.throws(() => readRawLimit(value), { code: 'unreadable-limit', message }));

  it('refuses or reads, whatever stands there, and only whole positive rates', () => {
    const odd = fc.oneof(
      fc.string(),
      fc.json(),
      fc.dictionary(fc.string(), fc.double()).map((o) => JSON.stringify(o)),
    );
    fc.assert(
      fc.property(odd, (value) => {
        try {
          const { netInKbit = 1, netOutKbit = 1 } = readRawLimit(value);
          for (const kbit of [netInKbit, netOutKbit])
            assert(Number.isSafeInteger(kbit) && kbit > 0);
        } catch (fault) {
          assert(fault instanceof UnreadableLimit);
        }
      }),
      { numRuns: runs(2_000) },
    );
  });
});
