import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Address, Family } from '../../src/core/address.ts';
import {
  formatAddress,
  formatCidr,
  formatRange,
  indexInRange,
  nthAddress,
  parseAddress,
  parseCidr,
  parseRange,
  rangeOfCidr,
  rangesOverlap,
  rangeSize,
  rangeWithin,
  widthOf,
} from '../../src/core/address.ts';
import { BadAddress, BadCidr } from '../../src/core/topology-errors.ts';
import { runs } from '../runs.ts';

const address = (family: Family): fc.Arbitrary<Address> =>
  fc
    .bigInt({ min: 0n, max: (1n << BigInt(widthOf(family))) - 1n })
    .map((value) => ({ family, value }));
const anyAddress = fc.oneof(address(4), address(6));

describe('parseAddress', () => {
  for (const { says, text, fault } of [
    { says: 'three parts', text: '192.0.2', fault: /four decimal parts/ },
    { says: 'a leading zero', text: '192.0.2.010', fault: /leading zeros/ },
    { says: 'a part over 255', text: '192.0.2.256', fault: /its part 256 is over 255/ },
    { says: 'hexadecimal', text: '0xC0.0.2.1', fault: /four decimal parts/ },
    { says: 'one number', text: '3221225985', fault: /four decimal parts/ },
    { says: 'blanks', text: ' 192.0.2.1', fault: /four decimal parts/ },
    { says: 'a line break at the end', text: '192.0.2.1\n', fault: /four decimal parts/ },
    { says: 'nothing', text: '', fault: /"" is not an address/ },
    { says: 'a zone', text: 'fe80::1%eth0', fault: /a zone has no meaning/ },
    { says: 'a dotted tail', text: '::ffff:192.0.2.1', fault: /dotted tail/ },
    { says: 'two gaps', text: '2001:db8::1::2', fault: /no IPv6 address/ },
    { says: 'seven groups', text: '1:2:3:4:5:6:7', fault: /no IPv6 address/ },
    { says: 'a group too long', text: '2001:db8::12345', fault: /no IPv6 address/ },
    { says: 'a very long text', text: '1'.repeat(9999), fault: /too long/ },
  ]) {
    it(`refuses ${says}`, () =>
      assert.throws(
        () => parseAddress(text),
        (error) => error instanceof BadAddress && fault.test(error.message),
      ));
  }

  it('accepts exactly what the platform does, of the spellings it takes', () => {
    const piece = fc.constantFrom('1', '0', 'db8', 'ffff', ':', '::', '.', '255', '256', 'g');
    const texts = fc.array(piece, { maxLength: 17 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(texts, (text) => {
        if (text.includes(':') && text.includes('.')) return;
        assert.equal(reads(text), isIP(text), text);
      }),
      { numRuns: runs(3000) },
    );
  });

  const reads = (text: string): number => {
    try {
      return parseAddress(text).family;
    } catch {
      return 0;
    }
  };
});

describe('formatAddress', () => {
  for (const { text, gives } of [
    { text: '2001:0DB8:0:0:1:0:0:1', gives: '2001:db8::1:0:0:1' },
    { text: '0:0:0:0:0:0:0:0', gives: '::' },
    { text: '2001:db8:0:1:1:1:1:1', gives: '2001:db8:0:1:1:1:1:1' },
    { text: '198.51.100.7', gives: '198.51.100.7' },
  ]) {
    it(`writes ${text} as ${gives}`, () => assert.equal(formatAddress(parseAddress(text)), gives));
  }

  it('is undone by parseAddress', () =>
    fc.assert(
      fc.property(anyAddress, (one) => assert.deepEqual(parseAddress(formatAddress(one)), one)),
    ));
});

describe('parseCidr', () => {
  it('names the corrected network when host bits are set', () =>
    assert.throws(
      () => parseCidr('192.0.2.7/24'),
      (error) =>
        error instanceof BadCidr &&
        error.corrected === '192.0.2.0/24' &&
        error.remedy === 'write 192.0.2.0/24',
    ));

  for (const text of ['192.0.2.0', '192.0.2.0/33', '192.0.2.0/', '192.0.2.0/08', '::/129', '::/-1'])
    it(`refuses ${text}`, () => assert.throws(() => parseCidr(text), BadCidr));

  it('reads back what formatCidr writes, and its correction is always taken', () => {
    const cases = anyAddress.chain((one) =>
      fc.record({ one: fc.constant(one), prefix: fc.nat(widthOf(one.family)) }),
    );
    fc.assert(
      fc.property(cases, ({ one, prefix }) => {
        const text = corrected(`${formatAddress(one)}/${prefix}`);
        const cidr = parseCidr(text);
        assert.equal(formatCidr(cidr), text);
        assert.equal(rangeSize(rangeOfCidr(cidr)), 1n << BigInt(widthOf(one.family) - prefix));
        assert(indexInRange(rangeOfCidr(cidr), one) !== undefined);
      }),
    );
  });

  const corrected = (text: string): string => {
    try {
      return formatCidr(parseCidr(text));
    } catch (error) {
      assert(error instanceof BadCidr && error.corrected !== undefined);
      return error.corrected;
    }
  };
});

describe('ranges', () => {
  it('refuse ends that are swapped or of two families', () => {
    assert.throws(() => parseRange({ from: '192.0.2.9', to: '192.0.2.3' }), /ends before/);
    assert.throws(() => parseRange({ from: '192.0.2.9', to: '2001:db8::1' }), /differ in family/);
  });

  it('read as their ends, or as the one address', () => {
    assert.equal(formatRange({ family: 4, from: 1n, to: 2n }), '0.0.0.1-0.0.0.2');
    assert.equal(formatRange({ family: 4, from: 1n, to: 1n }), '0.0.0.1');
  });

  const small = fc
    .tuple(fc.nat(40), fc.nat(10))
    .map(([from, more]) => ({ family: 4 as const, from: BigInt(from), to: BigInt(from + more) }));
  const members = ({ from, to }: { from: bigint; to: bigint }): bigint[] =>
    Array.from({ length: Number(to - from) + 1 }, (_, i) => from + BigInt(i));

  it('agree with sets of their members', () =>
    fc.assert(
      fc.property(small, small, (a, b) => {
        const shared = members(a).filter((value) => members(b).includes(value));
        assert.equal(rangesOverlap(a, b), shared.length > 0);
        assert.equal(rangeWithin(a, b), shared.length === members(b).length);
        assert.equal(rangeSize(a), BigInt(members(a).length));
        for (const [n, value] of members(a).entries()) {
          assert.deepEqual(nthAddress(a, BigInt(n)), { family: 4, value });
          assert.equal(indexInRange(a, { family: 4, value }), BigInt(n));
        }
        assert.equal(nthAddress(a, rangeSize(a)), undefined);
        assert.equal(indexInRange(a, { family: 4, value: a.to + 1n }), undefined);
        assert.equal(indexInRange(a, { family: 6, value: a.from }), undefined);
      }),
    ));
});
