import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { parseAddress } from '../../src/core/address.ts';
import { BadTopology } from '../../src/core/topology-errors.ts';
import { readNetwork, readNode, readPool, readTopology } from '../../src/core/topology-read.ts';
import {
  leasesText,
  nodeUseFaults,
  poolUseFaults,
  shrinkFaults,
  sparesText,
} from '../../src/core/topology.ts';

type Raw = Readonly<Record<string, unknown>>;

const example = (): Raw => parse(readFileSync('config/topology.example.yaml', 'utf8')) as Raw;
const pool = (more: Raw = {}): Raw => ({ cidr: '198.51.100.0/26', ...more });

const refuses = (act: () => unknown, says: RegExp): void =>
  assert.throws(act, (error) => {
    assert(error instanceof BadTopology);
    assert.match(error.message, says);
    assert(error.remedy.length > 0);
    return true;
  });

describe('readTopology', () => {
  it('reads the example', () => {
    const { nodes, networks, pools } = readTopology(example());
    assert.equal(nodes.size, 6);
    assert.deepEqual(nodes.get('node-4.example.org'), {
      v: 1,
      linkInKbit: 1_000_000,
      linkOutKbit: 1_000_000,
      overcommit: 1,
      headroom: 0.95,
      attributes: { rack: 'r2' },
    });
    assert.deepEqual(networks.get('prod'), {
      v: 1,
      pools: ['prod-r1', 'prod-r2'],
      attachment: 'bridge',
      defaultInKbit: 10_000,
      defaultOutKbit: 10_000,
    });
    assert.deepEqual(pools.get('prod-r1'), {
      v: 1,
      cidr: '198.51.100.0/26',
      ranges: [{ from: '198.51.100.10', to: '198.51.100.59' }],
      exclude: ['198.51.100.20'],
      gateway: '198.51.100.1',
      vlan: 101,
      nodes: { attributes: { rack: 'r1' } },
    });
  });

  it('reads an empty file, and empty sections, as nothing', () => {
    assert.equal(readTopology({}).pools.size, 0);
    assert.equal(readTopology({ pools: null, nodes: null }).nodes.size, 0);
  });

  for (const { says, raw, fault } of [
    { says: 'text', raw: 'hello', fault: /topology: a mapping is needed, not "hello"/ },
    { says: 'an unknown section', raw: { pool: {} }, fault: /topology: unknown key "pool"/ },
    {
      says: 'an unknown key',
      raw: { pools: { a: pool({ gatway: '198.51.100.1' }) } },
      fault: /pool "a": unknown key "gatway"/,
    },
    {
      says: 'an unknown selector key',
      raw: { pools: { a: pool({ nodes: { racks: 1 } }) } },
      fault: /pool "a" nodes: unknown key "racks"/,
    },
    {
      says: 'a bad name',
      raw: { nodes: { Node_1: { link: 1 } } },
      fault: /node "Node_1": its name/,
    },
    { says: 'a missing cidr', raw: { pools: { a: {} } }, fault: /pool "a": cidr is missing/ },
    { says: 'a list of pools', raw: { pools: [pool()] }, fault: /pools must be a mapping/ },
    {
      says: 'a pool that is text',
      raw: { pools: { a: '192.0.2.0/24' } },
      fault: /pool "a": a mapping is needed/,
    },
    {
      says: 'host bits',
      raw: { pools: { a: { cidr: '198.51.100.7/26' } } },
      fault: /bits are set behind the prefix/,
    },
    {
      says: 'a range of three ends',
      raw: { pools: { a: pool({ ranges: ['198.51.100.2-198.51.100.3-198.51.100.4'] }) } },
      fault: /ranges holds/,
    },
    {
      says: 'a swapped range',
      raw: { pools: { a: pool({ ranges: ['198.51.100.9-198.51.100.3'] }) } },
      fault: /ends before it starts/,
    },
    {
      says: 'a range outside its cidr',
      raw: { pools: { a: pool({ ranges: ['198.51.100.60-198.51.100.70'] }) } },
      fault: /range 198\.51\.100\.60-198\.51\.100\.70 leaves 198\.51\.100\.0\/26/,
    },
    {
      says: 'a range of the other family',
      raw: { pools: { a: pool({ ranges: ['2001:db8::1'] }) } },
      fault: /range 2001:db8::1 leaves/,
    },
    {
      says: 'the network address',
      raw: { pools: { a: pool({ ranges: ['198.51.100.0-198.51.100.9'] }) } },
      fault: /holds the network address 198\.51\.100\.0/,
    },
    {
      says: 'the broadcast address',
      raw: { pools: { a: pool({ ranges: ['198.51.100.60-198.51.100.63'] }) } },
      fault: /holds the broadcast address 198\.51\.100\.63/,
    },
    {
      says: 'its own gateway in a range',
      raw: {
        pools: { a: pool({ gateway: '198.51.100.5', ranges: ['198.51.100.2-198.51.100.9'] }) },
      },
      fault: /its ranges hold 198\.51\.100\.5, its own gateway/,
    },
    {
      says: "another pool's gateway in a range",
      raw: {
        pools: {
          a: pool({ ranges: ['198.51.100.2-198.51.100.9'] }),
          b: pool({ gateway: '198.51.100.5', ranges: ['198.51.100.20'] }),
        },
      },
      fault: /pool "a": its ranges hold 198\.51\.100\.5, the gateway of pool "b"/,
    },
    {
      says: 'a gateway elsewhere',
      raw: { pools: { a: pool({ gateway: '192.0.2.1' }) } },
      fault: /gateway 192\.0\.2\.1 lies outside 198\.51\.100\.0\/26/,
    },
    {
      says: 'an exclusion outside the ranges',
      raw: { pools: { a: pool({ exclude: ['192.0.2.1'] }) } },
      fault: /exclude 192\.0\.2\.1 lies in no range/,
    },
    {
      says: 'a pool of nothing',
      raw: { pools: { a: pool({ ranges: ['198.51.100.2'], exclude: ['198.51.100.2'] }) } },
      fault: /it has 0 addresses/,
    },
    {
      says: 'a pool wider than a VLAN',
      raw: { pools: { a: { cidr: '2001:db8::/48' } } },
      fault: /2001:db8::\/48 is wider than one VLAN's \/64/,
    },
    {
      says: 'VLAN 4095',
      raw: { pools: { a: pool({ vlan: 4095 }) } },
      fault: /vlan 4095 is not a whole number in 1\.\.4094/,
    },
    {
      says: 'overlapping pools',
      raw: {
        pools: {
          a: pool({ ranges: ['198.51.100.2-198.51.100.20'] }),
          b: pool({ ranges: ['198.51.100.15-198.51.100.30'] }),
        },
      },
      fault:
        /pool "b": range 198\.51\.100\.15-198\.51\.100\.30 shares 6 addresses with pool "a" range 198\.51\.100\.2-198\.51\.100\.20/,
    },
    {
      says: 'a range inside an earlier, longer one',
      raw: {
        pools: {
          a: pool({ ranges: ['198.51.100.2-198.51.100.60'] }),
          b: pool({ ranges: ['198.51.100.5'] }),
          c: pool({ ranges: ['198.51.100.30'] }),
        },
      },
      fault: /pool "b".*pool "c": range 198\.51\.100\.30 shares 1 addresses with pool "a"/,
    },
    {
      says: 'a range twice in one pool',
      raw: { pools: { a: pool({ ranges: ['198.51.100.2', '198.51.100.2'] }) } },
      fault: /shares 1 addresses with its own range/,
    },
    {
      says: 'a network without pools',
      raw: { networks: { n: {} } },
      fault: /network "n": it has 0 pools/,
    },
    {
      says: 'a network of an unknown pool',
      raw: { networks: { n: { pools: ['x'] } } },
      fault: /network "n": pool "x" does not exist/,
    },
    {
      says: 'a pool in two networks',
      raw: { pools: { a: pool() }, networks: { m: { pools: ['a'] }, n: { pools: ['a'] } } },
      fault: /network "n": pool "a" already belongs to network "m"/,
    },
    {
      says: 'a network of both families',
      raw: {
        pools: { a: pool(), b: { cidr: '2001:db8::/64' } },
        networks: { n: { pools: ['a', 'b'] } },
      },
      fault: /network "n": its pools mix IPv4 and IPv6/,
    },
    {
      says: 'an unknown attachment',
      raw: { pools: { a: pool() }, networks: { n: { pools: ['a'], attachment: 'bridged' } } },
      fault: /attachment "bridged" is unknown/,
    },
    {
      says: 'a node without a link',
      raw: { nodes: { n: {} } },
      fault: /node "n": linkIn is missing; node "n": linkOut is missing/,
    },
    {
      says: 'a link of zero',
      raw: { nodes: { n: { link: 0 } } },
      fault: /link: "0" is not a usable rate/,
    },
    {
      says: 'a negative link',
      raw: { nodes: { n: { link: -5 } } },
      fault: /link: "-5" is not a usable rate/,
    },
    {
      says: 'a link beyond all links',
      raw: { nodes: { n: { link: '900tbit' } } },
      fault: /it is over 100000000000 kbit\/s/,
    },
    {
      says: 'overcommit below 1',
      raw: { nodes: { n: { link: 1, overcommit: 0.9 } } },
      fault: /overcommit 0\.9 is not a number in 1/,
    },
    {
      says: 'headroom of 0',
      raw: { nodes: { n: { link: 1, headroom: 0 } } },
      fault: /headroom 0 is not a number over 0/,
    },
    {
      says: 'headroom over 1',
      raw: { nodes: { n: { link: 1, headroom: 1.01 } } },
      fault: /headroom 1\.01/,
    },
    {
      says: 'a headroom in words',
      raw: { nodes: { n: { link: 1, headroom: '0.9' } } },
      fault: /headroom "0\.9" is not/,
    },
    {
      says: 'an attribute that is a list',
      raw: { nodes: { n: { link: 1, attributes: { rack: [1] } } } },
      fault: /attributes\.rack must be text/,
    },
  ]) {
    it(`refuses ${says}`, () => refuses(() => readTopology(raw), fault));
  }

  it('finds every fault in one pass', () => {
    const raw = { nodes: { n: { link: 0, headroom: 2, speed: 1 } }, pools: { a: { cidr: 'x/y' } } };
    refuses(() => readTopology(raw), /unknown key "speed".*link.*headroom/s);
    refuses(() => readTopology(raw), /pool "a"/);
  });

  it('takes names that JavaScript knows already', () => {
    const { pools } = readTopology({ pools: { constructor: pool() } });
    assert.equal(pools.get('constructor')?.cidr, '198.51.100.0/26');
    refuses(() => readTopology(JSON.parse('{"pools":{"__proto__":{}}}')), /its name/);
  });
});

describe('what is left out', () => {
  for (const { says, raw, ranges } of [
    {
      says: 'ranges are the hosts of the subnet',
      raw: pool(),
      ranges: ['198.51.100.1-198.51.100.62'],
    },
    {
      says: 'ranges leave the gateway out',
      raw: pool({ gateway: '198.51.100.9' }),
      ranges: ['198.51.100.1-198.51.100.8', '198.51.100.10-198.51.100.62'],
    },
    {
      says: 'a gateway at the edge leaves one range',
      raw: pool({ gateway: '198.51.100.1' }),
      ranges: ['198.51.100.2-198.51.100.62'],
    },
    {
      says: 'a /31 has two hosts',
      raw: { cidr: '198.51.100.0/31' },
      ranges: ['198.51.100.0-198.51.100.1'],
    },
    {
      says: 'a /32 has one',
      raw: { cidr: '198.51.100.7/32' },
      ranges: ['198.51.100.7-198.51.100.7'],
    },
    {
      says: 'a /64 starts after its router anycast',
      raw: { cidr: '2001:db8::/64' },
      ranges: ['2001:db8::1-2001:db8::ffff:ffff:ffff:ffff'],
    },
  ]) {
    it(says, () => {
      const record = readPool('p', raw);
      assert.deepEqual(
        record.ranges.map(({ from, to }) => `${from}-${to}`),
        ranges,
      );
      assert.equal(readTopology({ pools: { p: raw } }).pools.size, 1);
    });
  }

  it('overcommit is none and headroom 0.95', () => {
    const { overcommit, headroom } = readNode('n', { linkIn: '2gbit', linkOut: 500 });
    assert.deepEqual([overcommit, headroom], [1, 0.95]);
  });

  it('one way overrules both', () => {
    const { linkInKbit, linkOutKbit } = readNode('n', { link: '1gbit', linkOut: '100mbit' });
    assert.deepEqual([linkInKbit, linkOutKbit], [1_000_000, 100_000]);
    const network = readNetwork('n', { pools: 'p', defaultIn: 5 });
    assert.deepEqual(
      [network.pools, network.defaultInKbit, network.defaultOutKbit],
      [['p'], 5, 1000],
    );
  });

  it('is not told apart from one spelling by another', () => {
    const one = readPool('p', pool({ ranges: ['198.51.100.9', '198.51.100.2 - 198.51.100.4'] }));
    const other = readPool(
      'p',
      pool({
        ranges: [{ from: '198.51.100.2', to: '198.51.100.4' }, '198.51.100.9-198.51.100.9'],
      }),
    );
    assert.deepEqual(one, other);
    const v6 = readPool('p', { cidr: '2001:DB8:0:0::/64', ranges: ['2001:db8::A'] });
    assert.deepEqual([v6.cidr, v6.ranges[0]?.from], ['2001:db8::/64', '2001:db8::a']);
  });
});

describe('leases in the way', () => {
  const used = [5, 6, 7, 8].map((n) => ({
    node: `node-${n}`,
    address: parseAddress(`198.51.100.${n}`),
  }));

  it('are counted and the first few named', () => {
    assert.equal(leasesText(used.slice(0, 1)), '1 lease: 198.51.100.5 (node-5)');
    assert.equal(
      leasesText(used),
      '4 leases: 198.51.100.5 (node-5), 198.51.100.6 (node-6), 198.51.100.7 (node-7), …',
    );
  });

  it('stop a pool that would leave them out, and only then', () => {
    const next = readPool('p', pool({ ranges: ['198.51.100.1-198.51.100.6'] }));
    const [fault, ...more] = shrinkFaults('p', next, { leases: used, spares: [] });
    assert.deepEqual(more, []);
    assert.match(fault!.says, /leave out 2 leases: 198\.51\.100\.7 \(node-7\), 198\.51\.100\.8/);
    const inside = used.slice(0, 2);
    assert.deepEqual(shrinkFaults('p', next, { leases: inside, spares: inside }), []);
  });

  it('stop what is to go', () => {
    assert.match(nodeUseFaults('a', { leases: used, spares: [] })[0]!.says, /holds 4 leases/);
    assert.deepEqual(nodeUseFaults('a', { leases: [], spares: [] }), []);
  });
});

describe('spares in the way', () => {
  const spares = [5, 6, 9].map((n) => ({
    node: n === 9 ? 'b' : 'a',
    address: parseAddress(`198.51.100.${n}`),
  }));

  it('are counted by node and named', () => {
    assert.equal(
      sparesText(spares),
      '3 spares: 2 of a (198.51.100.5, 198.51.100.6), 1 of b (198.51.100.9)',
    );
    assert.equal(sparesText(spares.slice(2)), '1 spare: 1 of b (198.51.100.9)');
  });

  it('are named up to a few nodes and addresses', () => {
    const many = Array.from({ length: 90 }, (_, n) => ({
      node: `n${n % 10}`,
      address: parseAddress(`198.51.100.${n + 1}`),
    }));
    assert.match(sparesText(many), /^90 spares: 9 of n0 \(198\.51\.100\.1, .*71, …\), 9 of n1/);
    assert.match(sparesText(many), / and more of 2 other nodes$/);
  });

  it('stop a pool that would leave them out, one that goes and a node, each with its way out', () => {
    const next = readPool('p', pool({ ranges: ['198.51.100.1-198.51.100.6'] }));
    const used = { leases: [], spares };
    const faults = [
      ...shrinkFaults('p', next, used),
      ...poolUseFaults('pool "p"', 'p', used),
      ...nodeUseFaults('a', { leases: [], spares: spares.slice(0, 2) }),
    ];
    assert.deepEqual(
      faults.map(({ says }) => says.replace(/:.*/u, '')),
      [
        'the change would leave out 1 spare',
        'nodes keep of it 3 spares',
        'it still keeps 2 spares',
      ],
    );
    const [narrow, go, node] = faults.map(({ remedy }) => remedy);
    assert.match(narrow!, /corral pool quarantine add p FROM-TO --why/);
    assert.match(go!, /corral pool set p --node none.*corral node forget NODE/);
    assert.match(node!, /corral node forget a --yes/);
  });
});
