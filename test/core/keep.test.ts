import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fateOf, type KeepFacts } from '../../src/core/keep.ts';
import type { ReservationRecord } from '../../src/core/promise-record.ts';

const promise: ReservationRecord = {
  v: 1,
  id: 'op-1',
  target: 3,
  demand: {
    cpus: 1,
    memMiB: 128,
    diskMiB: 0,
    gpus: 0,
    ports: { any: 0, fixed: [] },
    addresses: [{ network: 'prod', netInKbit: 0, netOutKbit: 0 }],
  },
  constraints: [],
  witness: [['node-1', 3]],
  draws: [['prod-a', 3]],
  sequence: 7,
  sinceMs: 1_000,
  deadlineMs: 100_000,
  fingerprint: 'f',
  until: 'leases',
  growInKbit: 0,
  growOutKbit: 0,
};
const facts: KeepFacts = { deployments: [], held: 0, nowMs: 2_000, graceMs: 30_000 };
const running = [{ id: 'd-1', apps: new Set(['/shop/web']) }];
const elsewhere = [{ id: 'd-2', apps: new Set(['/mail']) }];

describe('fateOf', () => {
  for (const { says, record = {}, seen = {}, gives } of [
    {
      says: 'ends at the deadline, whatever else',
      seen: { nowMs: 100_000, deployments: running },
      record: { deployment: 'd-1' },
      gives: 'end: its deadline passed',
    },
    {
      says: 'ends when the instances hold their leases',
      seen: { held: 3, deployments: running },
      record: { deployment: 'd-1' },
      gives: 'end: its instances hold their leases',
    },
    {
      says: 'waits while one lease is missing',
      seen: { held: 2, deployments: running },
      record: { deployment: 'd-1' },
      gives: 'keep',
    },
    {
      says: 'outlives held leases while a rolling deployment runs',
      seen: { held: 3, deployments: running },
      record: { until: 'deployment', deployment: 'd-1' },
      gives: 'keep',
    },
    {
      says: 'ends when its deployment is gone',
      seen: { deployments: elsewhere },
      record: { deployment: 'd-1' },
      gives: 'end: deployment d-1 is gone',
    },
    {
      says: 'ends when the deployment no longer touches the app',
      seen: { deployments: [{ id: 'd-1', apps: new Set(['/mail']) }] },
      record: { deployment: 'd-1' },
      gives: 'end: deployment d-1 is gone',
    },
    {
      says: 'goes with the deployment that took the place of its own',
      seen: { deployments: running },
      record: { deployment: 'd-0' },
      gives: 'adopt d-1',
    },
    {
      says: 'adopts a deployment of its app when the answer was lost',
      seen: { deployments: running },
      gives: 'adopt d-1',
    },
    { says: 'waits out the grace when nothing shows', seen: { nowMs: 30_999 }, gives: 'keep' },
    {
      says: 'ends after the grace when nothing came of it',
      seen: { nowMs: 31_000 },
      gives: 'end: no deployment came of it',
    },
    {
      says: 'keeps the room of killed instances to the deadline',
      seen: { held: 3, nowMs: 99_999 },
      record: { until: 'deadline' },
      gives: 'keep',
    },
  ] as {
    says: string;
    record?: Partial<ReservationRecord>;
    seen?: Partial<KeepFacts>;
    gives: string;
  }[]) {
    it(says, () => {
      const fate = fateOf('/shop/web', { ...promise, ...record }, { ...facts, ...seen });
      const said =
        fate.do === 'end'
          ? `end: ${fate.why}`
          : fate.do === 'adopt'
            ? `adopt ${fate.deployment}`
            : 'keep';
      assert.equal(said, gives);
    });
  }
});
