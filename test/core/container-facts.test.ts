import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { factName, factsOf } from '../../src/core/container-facts.ts';

const names = {
  rates: { in: 'net_in', out: 'net_out' },
  app: [factName('env:MARATHON_APP_ID')],
  task: [factName('env:MESOS_TASK_ID'), factName('label:MESOS_TASK_ID')],
};
const says = (env: Record<string, string>, labels: Record<string, string> = {}) =>
  factsOf({ env: new Map(Object.entries(env)), labels }, names);

describe('what a container says of itself', () => {
  it('is what Marathon wrote into its environment', () => {
    const env = { MARATHON_APP_ID: '/shop/web', MESOS_TASK_ID: 'shop_web.1', net_in: '10mbit' };
    assert.deepEqual(says(env, { MESOS_TASK_ID: 'another' }), {
      app: '/shop/web',
      task: 'shop_web.1',
      netInKbit: 10_000,
      faults: [],
    });
  });
  it('is nothing for a container of somebody else', () => {
    assert.deepEqual(says({ PATH: '/bin' }, { vendor: 'x' }), { faults: [] });
  });
  it('may be in labels', () => {
    assert.deepEqual(says({}, { MESOS_TASK_ID: 't1' }), { task: 't1', faults: [] });
  });
  it('may stand under other names', () => {
    const other = { ...names, app: [factName('label:org.example:app')] };
    const words = { env: new Map(), labels: { 'org.example:app': '/a' } };
    assert.deepEqual(factsOf(words, other), { app: '/a', faults: [] });
  });
  for (const id of ['no-slash', '/a\nb', '/a\u202eb', `/${'x'.repeat(1_024)}`, '/\ud800'])
    it(`${JSON.stringify(id.slice(0, 9))} is no app`, () => {
      const { app, faults } = says({ MARATHON_APP_ID: id });
      assert.equal(app, undefined);
      assert.equal(faults[0]?.name, 'MARATHON_APP_ID');
      assert(!faults[0].says.includes(id));
    });
  it('knows no inherited labels', () => {
    const other = { ...names, task: [{ in: 'label', name: 'constructor' } as const] };
    assert.deepEqual(factsOf({ env: new Map(), labels: {} }, other), { faults: [] });
  });
});
