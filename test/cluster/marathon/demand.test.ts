import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../../../src/core/errors.ts';
import { demandOfApp } from '../../../src/cluster/marathon/demand.ts';
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
const withBridge: DemandContext = {
  ...context,
  networks: new Map([
    ...context.networks,
    ['mesos-bridge', { defaultInKbit: 5, defaultOutKbit: 6 }],
  ]),
};
const byDefault: DemandContext = { ...context, secretPolicy: 'default' };

const prod = { name: 'prod', mode: 'container' };
const backup = { name: 'backup', mode: 'container' };
const mesos = { type: 'MESOS' };
const docker = (...parameters: readonly (readonly [string, string])[]): JsonObject => ({
  type: 'DOCKER',
  docker: {
    image: 'example.org/web',
    parameters: parameters.map(([key, value]) => ({ key, value })),
  },
});
const on = (...networks: readonly JsonObject[]): JsonObject => ({ networks, container: mesos });

const at = (network: string, netInKbit: number, netOutKbit: number) => ({
  network,
  netInKbit,
  netOutKbit,
});
const addressesOf = (app: JsonObject, of = context) => demandOfApp(app, of).demand.addresses;

describe('demandOfApp, addresses', () => {
  for (const { says, app, of = context, gives } of [
    { says: 'an app without networks takes none', app: {}, gives: [] },
    { says: 'host mode takes none', app: on({ mode: 'host' }), gives: [] },
    {
      says: 'one on a managed network, at its default',
      app: on(prod),
      gives: [at('prod', 1000, 2000)],
    },
    {
      says: 'none on a network of others',
      app: on({ name: 'other', mode: 'container' }),
      gives: [],
    },
    {
      says: 'container is the mode of a network that states none',
      app: on({ name: 'prod' }),
      gives: [at('prod', 1000, 2000)],
    },
    {
      says: 'modes in any case',
      app: on({ name: 'prod', mode: 'CONTAINER' }),
      gives: [at('prod', 1000, 2000)],
    },
    {
      says: 'one per managed network',
      app: on(prod, { name: 'other' }, backup),
      gives: [at('prod', 1000, 2000), at('backup', 30, 40)],
    },
    {
      says: 'without a container it runs under Mesos',
      app: { networks: [prod] },
      gives: [at('prod', 1000, 2000)],
    },
    {
      says: 'none on a bridge that nobody manages',
      app: on({ mode: 'container/bridge' }),
      gives: [],
    },
    {
      says: 'one on a managed bridge',
      app: on({ mode: 'container/bridge' }),
      of: withBridge,
      gives: [at('mesos-bridge', 5, 6)],
    },
    {
      says: 'one on the bridge under its own name',
      app: on({ name: 'mesos-bridge', mode: 'container' }),
      of: withBridge,
      gives: [at('mesos-bridge', 5, 6)],
    },
    {
      says: 'none on docker0, managed bridge or not',
      app: { networks: [{ mode: 'container/bridge' }], container: docker() },
      of: withBridge,
      gives: [],
    },
    {
      says: 'one under Docker',
      app: { networks: [prod], container: docker() },
      gives: [at('prod', 1000, 2000)],
    },
    {
      says: 'a container without a type is Docker: the environment comes before a label',
      app: {
        networks: [{ ...prod, labels: { net_in: '7', net_out: '8' } }],
        env: { net_in: '9' },
        container: {},
      },
      gives: [at('prod', 9, 8)],
    },
    {
      says: 'labels of a network that a parameter of Docker replaces speak of none',
      app: { networks: [{ ...prod, labels: { net_in: '7' } }], container: docker(['net', 'prod']) },
      gives: [at('prod', 1000, 2000)],
    },
    {
      says: 'the parameter "net" takes a host app onto a managed network',
      app: { networks: [{ mode: 'host' }], container: docker(['net', 'prod']) },
      gives: [at('prod', 1000, 2000)],
    },
    {
      says: 'the parameter "network" takes an app off it',
      app: { networks: [prod], container: docker(['network', 'host']) },
      gives: [],
    },
    {
      says: 'a shared namespace takes none',
      app: { networks: [prod], container: docker(['net', 'container:abc']) },
      gives: [],
    },
    {
      says: 'later networks count beside the first',
      app: {
        networks: [{ mode: 'host' }],
        container: docker(['net', 'prod'], ['network', 'backup']),
      },
      gives: [at('prod', 1000, 2000), at('backup', 30, 40)],
    },
    {
      says: 'a network said twice counts once',
      app: { networks: [prod], container: docker(['net', 'prod'], ['network', 'prod']) },
      gives: [at('prod', 1000, 2000)],
    },
    {
      says: 'the long form of the parameter is read',
      app: { networks: [{ mode: 'host' }], container: docker(['network', 'name=prod,alias=web']) },
      gives: [at('prod', 1000, 2000)],
    },
    {
      says: 'whatever the case of its fields',
      app: { networks: [{ mode: 'host' }], container: docker(['network', 'alias=web,Name=prod']) },
      gives: [at('prod', 1000, 2000)],
    },
    {
      says: 'a network hidden in a key counts beside the mode',
      app: { networks: [backup], container: docker(['network=name', 'prod']) },
      gives: [at('backup', 30, 40), at('prod', 1000, 2000)],
    },
    {
      says: 'the first of two labels for one network counts',
      app: on({ ...prod, labels: { net_in: '7' } }, prod),
      gives: [at('prod', 7, 2000)],
    },
    {
      says: 'other parameters change nothing',
      app: { networks: [prod], container: docker(['hostname', 'a.example.org'], ['Net', 'host']) },
      gives: [at('prod', 1000, 2000)],
    },
    {
      says: 'parameters without Docker change nothing',
      app: { networks: [prod], container: { ...docker(['net', 'host']), type: 'MESOS' } },
      gives: [at('prod', 1000, 2000)],
    },
  ]) {
    it(says, () => assert.deepEqual(addressesOf(app, of), gives));
  }

  it('says whether a managed address is taken', () => {
    assert.equal(demandOfApp(on(prod), context).managed, true);
    assert.equal(demandOfApp({}, context).managed, false);
  });
});

describe('demandOfApp, rates', () => {
  const env = { net_in: '10mbit', net_out: '512' };
  const labels = { net_in: '1gbit' };
  for (const { says, app, of = context, gives } of [
    { says: 'come from env', app: { ...on(prod), env }, gives: [at('prod', 10_000, 512)] },
    {
      says: 'one direction may be left to the default',
      app: { ...on(prod), env: { net_in: '7' } },
      gives: [at('prod', 7, 2000)],
    },
    {
      says: 'hold for each address',
      app: { ...on(prod, backup), env },
      gives: [at('prod', 10_000, 512), at('backup', 10_000, 512)],
    },
    {
      says: 'a label wins on its own network',
      app: { ...on({ ...prod, labels }, backup), env },
      gives: [at('prod', 1_000_000, 512), at('backup', 10_000, 512)],
    },
    {
      says: 'labels never reach Docker',
      app: { networks: [{ ...prod, labels }], container: docker(), env },
      gives: [at('prod', 10_000, 512)],
    },
    {
      says: 'names are case sensitive',
      app: { ...on(prod), env: { NET_IN: '7' } },
      gives: [at('prod', 1000, 2000)],
    },
    {
      says: 'other variables may be secrets',
      app: { ...on(prod), env: { password: { secret: 'p' } } },
      gives: [at('prod', 1000, 2000)],
    },
    {
      says: 'a secret may mean the default',
      app: { ...on(prod), env: { net_in: { secret: 's' }, net_out: '9' } },
      of: byDefault,
      gives: [at('prod', 1000, 9)],
    },
    {
      says: 'nobody reads the env of an app on the host',
      app: { env: { net_in: 'nonsense' } },
      gives: [],
    },
  ]) {
    it(says, () => assert.deepEqual(addressesOf(app, of), gives));
  }

  it('reads other names when told', () => {
    const of = { ...context, rateNames: { in: 'BW_IN', out: 'BW_OUT' } };
    assert.deepEqual(addressesOf({ ...on(prod), env: { BW_IN: '3', net_in: '9' } }, of), [
      at('prod', 3, 2000),
    ]);
  });
});

describe('demandOfApp refuses', () => {
  const fixed = (...parameter: readonly [string, string]) => ({
    networks: [prod],
    container: docker(parameter),
    instances: 2,
  });
  for (const { says, app, expected } of [
    {
      says: 'a rate that is none',
      app: { ...on(prod), env: { net_in: '10;rm -rf /' } },
      expected: {
        code: 'unusable-rate',
        path: '/env/net_in',
        message:
          '/env/net_in is not a rate: "10;rm -rf /" is not a usable rate: it is not a plain decimal number',
      },
    },
    {
      says: 'a rate of zero',
      app: { ...on(prod), env: { net_out: '0' } },
      expected: { code: 'unusable-rate', path: '/env/net_out' },
    },
    {
      says: 'a number where Marathon takes strings',
      app: { ...on(prod), env: { net_in: 10 } },
      expected: {
        code: 'unusable-rate',
        message: '/env/net_in is not a rate: it must be a string',
      },
    },
    {
      says: 'null',
      app: { ...on(prod), env: { net_in: null } },
      expected: { code: 'unusable-rate' },
    },
    {
      says: 'an object that is no secret',
      app: { ...on(prod), env: { net_in: { value: '1' } } },
      expected: { code: 'unusable-rate' },
    },
    {
      says: 'a secret by policy',
      app: { ...on(prod), env: { net_in: { secret: 's' } } },
      expected: {
        code: 'secret-rate',
        message: '/env/net_in is a secret, so its rate cannot be counted',
      },
    },
    {
      says: 'an env that is no object',
      app: { ...on(prod), env: [] },
      expected: { code: 'bad-body', message: 'the body is not valid at /env: must be an object' },
    },
    {
      says: 'a bad label',
      app: on(backup, { ...prod, labels: { net_in: 'x' } }),
      expected: { code: 'unusable-rate', path: '/networks(1)/labels/net_in' },
    },
    {
      says: 'an unknown mode',
      app: on({ mode: 'bridge' }),
      expected: { code: 'bad-body', message: /\/networks\(0\)\/mode/ },
    },
    {
      says: 'rates set by a Docker parameter',
      app: { networks: [prod], container: docker(['env', 'net_in=9gbit']) },
      expected: {
        code: 'bypassed-env',
        path: '/container/docker/parameters(0)',
        message:
          'the Docker parameter "env" at /container/docker/parameters(0) can set a rate that Marathon does not show',
      },
    },
    {
      says: 'rates copied from the agent',
      app: { networks: [prod], container: docker(['e', 'net_out']) },
      expected: { code: 'bypassed-env' },
    },
    {
      says: 'rates from a file',
      app: { networks: [prod], container: docker(['env-file', '/etc/rates']) },
      expected: { code: 'bypassed-env' },
    },
    {
      says: 'rates hidden in a key',
      app: { networks: [prod], container: docker(['env=net_in=9gbit', '']) },
      expected: { code: 'bypassed-env' },
    },
    {
      says: 'an address hidden in a key',
      app: { networks: [prod], container: docker(['ip=192.0.2.9', '']), instances: 2 },
      expected: { code: 'shared-address' },
    },
    {
      says: 'one address for two instances',
      app: fixed('ip', '192.0.2.9'),
      expected: {
        code: 'shared-address',
        message:
          'the Docker parameter "ip" at /container/docker/parameters(0) fixes one address for 2 instances',
      },
    },
    {
      says: 'one IPv6 address for two',
      app: fixed('ip6', '2001:db8::9'),
      expected: { code: 'shared-address' },
    },
    {
      says: 'one MAC for two',
      app: fixed('mac-address', '02:00:00:00:00:09'),
      expected: { code: 'shared-address' },
    },
    {
      says: 'one address for two in the long form',
      app: fixed('network', 'name=prod,ip=192.0.2.9'),
      expected: { code: 'shared-address' },
    },
    {
      says: 'negative instances',
      app: { instances: -1 },
      expected: {
        code: 'bad-body',
        message: 'the body is not valid at /instances: must be at least 0, but is -1',
      },
    },
    {
      says: 'half an instance',
      app: { instances: 2.5 },
      expected: {
        message: 'the body is not valid at /instances: must be a whole number, but is 2.5',
      },
    },
    {
      says: 'more than 2^31 - 1 instances',
      app: { instances: 2 ** 31 },
      expected: {
        message:
          'the body is not valid at /instances: must be at most 2147483647, but is 2147483648',
      },
    },
    {
      says: 'instances in quotes',
      app: { instances: '2' },
      expected: { message: 'the body is not valid at /instances: must be a number' },
    },
    {
      says: 'negative cpus',
      app: { cpus: -0.1 },
      expected: { message: /\/cpus: must be at least 0, but is -0\.1/ },
    },
    {
      says: 'NaN',
      app: { mem: NaN },
      expected: { message: /\/mem: must be at least 0, but is NaN/ },
    },
    {
      says: 'infinity',
      app: { disk: 1e999 },
      expected: { message: /\/disk: must be at most 9007199254740991, but is Infinity/ },
    },
    {
      says: 'parts of a GPU',
      app: { gpus: 0.5 },
      expected: { message: /\/gpus: must be a whole number/ },
    },
    {
      says: 'a port that is none',
      app: { portDefinitions: [{ port: 70_000 }] },
      expected: { message: /\/portDefinitions\(0\)\/port: must be at most 65535/ },
    },
    {
      says: 'a share over one',
      app: { upgradeStrategy: { minimumHealthCapacity: 2, maximumOverCapacity: 1 } },
      expected: {
        message: /\/upgradeStrategy\/minimumHealthCapacity: must be at most 1, but is 2/,
      },
    },
  ]) {
    it(says, () => assert.throws(() => demandOfApp(app, context), expected));
  }

  it('and lists the fault as a refused body does', () => {
    const app = { ...on(prod), env: { net_in: { secret: 's' } } };
    assert.throws(
      () => demandOfApp(app, context),
      (fault: { faults: unknown; message: string }) => {
        assert.deepEqual(fault.faults, [{ path: '/env/net_in', errors: [fault.message] }]);
        return true;
      },
    );
  });

  it('nothing that Docker does to an app outside our networks', () => {
    const container = docker(['ip', '192.0.2.9'], ['env', 'net_in=9gbit']);
    assert.equal(demandOfApp({ container, instances: 2 }, context).managed, false);
  });

  it('only with a Refusal, whatever the values', () => {
    const value = fc.oneof(
      fc.double(),
      fc.string(),
      fc.constant(null),
      fc.bigInt().map(Number),
      fc.object(),
    );
    const app = fc.record(
      { instances: value, cpus: value, mem: value, gpus: value, env: fc.record({ net_in: value }) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(app, (fields) => {
        try {
          const { demand, instances } = demandOfApp(
            { ...on(prod), ...fields } as JsonObject,
            context,
          );
          for (const figure of [
            instances,
            demand.cpus,
            demand.memMiB,
            demand.gpus,
            demand.addresses[0]!.netInKbit,
          ])
            assert.ok(figure >= 0 && figure <= Number.MAX_SAFE_INTEGER, String(figure));
        } catch (fault) {
          assert.ok(fault instanceof Refusal, String(fault));
        }
      }),
    );
  });
});

describe('demandOfApp, what the node has to be told', () => {
  const labels = { net_in: '7', net_out: '8' };
  const labelled = [{ ...prod, labels }];
  const secret = { net_in: { secret: 'rate' } };
  for (const { says, app, gives, of = context } of [
    { says: 'nothing of an app without labels', app: { networks: [prod], container: docker() } },
    {
      says: 'both ways of a network, under Docker',
      app: { networks: labelled, container: docker() },
      gives: { prod: { netInKbit: 7, netOutKbit: 8 } },
    },
    { says: 'nothing where CNI gets the labels', app: on({ ...prod, labels }) },
    {
      says: 'not what the environment says',
      app: { networks: labelled, env: { net_out: '1' }, container: docker() },
      gives: { prod: { netInKbit: 7 } },
    },
    {
      says: 'not what a secret says, which nobody here can read',
      app: { networks: labelled, env: secret, container: docker() },
      of: byDefault,
      gives: { prod: { netOutKbit: 8 } },
    },
    {
      says: 'nothing of networks of others',
      app: { networks: [{ name: 'other', mode: 'container', labels }], container: docker() },
    },
  ] as const)
    it(says, () => assert.deepEqual(demandOfApp(app, of).labelled, gives ?? {}));
});

describe('demandOfApp, warnings', () => {
  for (const { says, app, warnings } of [
    { says: 'nothing to say', app: on(prod), warnings: [] },
    {
      says: 'a fixed address of one instance',
      app: { networks: [prod], container: docker(['ip', '192.0.2.9']) },
      warnings: [
        {
          path: '/container/docker/parameters(0)',
          message: '"ip" fixes an address, so an upgrade cannot run old and new side by side',
        },
      ],
    },
    {
      says: 'labels that the node is told of',
      app: { networks: [{ ...prod, labels: { net_out: '1' } }], container: docker() },
      warnings: [],
    },
    {
      says: 'labels of a network that a parameter replaces',
      app: {
        networks: [{ ...prod, labels: { net_out: '1' } }],
        container: docker(['network', 'backup']),
      },
      warnings: [
        {
          path: '/networks(0)/labels/net_out',
          message: 'a parameter of Docker names another network, which these labels say nothing of',
        },
      ],
    },
  ]) {
    it(says, () => assert.deepEqual(demandOfApp(app, context).warnings, warnings));
  }
});

describe('demandOfApp, faults', () => {
  for (const { says, app, faults } of [
    {
      says: 'a network without a name',
      app: on({ mode: 'container' }),
      faults: [
        {
          path: '/networks(0)/name',
          message: 'the network has no name, and Marathon has no default network',
        },
      ],
    },
    {
      says: 'an unknown operator',
      app: { constraints: [['hostname', 'NEAR']] },
      faults: [
        { path: '/constraints(0)', message: 'has an operator that Marathon does not know: "NEAR"' },
      ],
    },
    {
      says: 'a single instance that is upgraded side by side',
      app: { labels: { MARATHON_SINGLE_INSTANCE_APP: 'true' } },
      faults: [
        {
          path: '/labels/MARATHON_SINGLE_INSTANCE_APP',
          message: 'needs an upgradeStrategy of 0/0',
        },
      ],
    },
  ]) {
    it(says, () => assert.deepEqual(demandOfApp(app, context).faults, faults));
  }
});

describe('demandOfApp, resources', () => {
  it("takes Marathon's defaults", () => {
    const { demand, instances } = demandOfApp({}, context);
    assert.deepEqual(
      { ...demand, instances },
      {
        cpus: 1,
        memMiB: 128,
        diskMiB: 0,
        gpus: 0,
        ports: { any: 1, fixed: [] },
        addresses: [],
        instances: 1,
      },
    );
  });

  it('reads what is stated', () => {
    const { cpus, memMiB, diskMiB, gpus } = demandOfApp(
      { cpus: 0.25, mem: 64, disk: 10, gpus: 2 },
      context,
    ).demand;
    assert.deepEqual(
      { cpus, memMiB, diskMiB, gpus },
      { cpus: 0.25, memMiB: 64, diskMiB: 10, gpus: 2 },
    );
  });

  it('adds persistent volumes to the disk, and no others', () => {
    const volumes = [
      { persistent: { size: 100 } },
      { hostPath: '/srv' },
      { persistent: { size: 50 } },
      { external: { size: 7 } },
    ];
    assert.equal(
      demandOfApp({ disk: 10, container: { type: 'MESOS', volumes } }, context).demand.diskMiB,
      160,
    );
  });
});

describe('demandOfApp, ports', () => {
  const mapped = (mode: string, ...portMappings: readonly JsonObject[]) => ({
    networks: [{ mode, ...(mode === 'container' && { name: 'other' }) }],
    container: { type: 'MESOS', portMappings },
  });
  for (const { says, app, any, fixed } of [
    { says: 'one by default on the host', app: {}, any: 1, fixed: [] },
    { says: 'none when none are wanted', app: { portDefinitions: [] }, any: 0, fixed: [] },
    {
      says: 'a port given on the host is a wish',
      app: { portDefinitions: [{ port: 8080 }, { port: 0 }, {}] },
      any: 3,
      fixed: [],
    },
    {
      says: 'unless ports are required',
      app: { portDefinitions: [{ port: 8080 }, { port: 0 }], requirePorts: true },
      any: 1,
      fixed: [8080],
    },
    {
      says: 'mappings without a host port take none',
      app: mapped('container', { containerPort: 80 }),
      any: 0,
      fixed: [],
    },
    {
      says: 'mappings with one always take it',
      app: mapped('container', { hostPort: 0 }, { hostPort: 8080 }),
      any: 1,
      fixed: [8080],
    },
    {
      says: 'bridge mappings take any by default',
      app: mapped('container/bridge', { containerPort: 80 }),
      any: 1,
      fixed: [],
    },
    {
      says: 'no mappings at all take none in container mode',
      app: { networks: [{ name: 'other' }] },
      any: 0,
      fixed: [],
    },
    {
      says: 'and one on a bridge',
      app: { networks: [{ mode: 'container/bridge' }] },
      any: 1,
      fixed: [],
    },
    {
      says: 'portDefinitions off the host take none',
      app: { networks: [{ name: 'other' }], portDefinitions: [{ port: 1 }], requirePorts: true },
      any: 0,
      fixed: [],
    },
  ]) {
    it(says, () => assert.deepEqual(demandOfApp(app, context).demand.ports, { any, fixed }));
  }
});
