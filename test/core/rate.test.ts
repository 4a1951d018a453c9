import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BadRate, formatRate, parseRate } from '../../src/core/rate.ts';

describe('parseRate', () => {
  for (const { says, rate, kbit } of [
    { says: 'takes a bare number for kbit/s', rate: 10240, kbit: 10240 },
    { says: 'takes bare text for kbit/s', rate: '10240', kbit: 10240 },
    { says: 'reads bit', rate: '8000bit', kbit: 8 },
    { says: 'reads kbit', rate: '512kbit', kbit: 512 },
    { says: 'reads mbit', rate: '200mbit', kbit: 200_000 },
    { says: 'reads gbit', rate: '10gbit', kbit: 10_000_000 },
    { says: 'reads tbit', rate: '1tbit', kbit: 1_000_000_000 },
    { says: 'reads Kibit as 1024 bit, rounded up', rate: '1Kibit', kbit: 2 },
    { says: 'reads Mibit', rate: '1Mibit', kbit: 1049 },
    { says: 'reads Gibit', rate: '1Gibit', kbit: 1_073_742 },
    { says: 'reads Tibit', rate: '1Tibit', kbit: 1_099_511_628 },
    { says: 'reads bps as bytes', rate: '1000bps', kbit: 8 },
    { says: 'reads kbps as bytes', rate: '1kbps', kbit: 8 },
    { says: 'reads mbps as bytes', rate: '25mbps', kbit: 200_000 },
    { says: 'reads gbps as bytes', rate: '1gbps', kbit: 8_000_000 },
    { says: 'reads tbps as bytes', rate: '1tbps', kbit: 8_000_000_000 },
    { says: 'reads KiBps as bytes', rate: '125KiBps', kbit: 1024 },
    { says: 'reads MiBps as bytes', rate: '1MiBps', kbit: 8389 },
    { says: 'ignores case as tc does', rate: '1MBIT', kbit: 1000 },
    { says: 'ignores case of bytes too', rate: '1KBPS', kbit: 8 },
    { says: 'reads decimals exactly', rate: '1.1gbit', kbit: 1_100_000 },
    { says: 'reads a leading point', rate: '.5mbit', kbit: 500 },
    { says: 'reads a trailing point', rate: '5.mbit', kbit: 5000 },
    { says: 'rounds a fraction of a kbit up', rate: '0.1', kbit: 1 },
    { says: 'rounds a number up', rate: 1.5, kbit: 2 },
    { says: 'rounds one bit up', rate: '1bit', kbit: 1 },
    { says: 'reaches 2^53 - 1', rate: '9007199254740991', kbit: Number.MAX_SAFE_INTEGER },
  ]) {
    it(says, () => assert.equal(parseRate(rate), kbit));
  }

  for (const { says, rate, message } of [
    { says: 'zero', rate: 0, message: '"0" is not a usable rate: it must be more than zero' },
    { says: 'zero in text', rate: '0mbit', message: /must be more than zero/ },
    { says: 'negative numbers', rate: -1, message: /must be more than zero/ },
    { says: 'signs', rate: '-1mbit', message: /not a plain decimal number/ },
    { says: 'a plus sign', rate: '+1mbit', message: /not a plain decimal number/ },
    { says: 'NaN', rate: NaN, message: /must be more than zero/ },
    { says: 'infinity', rate: Infinity, message: /over 2\^53 kbit/ },
    { says: '10^30', rate: 1e30, message: /over 2\^53 kbit/ },
    { says: '10^30 in digits', rate: `1${'0'.repeat(30)}`, message: /over 2\^53 kbit/ },
    { says: '2^53', rate: 2 ** 53, message: /over 2\^53 kbit/ },
    { says: '2^53 in text', rate: '9007199254740992', message: /over 2\^53 kbit/ },
    { says: 'emptiness', rate: '', message: /not a plain decimal number/ },
    { says: 'a lone point', rate: '.', message: /not a plain decimal number/ },
    { says: 'a unit alone', rate: 'mbit', message: /not a plain decimal number/ },
    { says: 'space', rate: '1 mbit', message: /not a plain decimal number/ },
    { says: 'space around', rate: ' 1', message: /not a plain decimal number/ },
    { says: 'a line feed at the end', rate: '1\n', message: /not a plain decimal number/ },
    { says: 'a shell', rate: '10;rm -rf /', message: /not a plain decimal number/ },
    { says: 'hex', rate: '0x10', message: /not a plain decimal number/ },
    { says: 'exponents', rate: '1e3kbit', message: /not a plain decimal number/ },
    { says: 'two points', rate: '1.2.3', message: /not a plain decimal number/ },
    { says: 'other digits', rate: '١٢', message: /not a plain decimal number/ },
    { says: 'a unit with a look-alike letter', rate: '1\u212Abit', message: /plain decimal/ },
    { says: 'a bare prefix, as tc does', rate: '10m', message: /tc\(8\) knows no unit "m"/ },
    { says: 'unknown units', rate: '10mb', message: /tc\(8\) knows no unit "mb"/ },
    { says: 'long text', rate: '9'.repeat(100_000), message: /it has 100000 characters/ },
  ]) {
    it(`refuses ${says}`, () => assert.throws(() => parseRate(rate), { name: 'BadRate', message }));
  }

  it('names the way out', () =>
    assert.throws(() => parseRate('fast'), { code: 'bad-rate', remedy: /200mbit/ }));

  it('gives a whole number over zero or a BadRate for any text', () => {
    const rate = fc.oneof(fc.string(), fc.stringMatching(/^[0-9.]{0,20}[kmgtKMGT]?i?(bit|Bps)?$/));
    fc.assert(
      fc.property(rate, (text) => {
        try {
          const kbit = parseRate(text);
          assert.ok(Number.isSafeInteger(kbit) && kbit > 0);
        } catch (fault) {
          assert.ok(fault instanceof BadRate);
        }
      }),
    );
  });

  it('agrees with plain arithmetic on whole numbers of every unit', () => {
    const units = [
      ['bit', 1, 1],
      ['kbit', 1e3, 1],
      ['mbit', 1e6, 1],
      ['gbit', 1e9, 1],
      ['Kibit', 2 ** 10, 1],
      ['Mibit', 2 ** 20, 1],
      ['bps', 1, 8],
      ['kbps', 1e3, 8],
      ['MiBps', 2 ** 20, 8],
    ] as const;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4000 }),
        fc.constantFrom(...units),
        (count, [unit, bits, times]) => {
          assert.equal(parseRate(`${count}${unit}`), Math.ceil((count * bits * times) / 1000));
        },
      ),
    );
  });

  it('never gives less than what was asked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10 ** 9 }),
        fc.integer({ min: 1, max: 999 }),
        (whole, milli) => {
          assert.equal(parseRate(`${whole}.${String(milli).padStart(3, '0')}kbit`), whole + 1);
        },
      ),
    );
  });
});

describe('formatRate', () => {
  for (const { kbit, text } of [
    { kbit: 0, text: '0 kbit/s' },
    { kbit: 1, text: '1 kbit/s' },
    { kbit: 999, text: '999 kbit/s' },
    { kbit: 1000, text: '1 Mbit/s' },
    { kbit: 10_240, text: '10.24 Mbit/s' },
    { kbit: 200_000, text: '200 Mbit/s' },
    { kbit: 1_500_000, text: '1.5 Gbit/s' },
    { kbit: 999_999_999, text: '999.999 Gbit/s' },
    { kbit: 2_000_000_000, text: '2 Tbit/s' },
    { kbit: -1_500, text: '-1.5 Mbit/s' },
    { kbit: 0.3, text: '0.3 kbit/s' },
  ]) {
    it(`writes ${kbit} as ${text}`, () => assert.equal(formatRate(kbit), text));
  }
});
