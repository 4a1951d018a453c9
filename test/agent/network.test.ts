import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EngineNetwork } from '../../src/agent/docker/engine-translate.ts';
import { differences, planNetworks } from '../../src/agent/docker/network.ts';
import { poolSpace } from '../../src/core/pool.ts';
import { readPool } from '../../src/core/topology-read.ts';
import type { ReachedPool } from '../../src/ledger/lease-view.ts';

const pool = (name: string, raw: object): ReachedPool => {
  const record = readPool(name, raw);
  return { name, record, space: poolSpace(record), revision: 1 };
};
const r1 = pool('r1', { cidr: '10.1.0.0/24', gateway: '10.1.0.1', vlan: 11 });
const r2 = pool('r2', { cidr: '10.2.0.0/24', gateway: '10.2.0.1', vlan: 12 });
const bare = pool('bare', { cidr: '10.3.0.0/24' });
const six = pool('six', {
  ...{ cidr: '2001:db8::/64', ranges: ['2001:db8::10-2001:db8::20'], vlan: 12 },
});
const bridge = { driver: 'bridge', plugin: 'corral' } as const;

describe('the docker networks of a network', () => {
  it('are one per IPv4 pool, the first by its own name', () => {
    const { networks, left } = planNetworks('prod', [r1, r2, six], bridge);
    assert.deepEqual(
      networks.map(({ spec, pools }) => [spec.name, pools, spec.ipv6]),
      [
        ['prod', ['r1'], false],
        ['prod-r2', ['r2', 'six'], true],
      ],
    );
    assert.deepEqual(left, []);
  });

  it('leave out a pool of IPv6 alone, and say so', () => {
    const { networks, left } = planNetworks('prod', [r1, six], bridge);
    assert.equal(networks.length, 1);
    assert.deepEqual(
      left.map((one) => one.pool),
      ['six'],
    );
  });

  for (const { says, of, choices, options } of [
    {
      says: 'translate nothing, and leave the gateway its address',
      of: r1,
      choices: { ...bridge, bridge: 'br11', mtu: 9000 },
      options: {
        'com.docker.network.bridge.enable_ip_masquerade': 'false',
        'com.docker.network.bridge.inhibit_ipv4': 'true',
        'com.docker.network.bridge.name': 'br11',
        'com.docker.network.driver.mtu': '9000',
      },
    },
    {
      says: 'make the bridge the gateway where there is no router',
      of: bare,
      choices: bridge,
      options: { 'com.docker.network.bridge.enable_ip_masquerade': 'false' },
    },
    {
      says: 'hang on the VLAN of the pool',
      of: r1,
      choices: { driver: 'macvlan', plugin: 'corral', parent: 'eth0' } as const,
      options: { parent: 'eth0.11' },
    },
    {
      says: 'hang on the very interface that is named with its VLAN',
      of: r1,
      choices: { driver: 'macvlan', plugin: 'corral', parent: 'bond0.7' } as const,
      options: { parent: 'bond0.7' },
    },
    {
      says: 'hang on the uplink itself where the pool has no VLAN',
      of: bare,
      choices: { driver: 'macvlan', plugin: 'corral', parent: 'eth0' } as const,
      options: { parent: 'eth0' },
    },
  ])
    it(says, () => {
      const { networks } = planNetworks('prod', [of], choices);
      assert.deepEqual(networks[0]?.spec.options, options);
    });

  it('differ by what matters to containers, and by nothing else', () => {
    const spec = planNetworks('prod', [r1], bridge).networks[0]?.spec;
    assert(spec);
    const same: EngineNetwork = {
      ...{ ...spec, id: 'x', scope: 'local', internal: false, endpoints: new Map() },
      labels: { whatever: 'else' },
    };
    assert.deepEqual(differences(spec, same), []);
    const other: EngineNetwork = {
      ...{ ...same, driver: 'macvlan', options: { parent: 'eth0' } },
      ipam: { ...same.ipam, pools: [{ subnet: '10.1.0.0/24', range: '10.1.0.0/25', aux: {} }] },
    };
    const said = differences(spec, other);
    assert.equal(said.length, 3);
    assert.match(said[0] ?? '', /^driver: macvlan instead of bridge$/);
    assert.match(said[1] ?? '', /^options: parent=eth0 instead of com\.docker/);
    assert.match(
      said[2] ?? '',
      /range 10\.1\.0\.0\/25 instead of 10\.1\.0\.0\/24 gateway 10\.1\.0\.1$/,
    );
  });
});
