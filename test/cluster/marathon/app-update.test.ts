import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BadBody } from '../../../src/cluster/errors.ts';
import {
  afterAppCreation,
  afterAppUpdate,
  appChange,
  rollbackVersion,
} from '../../../src/cluster/marathon/app-update.ts';
import { checkedApp } from '../../../src/cluster/marathon/body-check.ts';
import { canonicalApp } from '../../../src/cluster/marathon/canonical-app.ts';
import { isScaleOnly, isUpgrade } from '../../../src/cluster/marathon/is-upgrade.ts';
import type { App } from '../../../src/cluster/marathon/json.ts';

const context = {
  defaultNetworkName: 'flat',
  bridgeName: 'mesos-bridge',
  servicePorts: { from: 10_000, to: 20_000 },
};
const canonical = (app: App): App => canonicalApp(app, context);
const sample = (file: string): App =>
  JSON.parse(readFileSync(`test/fixtures/marathon/${file}`, 'utf8')) as App;

/** As Marathon shows a Docker app on a container network. */
const docker: App = canonical({
  id: '/web',
  cmd: 'run',
  instances: 3,
  env: { net_in: '1mbit', net_out: '2mbit' },
  labels: { team: 'shop' },
  networks: [{ mode: 'container', name: 'prod', labels: { vlan: '7' } }],
  constraints: [['hostname', 'UNIQUE']],
  container: {
    type: 'DOCKER',
    docker: { image: 'web:1' },
    portMappings: [{ containerPort: 80, servicePort: 10_001, name: 'http' }],
  },
  resourceLimits: { mem: 'unlimited' },
  executorResources: { cpus: 0.1 },
  version: '2020-01-01T00:00:00.000Z',
});

const update = (body: App, before: App = docker): App =>
  afterAppUpdate(before, body, { id: '/web', partial: true, context });
const replace = (body: App): App =>
  afterAppUpdate(docker, body, { id: '/web', partial: false, context });

describe('canonicalApp: networks in every form', () => {
  for (const { says, app, gives } of [
    { says: 'none is the host', app: {}, gives: [{ mode: 'host', labels: {} }] },
    {
      says: 'an empty list is the host',
      app: { networks: [] },
      gives: [{ mode: 'host', labels: {} }],
    },
    {
      says: 'mode container and the default name',
      app: { networks: [{}] },
      gives: [{ mode: 'container', name: 'flat', labels: {} }],
    },
    {
      says: 'modes in any case',
      app: { networks: [{ mode: 'Container/Bridge' }] },
      gives: [{ mode: 'container/bridge', labels: {} }],
    },
    {
      says: 'ipAddress with a name',
      app: { ipAddress: { networkName: 'prod', labels: { vlan: '7' } } },
      gives: [{ mode: 'container', name: 'prod', labels: { vlan: '7' } }],
    },
    {
      says: 'ipAddress without a name',
      app: { ipAddress: {} },
      gives: [{ mode: 'container', name: 'flat', labels: {} }],
    },
    {
      says: 'ipAddress naming the bridge network',
      app: { ipAddress: { networkName: 'mesos-bridge' } },
      gives: [{ mode: 'container/bridge', labels: {} }],
    },
    {
      says: 'docker network USER',
      app: { container: { docker: { image: 'i', network: 'user' } } },
      gives: [{ mode: 'container', name: 'flat', labels: {} }],
    },
    {
      says: 'docker network USER with ipAddress',
      app: {
        ipAddress: { networkName: 'prod' },
        container: { docker: { image: 'i', network: 'USER' } },
      },
      gives: [{ mode: 'container', name: 'prod', labels: {} }],
    },
    {
      says: 'docker network BRIDGE with ipAddress',
      app: {
        ipAddress: { labels: { a: 'b' } },
        container: { docker: { image: 'i', network: 'BRIDGE' } },
      },
      gives: [{ mode: 'container/bridge', labels: { a: 'b' } }],
    },
    {
      says: 'docker network HOST',
      app: { container: { docker: { image: 'i', network: 'HOST' } } },
      gives: [{ mode: 'host', labels: {} }],
    },
    {
      says: 'several networks',
      app: { networks: [{ name: 'a' }, { name: 'b' }] },
      gives: [
        { mode: 'container', name: 'a', labels: {} },
        { mode: 'container', name: 'b', labels: {} },
      ],
    },
  ] as const) {
    it(`trap 12: ${says}`, () => assert.deepEqual(canonical(app)['networks'], gives));
  }

  for (const { says, app } of [
    { says: 'old and new forms together', app: { ipAddress: {}, networks: [{ name: 'a' }] } },
    { says: 'docker network NONE', app: { container: { docker: { network: 'NONE' } } } },
    {
      says: 'docker network beside networks',
      app: { networks: [{ mode: 'host' }], container: { docker: { network: 'USER' } } },
    },
  ] as const) {
    it(`trap 12: refuses ${says}`, () => assert.throws(() => canonical(app), BadBody));
  }

  it('trap 12: refuses an unnamed container network where Marathon has no default', () => {
    const { bridgeName, servicePorts } = context;
    const app = { networks: [{ mode: 'container' }] };
    assert.throws(() => canonicalApp(app, { bridgeName, servicePorts }), {
      message: 'the body is not valid at /networks: container network name is not defined',
    });
  });
});

describe('canonicalApp: ports and containers', () => {
  for (const { says, app, key, gives } of [
    {
      says: 'an app on the host has one port by default',
      app: {},
      key: 'portDefinitions',
      gives: [{ labels: {}, protocol: 'tcp', port: 0, name: 'default' }],
    },
    {
      says: 'ports of old',
      app: { ports: [8080, 0] },
      key: 'portDefinitions',
      gives: [
        { labels: {}, protocol: 'tcp', port: 8080 },
        { labels: {}, protocol: 'tcp', port: 0 },
      ],
    },
    { says: 'no ports when asked for none', app: { ports: [] }, key: 'portDefinitions', gives: [] },
    {
      says: 'a container network without a container gets an empty one',
      app: { networks: [{ name: 'a' }] },
      key: 'container',
      gives: {
        type: 'MESOS',
        volumes: [],
        portMappings: [
          { labels: {}, protocol: 'tcp', containerPort: 0, servicePort: 0, name: 'default' },
        ],
      },
    },
    {
      says: 'the type is DOCKER by default',
      app: { container: { docker: { image: 'i' } } },
      key: 'container',
      gives: {
        type: 'DOCKER',
        volumes: [],
        docker: { forcePullImage: false, privileged: false, parameters: [], image: 'i' },
      },
    },
    {
      says: 'docker port mappings move up and get a host port on the bridge',
      app: {
        container: {
          docker: { image: 'i', network: 'BRIDGE', portMappings: [{ containerPort: 80 }] },
        },
      },
      key: 'container',
      gives: {
        type: 'DOCKER',
        volumes: [],
        docker: { forcePullImage: false, privileged: false, parameters: [], image: 'i' },
        portMappings: [
          { labels: {}, protocol: 'tcp', containerPort: 80, servicePort: 0, hostPort: 0 },
        ],
      },
    },
  ] as const) {
    it(says, () => assert.deepEqual(canonical(app)[key], gives));
  }

  it('keeps constraints whole and in a fixed order', () => {
    const [a, b] = [
      ['hostname', 'UNIQUE'],
      ['rack', 'MAX_PER', '2'],
    ];
    assert.deepEqual(canonical({ constraints: [b, a, b] })['constraints'], [a, b]);
  });
  it('keeps what it does not know', () => assert.equal(canonical({ later: 7 })['later'], 7));
  it('treats null as absent', () => {
    assert.equal(canonical({ instances: null })['instances'], 1);
    assert.deepEqual(canonical({ networks: null, ipAddress: null })['networks'], [
      { mode: 'host', labels: {} },
    ]);
  });

  for (const file of [
    '11-post-app-resident-docker-user-net.json',
    '12-post-app-docker-parameters.json',
  ]) {
    it(`${file}: applying it twice changes nothing`, () => {
      const once = canonical(sample(file));
      assert.deepEqual(canonical(once), once);
    });
  }
  it('a resident app does not go over its count', () => {
    const app = canonical(sample('11-post-app-resident-docker-user-net.json'));
    assert.deepEqual(app['upgradeStrategy'], {
      minimumHealthCapacity: 0.5,
      maximumOverCapacity: 0,
    });
    assert.equal(app['unreachableStrategy'], 'disabled');
    assert.deepEqual(app['networks'], [{ mode: 'container', labels: {}, name: 'dcos' }]);
  });
});

describe('a partial update', () => {
  it('trap 2: keeps what it leaves out', () => {
    const after = update({ cpus: 2, executorResources: { cpus: 0.1 } });
    for (const key of ['env', 'networks', 'constraints', 'container', 'labels', 'instances']) {
      assert.deepEqual(after[key], docker[key], key);
    }
    assert.equal(after['cpus'], 2);
  });
  it('trap 2: replaces a map whole', () =>
    assert.deepEqual(update({ env: { A: '1' } })['env'], { A: '1' }));
  it('trap 3: erases resource limits, so that a mere scaling restarts', () => {
    const after = update({ instances: 5 });
    assert.equal(after['resourceLimits'], undefined);
    assert.equal(after['executorResources'], undefined);
    assert.equal(isUpgrade(docker, after, context), true);
  });
  it('trap 3: without limits a scaling is only that', () => {
    const { resourceLimits: _limits, ...plain } = docker;
    assert.equal(isScaleOnly(plain, update({ instances: 5 }, plain), context), true);
  });
  it('trap 16: null keeps the old value', () =>
    assert.equal(update({ instances: null, env: null })['instances'], 3));
  it('an empty list of networks goes back to the host', () => {
    const after = update({ networks: [] });
    assert.deepEqual(after['networks'], [{ mode: 'host', labels: {} }]);
    assert.deepEqual(after['portDefinitions'], [
      { labels: {}, protocol: 'tcp', port: 0, name: 'default' },
    ]);
  });
  it('new networks without a container lose the image', () => {
    for (const body of [{ networks: [{ name: 'a' }, { name: 'b' }] }, { ipAddress: {} }]) {
      const container = update(body)['container'] as App;
      assert.equal(container['type'], 'MESOS');
      assert.equal(container['docker'], undefined);
    }
  });
  it('a container alone keeps the networks', () => {
    const after = update({ container: { docker: { image: 'web:2' } } });
    assert.deepEqual(after['networks'], docker['networks']);
  });
  it('docker.network in the container rewrites them', () => {
    const after = update({ container: { docker: { image: 'web:2', network: 'BRIDGE' } } });
    assert.deepEqual(after['networks'], [{ mode: 'container/bridge', labels: {} }]);
  });
  it('trap 1: the id of the body does not count', () =>
    assert.equal(update({ id: '/other' })['id'], '/web'));
});

describe('a full replacement', () => {
  it('takes defaults for what it leaves out', () => {
    const after = replace({ cmd: 'run' });
    assert.equal(after['instances'], 1);
    assert.deepEqual(after['env'], {});
    assert.deepEqual(after['networks'], [{ mode: 'host', labels: {} }]);
    assert.deepEqual(after['constraints'], []);
  });
  it('trap 11: an unknown app is created whole, whatever partial says', () => {
    const how = { id: '/new', context };
    const partly = afterAppUpdate(undefined, { cmd: 'run' }, { ...how, partial: true });
    const whole = afterAppUpdate(undefined, { cmd: 'run' }, { ...how, partial: false });
    assert.deepEqual(partly, whole);
    assert.deepEqual(partly, afterAppCreation({ id: '/new', cmd: 'run' }, '/new', context));
  });
  it('trap 4: sending back what Marathon shows restarts nothing', () => {
    const { resourceLimits, ...shown } = docker;
    const after = replace({ ...shown, ...(resourceLimits !== undefined && { resourceLimits }) });
    assert.equal(isUpgrade(docker, after, context), false);
    assert.equal(isScaleOnly(docker, after, context), false);
  });
});

describe('isUpgrade', () => {
  const to = (change: App): boolean =>
    isUpgrade(docker, canonical({ ...docker, ...change }), context);
  const port = (servicePort: number): App => ({
    container: {
      docker: { image: 'web:1' },
      portMappings: [{ containerPort: 80, servicePort, name: 'http' }],
    },
  });
  for (const { says, change, restarts } of [
    { says: 'instances', change: { instances: 9 }, restarts: false },
    { says: 'executorResources', change: { executorResources: null }, restarts: false },
    { says: 'version', change: { version: '2021-01-01T00:00:00.000Z' }, restarts: false },
    {
      says: 'the order of constraints',
      change: { constraints: [['hostname', 'UNIQUE']] },
      restarts: false,
    },
    { says: 'a service port left to Marathon', change: port(0), restarts: false },
    { says: 'another service port', change: port(10_002), restarts: true },
    {
      says: 'trap 4: a further label',
      change: { labels: { team: 'shop', x: 'y' } },
      restarts: true,
    },
    {
      says: 'trap 4: a further constraint',
      change: {
        constraints: [
          ['hostname', 'UNIQUE'],
          ['a', 'IS', 'b'],
        ],
      },
      restarts: true,
    },
    {
      says: 'a network label',
      change: { networks: [{ mode: 'container', name: 'prod' }] },
      restarts: true,
    },
    { says: 'an image', change: { container: { docker: { image: 'web:2' } } }, restarts: true },
    { says: 'the role', change: { role: 'other' }, restarts: true },
    { says: 'cpus', change: { cpus: 2 }, restarts: true },
  ] as readonly { says: string; change: App; restarts: boolean }[]) {
    it(`${says}: ${restarts ? 'restarts' : 'does not restart'}`, () =>
      assert.equal(to(change), restarts));
  }
  it('a port outside the range of Marathon is not carried over', () => {
    const old = canonical({ id: '/a', portDefinitions: [{ port: 8080 }] });
    const asked = canonical({ id: '/a', portDefinitions: [{ port: 0 }] });
    assert.equal(isUpgrade(old, asked, context), true);
  });
  it('compares lists in order', () => {
    const a = canonical({ args: ['x', 'y'] });
    assert.equal(isUpgrade(a, canonical({ args: ['y', 'x'] }), context), true);
  });
  it('appChange says so', () => {
    assert.equal(
      appChange('/web', docker, canonical({ ...docker, cpus: 2 }), context).restart,
      true,
    );
    assert.equal(appChange('/web', undefined, docker, context).restart, false);
  });
});

describe('bodies', () => {
  for (const [says, body, at] of [
    ['trap 16: instances as text', { instances: '5' }, '/instances'],
    ['fractional instances', { instances: 2.5 }, '/instances'],
    ['negative instances', { instances: -1 }, '/instances'],
    ['more instances than an int holds', { instances: 2_147_483_648 }, '/instances'],
    ['trap 15: an env value that is a number', { env: { net_in: 5 } }, '/env/net_in'],
    ['trap 15: a secret without a name', { env: { A: { secret: 1 } } }, '/env/A/secret'],
    ['a network mode that is none', { networks: [{ mode: 'overlay' }] }, '/networks(0)/mode'],
    ['a constraint that is a text', { constraints: ['hostname:UNIQUE'] }, '/constraints(0)'],
    [
      'half an upgrade strategy',
      { upgradeStrategy: { maximumOverCapacity: 1 } },
      '/upgradeStrategy/minimumHealthCapacity',
    ],
    ['a version that is no time', { version: '../../leader' }, '/version'],
    ['a list', [], '/'],
    ['nothing', undefined, '/'],
  ] as const) {
    it(`${says} is refused at its place`, () =>
      assert.throws(
        () => checkedApp(body),
        (fault) => fault instanceof BadBody && fault.faults.some(({ path }) => path.startsWith(at)),
      ));
  }
  it('names every fault at once', () =>
    assert.throws(
      () => checkedApp({ instances: 'x', cpus: -1 }),
      (fault) => fault instanceof BadBody && fault.faults.length === 2,
    ));
  for (const file of ['01-post-app-legacy-all-fields.json', '12-post-app-docker-parameters.json']) {
    it(`takes ${file}`, () => assert.ok(checkedApp(sample(file))));
  }
});

describe('rollbackVersion', () => {
  const version = '2020-01-01T00:00:00.000Z';
  it('trap 6: is found where it stands alone', () => {
    assert.equal(rollbackVersion({ version }), version);
    assert.equal(rollbackVersion({ id: '/a', version, env: null }), version);
    assert.equal(rollbackVersion({ instances: 2 }), undefined);
  });
  it('trap 6: is refused beside anything else', () =>
    assert.throws(() => rollbackVersion({ version, instances: 2 }), /not with instances/));
});

describe('any update', () => {
  const anyUpdate = fc.record(
    {
      instances: fc.integer({ min: 0, max: 99 }),
      env: fc.dictionary(fc.string(), fc.string()),
      labels: fc.dictionary(fc.string(), fc.string()),
      networks: fc.constantFrom<App[]>(
        [],
        [{ mode: 'host' }],
        [{ name: 'n' }],
        [{ mode: 'container/bridge' }],
      ),
      constraints: fc.constantFrom([], [['hostname', 'UNIQUE']]),
      container: fc.constantFrom<App>({ docker: { image: 'x' } }, { type: 'mesos' }),
      portDefinitions: fc.constantFrom<App[]>([], [{}], [{ port: 1 }, { port: 2 }]),
    },
    { requiredKeys: [] },
  );
  it('leaves a definition that is canonical, and doing it twice changes nothing', () =>
    fc.assert(
      fc.property(anyUpdate, fc.boolean(), (body, partial) => {
        const how = { id: '/web', partial, context };
        const once = afterAppUpdate(docker, body, how);
        assert.deepEqual(canonical(once), once);
        assert.deepEqual(afterAppUpdate(once, body, how), once);
        assert.equal(isUpgrade(once, afterAppUpdate(once, body, how), context), false);
      }),
    ));
});
