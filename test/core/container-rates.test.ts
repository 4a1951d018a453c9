import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ContainerRates, RateNames } from '../../src/core/container-rates.ts';
import { firstHeard, ratesOf } from '../../src/core/container-rates.ts';
import { runs } from '../runs.ts';

const read = (lines: readonly string[], names: RateNames): ContainerRates =>
  ratesOf(new Map(lines.map((line) => line.split(/=(.*)/s, 2) as [string, string])), names);
const names = { in: 'net_in', out: 'net_out' };

describe('the rates in a container’s environment', () => {
  for (const { says, env, gives } of [
    { says: 'nothing', env: ['PATH=/bin'], gives: {} },
    { says: 'a bare number is kbit/s', env: ['net_in=2048'], gives: { netInKbit: 2048 } },
    {
      says: 'both ways, in units of tc',
      env: ['net_in=200mbit', 'net_out=1gbit'],
      gives: { netInKbit: 200_000, netOutKbit: 1_000_000 },
    },
    { says: 'names are exact', env: ['NET_IN=1', 'net_in_=1', 'xnet_in=1'], gives: {} },
  ])
    it(says, () => assert.deepEqual(read(env, names), { ...gives, faults: [] }));

  it('are looked for under other names when told so', () => {
    const env = ['BW.DOWN=1', 'net_in=7'];
    assert.deepEqual(read(env, { in: 'BW.DOWN', out: 'BW.UP' }), { netInKbit: 1, faults: [] });
  });

  for (const value of [
    ...[
      '10;rm -rf /',
      '$(reboot)',
      '-5',
      '0',
      '0mbit',
      '1e30',
      '1e3',
      '0x10',
      '',
      ' 1',
      '1 ',
      '1\n2',
    ],
    ...['NaN', 'Infinity', 'unlimited', '__secret__hunter2', '{"secret":"net"}', '９', '1mbit/s'],
    ...['9'.repeat(15), '9'.repeat(63), `${'9'.repeat(500)}mbit`, '2tbit', '1000000001'],
  ])
    it(`${JSON.stringify(value.slice(0, 20))} is a fault, and the other way is not lost`, () => {
      const { faults, ...rates } = read([`net_in=${value}`, 'net_out=5'], names);
      assert.deepEqual(rates, { netOutKbit: 5 });
      assert.equal(faults.length, 1);
      assert.equal(faults[0]?.name, 'net_in');
    });

  it('whatever it holds: a rate that tc and the sums can bear, or a fault that hides the value', () => {
    const value = fc.oneof(
      fc.string({ maxLength: 80 }),
      fc.stringMatching(/^[0-9.eEx+-]{1,20}[kmgtKMGT]?i?(bit|bps)?$/),
    );
    fc.assert(
      fc.property(value, (text) => {
        const { netInKbit, faults } = read([`net_in=${text}`], names);
        if (netInKbit === undefined) {
          assert.equal(faults.length, 1);
          if (text.length > 4) assert(!faults[0]?.says.includes(text), faults[0]?.says);
        } else {
          assert(Number.isSafeInteger(netInKbit) && netInKbit >= 1 && netInKbit <= 1e9);
          assert.deepEqual(faults, []);
        }
      }),
      { numRuns: runs(2_000) },
    );
  });
});

describe('who is heard of a limit', () => {
  for (const { says, speakers, gives } of [
    { says: 'nobody: the default stands', speakers: [{}, undefined, {}], gives: {} },
    {
      says: 'the first, of each direction',
      speakers: [{ netInKbit: 1 }, { netInKbit: 2, netOutKbit: 3 }, { netOutKbit: 4 }],
      gives: { netInKbit: 1, netOutKbit: 3 },
    },
    {
      says: 'nobody who says undefined',
      speakers: [{ netInKbit: undefined }, { netInKbit: 2 }],
      gives: { netInKbit: 2 },
    },
  ])
    it(says, () => assert.deepEqual(firstHeard(speakers), gives));
});
