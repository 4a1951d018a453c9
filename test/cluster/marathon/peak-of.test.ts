import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { peakOf } from '../../../src/core/peak.ts';
import { demandOfApp } from '../../../src/cluster/marathon/demand.ts';
import {
  changeTo,
  isResident,
  singleInstanceFaults,
  upgradeOfApp,
  upgradeOfPod,
} from '../../../src/cluster/marathon/peak-of.ts';

const volume = (kind: string) => ({ container: { volumes: [{ [kind]: { size: 1 } }] } });
const stated = (minimumHealthCapacity: number, maximumOverCapacity: number) => ({
  minimumHealthCapacity,
  maximumOverCapacity,
});

describe('upgradeOfApp', () => {
  for (const { says, app, gives } of [
    { says: 'doubles by default', app: {}, gives: [1, 1] },
    { says: 'stays at half with persistent volumes', app: volume('persistent'), gives: [0.5, 0] },
    { says: 'and with external ones', app: volume('external'), gives: [0.5, 0] },
    {
      says: 'host volumes change nothing',
      app: { container: { volumes: [{ hostPath: '/srv' }] } },
      gives: [1, 1],
    },
    {
      says: 'hostname UNIQUE changes nothing',
      app: { constraints: [['hostname', 'UNIQUE']] },
      gives: [1, 1],
    },
    {
      says: 'takes what is stated',
      app: { upgradeStrategy: stated(0.25, 0.75) },
      gives: [0.25, 0.75],
    },
    {
      says: 'volumes or not',
      app: { ...volume('persistent'), upgradeStrategy: stated(0, 0) },
      gives: [0, 0],
    },
  ]) {
    it(says, () => assert.deepEqual(Object.values(upgradeOfApp(app)), gives));
  }
});

describe('upgradeOfPod', () => {
  for (const { says, pod, gives } of [
    { says: 'doubles by default', pod: {}, gives: [1, 1] },
    {
      says: 'stays at half with persistent volumes',
      pod: { volumes: [{ persistent: { size: 1 } }] },
      gives: [0.5, 0],
    },
    {
      says: 'fills in what is not stated',
      pod: { scheduling: { upgrade: { maximumOverCapacity: 0 } } },
      gives: [1, 0],
    },
  ]) {
    it(says, () => assert.deepEqual(Object.values(upgradeOfPod(pod)), gives));
  }
  it('names the place of a bad share', () =>
    assert.throws(() => upgradeOfPod({ scheduling: { upgrade: { maximumOverCapacity: -1 } } }), {
      message: /\/scheduling\/upgrade\/maximumOverCapacity: must be at least 0/,
    }));
});

describe('isResident', () => {
  it('asks for persistent volumes', () => {
    assert.equal(isResident(volume('persistent')), true);
    assert.equal(isResident(volume('external')), false);
    assert.equal(isResident({ volumes: [{ persistent: { size: 1 } }] }), true);
  });
});

describe('singleInstanceFaults', () => {
  const app = { labels: { MARATHON_SINGLE_INSTANCE_APP: 'true' } };
  for (const { says, of = app, instances, upgrade, gives } of [
    { says: 'one at 0/0 is fine', instances: 1, upgrade: { minHealth: 0, maxOver: 0 }, gives: [] },
    {
      says: 'two are not',
      instances: 2,
      upgrade: { minHealth: 0, maxOver: 0 },
      gives: ['allows one instance'],
    },
    {
      says: 'the default strategy is not',
      instances: 1,
      upgrade: { minHealth: 1, maxOver: 1 },
      gives: ['needs an upgradeStrategy of 0/0'],
    },
    {
      says: 'without the label anything goes',
      of: { labels: {} } as never,
      instances: 2,
      upgrade: { minHealth: 1, maxOver: 1 },
      gives: [],
    },
  ]) {
    it(says, () =>
      assert.deepEqual(
        singleInstanceFaults(of, instances, upgrade).map(({ message }) => message),
        gives,
      ),
    );
  }
});

describe('changeTo', () => {
  const context = {
    networks: new Map(),
    rateNames: { in: 'net_in', out: 'net_out' },
    secretPolicy: 'refuse',
    bridgeName: 'mesos-bridge',
  } as const;
  const after = demandOfApp({ instances: 10, upgradeStrategy: stated(1, 0) }, context);
  const before = { instances: 10, tracked: 10, otherVersion: 10, healthy: 10 };
  it('carries the strategy to the peak', () =>
    assert.equal(peakOf(changeTo(after, true, before)), 11));
  it('needs no before for a new app', () => assert.equal(peakOf(changeTo(after, false)), 10));
});
