import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { canonicalApp } from '../../../src/cluster/marathon/canonical-app.ts';
import { canonicalPod } from '../../../src/cluster/marathon/canonical-pod.ts';
import { demandOfApp } from '../../../src/cluster/marathon/demand.ts';
import type { AppDemand, DemandContext } from '../../../src/cluster/marathon/demand-context.ts';
import type { JsonObject } from '../../../src/cluster/marathon/json.ts';
import { demandOfPod } from '../../../src/cluster/marathon/pod-demand.ts';

/** Bodies from Marathon's own documentation and tests; every figure below is worked out by hand. */
const folder = 'test/fixtures/marathon';
const sample = (file: string): JsonObject & readonly JsonObject[] =>
  JSON.parse(readFileSync(join(folder, file), 'utf8'));

const marathon = {
  defaultNetworkName: 'flat',
  bridgeName: 'mesos-bridge',
  servicePorts: { from: 10_000, to: 20_000 },
};
const context: DemandContext = {
  networks: new Map([
    ['flat', { defaultInKbit: 1000, defaultOutKbit: 2000 }],
    ['dcos', { defaultInKbit: 3000, defaultOutKbit: 4000 }],
    ['my-network', { defaultInKbit: 5000, defaultOutKbit: 6000 }],
  ]),
  rateNames: { in: 'net_in', out: 'net_out' },
  secretPolicy: 'refuse',
  bridgeName: 'mesos-bridge',
};

const app = (body: JsonObject): AppDemand => demandOfApp(canonicalApp(body, marathon), context);
const pod = (body: JsonObject): AppDemand => demandOfPod(canonicalPod(body, marathon), context);
const host = { ports: { any: 1, fixed: [] }, addresses: [] };
const free = { faults: [], warnings: [], constraints: [], resident: false, labelled: {} };
const doubled = { minHealth: 1, maxOver: 1 };

describe('samples of apps', () => {
  it('01 mixes two ways to state ports, as Marathon says', () =>
    assert.throws(() => app(sample('01-post-app-legacy-all-fields.json')), {
      code: 'bad-body',
      message: /portMappings and ipAddress\.discovery\.ports must not both be set/,
    }));

  it('01 without the mixture is a bridge app', () => {
    const { ipAddress: _, ...body } = sample('01-post-app-legacy-all-fields.json');
    assert.deepEqual(app(body), {
      ...free,
      managed: false, // docker0 is the host's own
      // hostPort 0 of the one docker.portMapping; a portDefinition per mapping adds none (1 - 1)
      demand: {
        cpus: 0.1,
        memMiB: 16,
        diskMiB: 0,
        gpus: 0,
        ports: { any: 1, fixed: [] },
        addresses: [],
      },
      instances: 2,
      constraints: [{ field: 'hostname', operator: 'LIKE', value: 'srv2.*' }],
      upgrade: doubled,
    });
  });

  it('02 is two host apps', () => {
    // each: cpus 0.3, mem 9, the default port; disk and gpus by default 0
    const each = {
      ...free,
      managed: false,
      demand: { cpus: 0.3, memMiB: 9, diskMiB: 0, gpus: 0, ...host },
      instances: 2,
      upgrade: doubled,
    };
    assert.deepEqual(sample('02-put-apps-array.json').map(app), [each, each]);
  });

  it('03, if it were full, is one host app each', () => {
    const both = sample('03-patch-apps-array.json').map(app);
    // /test/sleep60: cpus 0.3, instances 1 by default; /test/sleep120: cpus 1 by default, instances 2
    assert.deepEqual(
      both.map(({ demand, instances }) => [demand.cpus, demand.memMiB, instances]),
      [
        [0.3, 128, 1],
        [1, 128, 2],
      ],
    );
  });

  it('05 is three apps in nested groups', () => {
    const [tools] = sample('05-put-group-root-nested.json')['groups'] as unknown as [
      { apps: JsonObject[]; groups: { apps: JsonObject[] }[] },
    ];
    const unique = [{ field: 'hostname', operator: 'UNIQUE' }];
    const half = { minHealth: 0.5, maxOver: 0 };
    // docker HOST, "ports" of one without requirePorts: one port of the agent's choosing
    const onHost = { ...free, managed: false, constraints: unique, upgrade: half };
    assert.deepEqual(tools.apps.map(app), [
      { ...onHost, demand: { cpus: 1, memMiB: 1024, diskMiB: 0, gpus: 0, ...host }, instances: 2 },
      { ...onHost, demand: { cpus: 1, memMiB: 512, diskMiB: 0, gpus: 0, ...host }, instances: 5 },
    ]);
    // docker BRIDGE: hostPort 0 of its one mapping, no address of ours
    assert.deepEqual(
      tools.groups.flatMap(({ apps }) => apps.map(app)),
      [
        {
          ...free,
          managed: false,
          demand: { cpus: 0.5, memMiB: 4096, diskMiB: 0, gpus: 0, ...host },
          instances: 1,
          upgrade: doubled,
        },
      ],
    );
  });

  it('11 is a resident Docker app with one address', () => {
    assert.deepEqual(app(sample('11-post-app-resident-docker-user-net.json')), {
      ...free,
      managed: true,
      demand: {
        cpus: 0.1,
        memMiB: 128,
        diskMiB: 200, // disk 100 + persistent volume 100
        gpus: 0,
        ports: { any: 0, fixed: [] }, // the default mapping names no host port
        addresses: [{ network: 'dcos', netInKbit: 3000, netOutKbit: 4000 }], // USER + networkName
      },
      instances: 1,
      upgrade: { minHealth: 0.5, maxOver: 0 }, // the default with volumes
      resident: true,
    });
  });

  it('12 has Docker parameters that touch no network', () => {
    assert.deepEqual(app(sample('12-post-app-docker-parameters.json')), {
      ...free,
      managed: false,
      demand: { cpus: 0.2, memMiB: 32, diskMiB: 0, gpus: 0, ...host },
      instances: 1,
      upgrade: doubled,
    });
  });
});

describe('samples of pods', () => {
  it('07 takes one address on my-network', () => {
    assert.deepEqual(pod(sample('07-post-pod-all-fields.json')), {
      ...free,
      managed: true,
      demand: {
        cpus: 1.2, // container 1 + executor 0.2
        memMiB: 192, // 128 + 64
        diskMiB: 50, // 0 + 50
        gpus: 0,
        ports: { any: 1, fixed: [] }, // endpoint with hostPort 0
        addresses: [{ network: 'my-network', netInKbit: 5000, netOutKbit: 6000 }],
      },
      instances: 1,
      upgrade: doubled,
    });
  });

  it('08 takes one address on the default network', () => {
    assert.deepEqual(pod(sample('08-post-pod-container-net-default-name.json')), {
      ...free,
      managed: true,
      demand: {
        cpus: 1.1, // container 1 + executor's default 0.1
        memMiB: 160, // 128 + 32
        diskMiB: 10, // 0 + 10
        gpus: 0,
        ports: { any: 0, fixed: [] }, // the endpoint names no host port
        addresses: [{ network: 'flat', netInKbit: 1000, netOutKbit: 2000 }],
      },
      instances: 1,
      upgrade: doubled,
    });
  });

  it('09 is two containers on the host', () => {
    assert.deepEqual(pod(sample('09-post-pod-host-two-containers-env.json')), {
      ...free,
      managed: false,
      demand: {
        cpus: 0.3, // 0.1 + 0.1 + executor's default 0.1
        memMiB: 96, // 32 + 32 + 32
        diskMiB: 10, // 0 + 0 + 10
        gpus: 0,
        ports: { any: 0, fixed: [] },
        addresses: [],
      },
      instances: 1,
      upgrade: doubled,
    });
  });
});

it('every sample is judged here', () => {
  const source = readFileSync('test/cluster/marathon/samples.test.ts', 'utf8');
  assert.deepEqual(
    readdirSync(folder).filter((file) => file.endsWith('.json') && !source.includes(`'${file}'`)),
    [],
  );
});
