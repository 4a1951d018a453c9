import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json } from '../../src/cluster/marathon/json.ts';
import { runsOf, specFinder } from '../../src/gate/held-spec.ts';

const never = new AbortController().signal;

/** What Marathon says of a pod's instances: [status, status of its container, host]. */
const podStatus = (...instances: readonly (readonly [string, string, string?])[]): Json => ({
  instances: instances.map(([status, container, agentHostname]) => ({
    ...{ status, containers: [{ status: container }] },
    ...(agentHostname !== undefined && { agentHostname }),
  })),
});

const found = async (answers: Readonly<Record<string, Json>>) => {
  const spec = await specFinder(({ what }) => Promise.resolve(answers[what]))('/a', never);
  assert.ok(spec);
  return spec;
};

const pod = (status: Json) =>
  found({ pod: { id: '/a', scaling: { kind: 'fixed', instances: 5 } }, 'pod-status': status });

describe('what runs of an app that is to be held', () => {
  it('are its tasks that run, and those on the way that hold an address', async () => {
    const spec = await found({
      app: {
        ...{ id: '/a', instances: 5, tasksRunning: 1, tasksStaged: 2 },
        tasks: [
          { host: 'n1', state: 'TASK_RUNNING' },
          { host: 'n2', state: 'TASK_STAGING' },
          { host: 'n3', state: 'TASK_STAGING' },
          { host: 'lost', state: 'TASK_UNREACHABLE' },
        ],
      },
    });
    const leases = new Map(Object.entries({ n1: 1, n2: 1, lost: 3 }));
    assert.equal(runsOf(spec, leases), 2);
    assert.equal(runsOf(spec, new Map()), 1, 'one that runs runs, whatever the ledger says');
  });

  it('are no instances of a pod on a lost node, though they keep their addresses', async () => {
    const spec = await pod(
      podStatus(
        ['STABLE', 'TASK_RUNNING', 'n1'],
        ['STAGING', 'TASK_STAGING', 'n2'],
        ['STAGING', 'TASK_STAGING', 'n3'],
        ['PENDING', 'TASK_STAGING'],
        ['DEGRADED', 'TASK_UNREACHABLE', 'lost'],
        ['DEGRADED', 'TASK_UNREACHABLE', 'lost'],
      ),
    );
    assert.equal(runsOf(spec, new Map(Object.entries({ n1: 1, n2: 1, lost: 2 }))), 2);
  });

  it('are ill instances of a pod, for they run', async () => {
    const spec = await pod(podStatus(['DEGRADED', 'TASK_RUNNING', 'n1']));
    assert.equal(runsOf(spec, new Map()), 1);
  });
});
