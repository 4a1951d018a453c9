import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { demandOfPod } from '../../../src/cluster/marathon/pod-demand.ts';
import type { DemandContext } from '../../../src/cluster/marathon/demand-context.ts';
import type { JsonObject } from '../../../src/cluster/marathon/json.ts';

const context: DemandContext = {
  networks: new Map([
    ['prod', { defaultInKbit: 1000, defaultOutKbit: 2000 }],
    ['backup', { defaultInKbit: 30, defaultOutKbit: 40 }],
  ]),
  rateNames: { in: 'net_in', out: 'net_out' },
  secretPolicy: 'refuse',
  bridgeName: 'mesos-bridge',
};
const byDefault: DemandContext = { ...context, secretPolicy: 'default' };
const networks = [{ name: 'prod', mode: 'container' }];
const at = (network: string, netInKbit: number, netOutKbit: number) => ({
  network,
  netInKbit,
  netOutKbit,
});
const container = (environment?: JsonObject): JsonObject => ({
  resources: { cpus: 0.1, mem: 32 },
  ...(environment && { environment }),
});

describe('demandOfPod, addresses and rates', () => {
  for (const { says, pod, of = context, gives } of [
    { says: 'a pod without networks takes none', pod: { containers: [container()] }, gives: [] },
    {
      says: 'one per network however many containers',
      pod: { networks, containers: [container(), container()] },
      gives: [at('prod', 1000, 2000)],
    },
    {
      says: 'one on each managed network',
      pod: {
        networks: [...networks, { name: 'backup' }, { name: 'other' }],
        containers: [container()],
      },
      gives: [at('prod', 1000, 2000), at('backup', 30, 40)],
    },
    {
      says: "the pod's rate is that of the whole pod",
      pod: { networks, environment: { net_in: '50' }, containers: [container(), container()] },
      gives: [at('prod', 50, 2000)],
    },
    {
      says: 'containers add up',
      pod: { networks, containers: [container({ net_in: '5' }), container({ net_in: '7' })] },
      gives: [at('prod', 12, 2000)],
    },
    {
      says: "the pod's rate counts once for those without their own",
      pod: {
        networks,
        environment: { net_in: '50' },
        containers: [container({ net_in: '5' }), container(), container()],
      },
      gives: [at('prod', 55, 2000)],
    },
    {
      says: 'and not at all when every container has its own',
      pod: {
        networks,
        environment: { net_in: '50' },
        containers: [container({ net_in: '5' }), container({ net_in: '6' })],
      },
      gives: [at('prod', 11, 2000)],
    },
    {
      says: 'each direction by itself',
      pod: { networks, environment: { net_out: '9' }, containers: [container({ net_in: '5' })] },
      gives: [at('prod', 5, 9)],
    },
    {
      says: 'a label wins',
      pod: {
        networks: [{ ...networks[0]!, labels: { net_in: '77' } }],
        environment: { net_in: '5' },
        containers: [container()],
      },
      gives: [at('prod', 77, 2000)],
    },
    {
      says: "a container's secret may mean the default",
      pod: {
        networks,
        containers: [container({ net_in: { secret: 's' } }), container({ net_in: '5' })],
      },
      of: byDefault,
      gives: [at('prod', 1005, 2000)],
    },
  ]) {
    it(says, () => assert.deepEqual(demandOfPod(pod, of).demand.addresses, gives));
  }
});

describe('demandOfPod refuses', () => {
  const with1 = (environment: JsonObject) => ({
    networks,
    containers: [container(), container(environment)],
  });
  for (const { says, pod, expected } of [
    {
      says: 'a bad rate in a container',
      pod: with1({ net_in: 'x' }),
      expected: { code: 'unusable-rate', path: '/containers(1)/environment/net_in' },
    },
    {
      says: 'a secret in a container',
      pod: with1({ net_in: { secret: 's' } }),
      expected: { code: 'secret-rate', path: '/containers(1)/environment/net_in' },
    },
    {
      says: 'a sum over 2^53',
      pod: {
        networks,
        containers: Array.from({ length: 3 }, () => container({ net_in: '9007199254740991' })),
      },
      expected: { code: 'bad-body', message: /the sum of net_in is over 2\^53/ },
    },
    {
      says: 'negative resources',
      pod: { containers: [{ resources: { cpus: -1 } }] },
      expected: { message: /\/containers\(0\)\/resources\/cpus: must be at least 0/ },
    },
    {
      says: 'a negative executor',
      pod: { containers: [], executorResources: { mem: -1 } },
      expected: { message: /\/executorResources\/mem: must be at least 0/ },
    },
    {
      says: 'negative instances',
      pod: { scaling: { kind: 'fixed', instances: -1 } },
      expected: { message: /\/scaling\/instances: must be at least 0/ },
    },
    {
      says: 'half an instance',
      pod: { scaling: { instances: 2.5 } },
      expected: { message: /\/scaling\/instances: must be a whole number/ },
    },
    {
      says: 'instances in quotes',
      pod: { scaling: { instances: '5' } },
      expected: { message: /\/scaling\/instances: must be a number/ },
    },
    {
      says: 'too many instances',
      pod: { scaling: { instances: 3e9 } },
      expected: { message: /\/scaling\/instances: must be at most 2147483647/ },
    },
    {
      says: 'a scaling that is no object',
      pod: { scaling: [] },
      expected: { message: /\/scaling: must be an object/ },
    },
  ]) {
    it(says, () => assert.throws(() => demandOfPod(pod, context), expected));
  }
});

describe('demandOfPod, resources', () => {
  it('sums the containers and the executor', () => {
    const pod = {
      containers: [
        { resources: { cpus: 0.1, mem: 32, disk: 5, gpus: 1 } },
        { resources: { cpus: 0.2, mem: 64, gpus: 2 } },
      ],
      executorResources: { cpus: 0.3, mem: 50, disk: 20 },
    };
    const { cpus, memMiB, diskMiB, gpus } = demandOfPod(pod, context).demand;
    assert.deepEqual(
      { cpus, memMiB, diskMiB, gpus },
      { cpus: 0.6, memMiB: 146, diskMiB: 25, gpus: 3 },
    );
  });

  it("takes Marathon's defaults for what is not stated", () => {
    const { demand, instances } = demandOfPod({ containers: [{}] }, context);
    const { cpus, memMiB, diskMiB, gpus } = demand;
    assert.deepEqual(
      { cpus, memMiB, diskMiB, gpus, instances },
      { cpus: 1.1, memMiB: 160, diskMiB: 10, gpus: 0, instances: 1 },
    );
  });

  it('adds persistent volumes', () => {
    const pod = {
      containers: [{}],
      volumes: [{ name: 'a', persistent: { size: 40 } }, { name: 'b' }],
    };
    assert.equal(demandOfPod(pod, context).demand.diskMiB, 50);
    assert.equal(demandOfPod(pod, context).resident, true);
  });

  it('takes the host ports of all endpoints', () => {
    const containers = [
      { endpoints: [{ hostPort: 0 }, { containerPort: 80 }] },
      { endpoints: [{ hostPort: 8080 }] },
    ];
    assert.deepEqual(demandOfPod({ networks, containers }, context).demand.ports, {
      any: 1,
      fixed: [8080],
    });
  });

  it('takes one for each endpoint on the host', () => {
    const containers = [{ endpoints: [{ name: 'a' }, { name: 'b' }] }];
    assert.deepEqual(demandOfPod({ containers }, context).demand.ports, { any: 2, fixed: [] });
  });
});
