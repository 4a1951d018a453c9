import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { BadBody, BadId } from '../../../src/cluster/errors.ts';
import { checkedPod } from '../../../src/cluster/marathon/body-check.ts';
import { canonicalPod, podInstances } from '../../../src/cluster/marathon/canonical-pod.ts';
import { isPodScaleOnly, isPodUpgrade } from '../../../src/cluster/marathon/is-upgrade.ts';
import type { Json, Pod } from '../../../src/cluster/marathon/json.ts';
import { afterPodUpdate, podChange, podIdIn } from '../../../src/cluster/marathon/pod-update.ts';

const context = {
  defaultNetworkName: 'flat',
  bridgeName: 'mesos-bridge',
  servicePorts: { from: 10_000, to: 20_000 },
};
const sample = (file: string): Pod =>
  JSON.parse(readFileSync(`test/fixtures/marathon/${file}`, 'utf8')) as Pod;
const containers = [{ name: 'c', resources: { cpus: 0.1, mem: 32 } }];
const pod: Pod = { id: '/p', containers };
const canonical = (body: Pod): Pod => canonicalPod(body, context);

describe('canonicalPod', () => {
  for (const file of [
    '07-post-pod-all-fields.json',
    '08-post-pod-container-net-default-name.json',
    '09-post-pod-host-two-containers-env.json',
  ]) {
    it(`takes ${file}, and applying it twice changes nothing`, () => {
      const once = canonical(checkedPod(sample(file)));
      assert.deepEqual(canonical(once), once);
    });
  }
  it('trap 12: names an unnamed container network', () =>
    assert.deepEqual(canonical(sample('08-post-pod-container-net-default-name.json'))['networks'], [
      { mode: 'container', labels: {}, name: 'flat' },
    ]));
  it('has no network by default', () => assert.deepEqual(canonical(pod)['networks'], []));
});

describe('trap 16: instances of a pod', () => {
  for (const [scaling, gives] of [
    [undefined, 1],
    [{ kind: 'fixed' }, 1],
    [{ kind: 'fixed', instances: 3 }, 3],
    [{ kind: 'fixed', instances: 0 }, 0],
    [{ kind: 'fixed', instances: null }, 1],
  ] as const) {
    it(`${JSON.stringify(scaling)} is ${gives}`, () => {
      const body = scaling === undefined ? pod : { ...pod, scaling };
      assert.equal(podInstances(checkedPod(body)), gives);
    });
  }
});

describe('bodies of pods', () => {
  for (const [says, body] of [
    ['trap 16: a count in quotes', { ...pod, scaling: { kind: 'fixed', instances: '5' } }],
    ['trap 16: a fraction', { ...pod, scaling: { kind: 'fixed', instances: 2.5 } }],
    ['trap 16: a huge count', { ...pod, scaling: { kind: 'fixed', instances: 3_000_000_000 } }],
    ['a negative count', { ...pod, scaling: { kind: 'fixed', instances: -1 } }],
    ['another kind of scaling', { ...pod, scaling: { kind: 'FIXED', instances: 1 } }],
    ['a relative id', { ...pod, id: 'p' }],
    ['no containers', { id: '/p', containers: [] }],
    ['a container without resources', { id: '/p', containers: [{ name: 'c' }] }],
  ] as readonly (readonly [string, Json])[]) {
    it(`${says} is refused`, () => assert.throws(() => checkedPod(body), BadBody));
  }
  it('an id ending in a reserved word is refused', () =>
    assert.throws(() => podIdIn({ ...pod, id: '/a/tasks' }), BadId));
});

describe('a pod that is put', () => {
  const before = canonical({ ...pod, role: 'shop', labels: { a: 'b' } });
  const scaled = { ...before, scaling: { kind: 'fixed', instances: 4 } };
  it('trap 11: is created when unknown', () => {
    const change = podChange('/p', undefined, afterPodUpdate(undefined, pod, context));
    assert.deepEqual([change.before, change.restart], [undefined, false]);
  });
  it('keeps its role when it states none', () =>
    assert.equal(afterPodUpdate(before, pod, context)['role'], 'shop'));
  it('loses what it leaves out', () =>
    assert.deepEqual(afterPodUpdate(before, pod, context)['labels'], {}));
  it('sent back as shown with more instances is only scaled', () => {
    const after = afterPodUpdate(before, scaled, context);
    assert.equal(isPodScaleOnly(before, after), true);
    assert.equal(podChange('/p', before, after).restart, false);
  });

  for (const [says, change, restarts] of [
    ['labels', { labels: { a: 'c' } }, true],
    ['a network', { networks: [{ name: 'n' }] }, true],
    [
      'a constraint',
      { scheduling: { placement: { constraints: [{ fieldName: 'a', operator: 'unique' }] } } },
      true,
    ],
    ['backoff', { scheduling: { backoff: { backoff: 2 } } }, true],
    [
      'what is said of unreachable tasks',
      { scheduling: { unreachableStrategy: 'disabled' } },
      false,
    ],
    ['killSelection', { scheduling: { killSelection: 'OLDEST_FIRST' } }, false],
    ['executorResources', { executorResources: { cpus: 1 } }, false],
  ] as readonly (readonly [string, Pod, boolean])[]) {
    it(`${says}: ${restarts ? 'restarts' : 'does not restart'}`, () =>
      assert.equal(isPodUpgrade(before, canonical({ ...before, ...change })), restarts));
  }
});
