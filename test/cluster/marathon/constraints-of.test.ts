import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  constraintsOfApp,
  constraintsOfPod,
} from '../../../src/cluster/marathon/constraints-of.ts';
import type { Json } from '../../../src/cluster/marathon/json.ts';

const ofApp = (...constraints: readonly Json[]) => constraintsOfApp({ constraints });
const ofPod = (...constraints: readonly Json[]) =>
  constraintsOfPod({ scheduling: { placement: { constraints } } });

describe('constraintsOfApp', () => {
  for (const { says, item, gives } of [
    {
      says: 'reads two parts',
      item: ['hostname', 'UNIQUE'],
      gives: { field: 'hostname', operator: 'UNIQUE' },
    },
    {
      says: 'reads three',
      item: ['rack', 'LIKE', 'r[12]'],
      gives: { field: 'rack', operator: 'LIKE', value: 'r[12]' },
    },
    { says: 'IS may lack a value', item: ['rack', 'IS'], gives: { field: 'rack', operator: 'IS' } },
    {
      says: 'an empty pattern is a pattern',
      item: ['rack', 'UNLIKE', ''],
      gives: { field: 'rack', operator: 'UNLIKE', value: '' },
    },
    {
      says: 'MAX_PER 0 is valid',
      item: ['rack', 'MAX_PER', '0'],
      gives: { field: 'rack', operator: 'MAX_PER', value: '0' },
    },
    {
      says: 'GROUP_BY may lack a value',
      item: ['@zone', 'GROUP_BY'],
      gives: { field: '@zone', operator: 'GROUP_BY' },
    },
    {
      says: 'CLUSTER may have one',
      item: ['@region', 'CLUSTER', 'eu'],
      gives: { field: '@region', operator: 'CLUSTER', value: 'eu' },
    },
  ]) {
    it(says, () => assert.deepEqual(ofApp(item), { constraints: [gives], faults: [] }));
  }

  for (const { says, item, message } of [
    {
      says: 'lower case',
      item: ['hostname', 'unique'],
      message: 'has an operator that Marathon does not know: "unique"',
    },
    {
      says: 'unknown operators',
      item: ['hostname', 'NEAR', 'x'],
      message: 'has an operator that Marathon does not know: "NEAR"',
    },
    { says: 'inherited names', item: ['hostname', 'constructor'], message: /does not know/ },
    { says: 'one part', item: ['hostname'], message: /does not know/ },
    {
      says: 'four parts',
      item: ['hostname', 'LIKE', 'a', 'b'],
      message: 'names no field, or has too many parts',
    },
    { says: 'text', item: 'hostname:UNIQUE', message: 'names no field, or has too many parts' },
    {
      says: 'numbers as values',
      item: ['rack', 'MAX_PER', 2],
      message: 'has a value that is no string',
    },
    {
      says: 'UNIQUE with a value',
      item: ['rack', 'UNIQUE', 'x'],
      message: 'UNIQUE takes no value',
    },
    { says: 'LIKE without one', item: ['rack', 'LIKE'], message: 'LIKE needs a value' },
    { says: 'MAX_PER without one', item: ['rack', 'MAX_PER'], message: 'MAX_PER needs a value' },
    {
      says: 'MAX_PER with text',
      item: ['rack', 'MAX_PER', 'two'],
      message: 'MAX_PER needs a whole number',
    },
    {
      says: 'GROUP_BY with a fraction',
      item: ['rack', 'GROUP_BY', '1.5'],
      message: 'GROUP_BY needs a whole number',
    },
  ]) {
    it(`leaves out and reports ${says}`, () => {
      const { constraints, faults } = ofApp(['hostname', 'UNIQUE'], item);
      assert.deepEqual(constraints, [{ field: 'hostname', operator: 'UNIQUE' }]);
      assert.equal(faults.length, 1);
      assert.equal(faults[0]!.path, '/constraints(1)');
      assert.match(
        faults[0]!.message,
        typeof message === 'string' ? new RegExp(`^${message.replace(/[()]/g, '.')}$`) : message,
      );
    });
  }

  it('collapses repeats', () =>
    assert.equal(ofApp(['a', 'UNIQUE'], ['a', 'UNIQUE'], ['b', 'UNIQUE']).constraints.length, 2));
  it('reads nothing where there is nothing', () =>
    assert.deepEqual(constraintsOfApp({}), { constraints: [], faults: [] }));
});

describe('constraintsOfPod', () => {
  it('takes operators in any case', () =>
    assert.deepEqual(ofPod({ fieldName: 'rack', operator: 'max_Per', value: '2' }), {
      constraints: [{ field: 'rack', operator: 'MAX_PER', value: '2' }],
      faults: [],
    }));
  it('takes null for no value', () =>
    assert.deepEqual(
      ofPod({ fieldName: 'hostname', operator: 'UNIQUE', value: null }).constraints,
      [{ field: 'hostname', operator: 'UNIQUE' }],
    ));
  it('reports with the path of the pod', () =>
    assert.deepEqual(ofPod({ operator: 'UNIQUE' }).faults, [
      {
        path: '/scheduling/placement/constraints(0)',
        message: 'names no field, or has too many parts',
      },
    ]));
});
