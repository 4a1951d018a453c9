import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BadFraming, RecordReader } from '../../../src/cluster/mesos/record-io.ts';

function recordsIn(bytes: Buffer, sizes: readonly number[]) {
  const records: string[] = [];
  let parts: Buffer[] = [];
  const reader = new RecordReader({
    part: (part) => void parts.push(Buffer.from(part)),
    end: () => {
      records.push(Buffer.concat(parts).toString());
      parts = [];
    },
  });
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    reader.push(bytes.subarray(at, at + size));
    at += size;
  }
  return { records, midway: reader.midway };
}

const framed = (text: string): Buffer => Buffer.from(`${Buffer.byteLength(text)}\n${text}`);

describe('RecordIO', () => {
  it('gives every record back, whatever is in it and wherever pieces end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 40 })),
        fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1 }),
        (texts, sizes) => {
          const bytes = Buffer.concat(texts.map(framed));
          assert.deepEqual(recordsIn(bytes, sizes), { records: texts, midway: false });
        },
      ),
    );
  });

  it('counts bytes, not characters', () => {
    assert.deepEqual(recordsIn(Buffer.from('5\né€2\nß0\n1\nx'), [1]).records, ['é€', 'ß', '', 'x']);
  });

  it('knows that it ends in the middle', () => {
    for (const text of ['1', '12', '5\n', '5\nabcd'])
      assert.equal(recordsIn(Buffer.from(text), [2]).midway, true, text);
  });

  for (const { says, text } of [
    { says: 'no length', text: '{"type":"HEARTBEAT"}' },
    { says: 'an empty length', text: '\n' },
    { says: 'a sign', text: '-1\n' },
    { says: 'a blank', text: ' 1\nx' },
    { says: 'a carriage return', text: '1\r\nx' },
    { says: 'hexadecimal', text: '0x10\n' },
    { says: 'more digits than any length has', text: '00000000001\n' },
    { says: 'more than is ever sent', text: '9999999999\n' },
    { says: 'a line feed behind a record', text: '1\nx\n1\ny' },
    { says: 'a length without an end', text: '1'.repeat(1_000_000) },
  ])
    it(`refuses ${says}`, () => {
      assert.throws(() => recordsIn(Buffer.from(text), [3]), BadFraming);
    });
});
