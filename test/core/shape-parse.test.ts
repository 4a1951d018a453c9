import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseTrees } from '../../src/core/shape-classes.ts';
import { UnreadableKernel } from '../../src/core/shape-errors.ts';
import { parseHook, parseSortings } from '../../src/core/shape-filters.ts';
import { parseLinkNews, parseLinks } from '../../src/core/shape-links.ts';
import { leafOf, parseQdiscs } from '../../src/core/shape-qdiscs.ts';
import { readPlan, seenFrom } from '../../src/core/shape-read.ts';
import { samplesOf, usageAfter } from '../../src/core/shape-usage.ts';

/** As iproute2 6.1 on kernel 6.18 printed it; shortened to what differs. */
const LINKS = `[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK"],"mtu":65536,"qdisc":"noop","operstate":"DOWN"},{},
{"ifindex":3,"link_index":2,"ifname":"va","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1500,"linkinfo":{"info_kind":"veth"}},
{"ifindex":9,"ifname":"corral-0005","flags":["UP"],"mtu":1500,"linkinfo":{"info_kind":"ifb"},"future":{"x":[1]}}]`;
const QDISCS = `[{"kind":"htb","handle":"c0a1:","dev":"va","root":true,"refcnt":3,"options":{"r2q":10,"default":"0x5","direct_packets_stat":7,"ver":"3.17","direct_qlen":1000},"bytes":1514,"packets":1,"drops":2,"overlimits":0,"requeues":0,"backlog":3,"qlen":0},
{"kind":"tbf","handle":"804d:","dev":"va","parent":"c0a1:5","options":{"rate":12500000000,"burst":"0b/1","mpu":0,"burst_raw":"f","lat":10,"limit":125000,"linklayer":"ethernet"},"bytes":100,"packets":1,"drops":2,"backlog":0},
{"kind":"clsact","handle":"ffff:","dev":"va","parent":"ffff:fff1","options":{}},
{"kind":"noqueue","handle":"0:","dev":"br0","root":true,"options":{}},
{"kind":"bfifo","handle":"8001:","dev":"corral-0005","parent":"c0a1:5","options":{"limit":100000},"bytes":10,"packets":1,"drops":0,"backlog":0}]`;
const CLASSES = `class htb c0a1:ffff root rate 40Gbit ceil 40Gbit linklayer ethernet burst 10480000b/1 mpu 0b cburst 10480000b/1 mpu 0b level 7 
class htb c0a1:5 parent c0a1:ffff leaf 804d: prio 0 quantum 3028 rate 1500Kbit ceil 1234Mbit linklayer ethernet burst 64Kb/1 mpu 0b cburst 67000b/1 mpu 0b level 0 
class tbf 804d:1 parent 804d: 

[{"pref":1}]
[]
`;
const rule = (fh: string, more: string): string =>
  `{"protocol":"all","pref":1,"kind":"u32","chain":0,"options":{"fh":"${fh}","order":2048,"key_ht":"800","bkt":"0","not_in_hw":true,"match":{"value":"0","mask":"0","offmask":"","off":0}${more}}}`;
const mirred = (to: string): string =>
  `,"actions":[{"order":1,"kind":"mirred","mirred_action":"redirect","direction":"egress","to_dev":"${to}","control_action":{"type":"stolen"},"index":1,"ref":1,"bind":1}]`;
const TABLE =
  '{"protocol":"all","pref":1,"kind":"u32","chain":0},{"protocol":"all","pref":1,"kind":"u32","chain":0,"options":{"fh":"800:","ht_divisor":1}}';

describe('what the kernel shows', () => {
  for (const { says, line, gives } of [
    {
      says: 'a port of a bridge that came',
      line: '4: vethc6d8eaa@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br-8 state UP group default \\    link/ether 6e:7f master x',
      gives: {
        gone: false,
        link: { name: 'vethc6d8eaa', index: 4, mtu: 1500, up: true, bridge: 'br-8' },
      },
    },
    {
      says: 'one that went',
      line: 'Deleted 4: vethc6d8eaa@NONE: <BROADCAST> mtu 1500 qdisc noop state DOWN group default \\    link/ether 6e',
      gives: { gone: true, link: { name: 'vethc6d8eaa', index: 4, mtu: 1500, up: false } },
    },
    { says: 'something else', line: '    inet6 fe80::1/64 scope link master', gives: undefined },
  ])
    it(`news of interfaces: ${says}`, () => assert.deepEqual(parseLinkNews(line), gives));

  it('interfaces', () => {
    const links = parseLinks(LINKS);
    assert.deepEqual(links.get('va'), {
      name: 'va',
      index: 3,
      mtu: 1500,
      up: true,
      kind: 'veth',
      peerIndex: 2,
    });
    assert.deepEqual([...links.keys()], ['lo', 'va', 'corral-0005']);
  });

  it('qdiscs and their leaves', () => {
    const [root, split, , , bfifo] = parseQdiscs(QDISCS);
    assert.equal(root?.parent, 'root');
    assert.deepEqual(root?.counters, { bytes: 1514, packets: 1, drops: 2, backlogBytes: 3 });
    assert.deepEqual(split && leafOf(split), { kind: 'split', limitBytes: 125_000 });
    assert.deepEqual(bfifo && leafOf(bfifo), { kind: 'bfifo', limitBytes: 100_000 });
    assert.equal(root && leafOf(root), undefined);
  });

  it('classes of several interfaces, in the order they were asked for', () => {
    const trees = parseTrees(CLASSES, ['corral-in', 'va']);
    assert.deepEqual(trees.get('corral-in')?.classes.get(5), {
      parent: 0xffff,
      rateKbit: 1500,
      ceilKbit: 1_234_000,
      burstBytes: 65_536,
      ceilBurstBytes: 67_000,
      quantumBytes: 3028,
    });
    assert.equal(trees.get('corral-in')?.classes.get(0xffff)?.parent, undefined);
    assert.equal(trees.get('corral-in')?.filters, '[{"pref":1}]');
    assert.equal(trees.get('va')?.classes.size, 0);
  });

  it('classes as JSON, as later versions of tc print them', () => {
    const json = `[{"class":"htb","handle":"c0a1:5","parent":"c0a1:ffff","leaf":"8001:","prio":0,"quantum":3028,"rate":187500,"ceil":154250000,"burst":65536,"cburst":"67000b/1"},{"class":"tbf","handle":"8001:1"}]
[{"pref":1}]
[]
[]
`;
    const trees = parseTrees(json, ['corral-in', 'va']);
    assert.deepEqual(
      trees.get('corral-in')?.classes,
      new Map([...parseTrees(CLASSES, ['corral-in', 'va']).get('corral-in')!.classes].slice(1)),
    );
    assert.equal(trees.get('corral-in')?.filters, '[{"pref":1}]');
    assert.equal(trees.get('va')?.classes.size, 0);
  });

  for (const { says, filters, hook } of [
    { says: 'nothing', filters: '', hook: { first: [], others: 0 } },
    {
      says: 'our redirect',
      filters: `${TABLE},${rule('800::800', mirred('corral-0005'))}`,
      hook: { redirect: { to: 'corral-0005', handle: '800::800' }, first: [], others: 0 },
    },
    {
      says: 'one whose target is gone',
      filters: `${TABLE},${rule('800::800', mirred('*'))}`,
      hook: { redirect: { handle: '800::800' }, first: [], others: 0 },
    },
    {
      says: 'two rules in our place',
      filters: `${TABLE},${rule('800::800', mirred('x'))},${rule('800::801', mirred('x'))}`,
      hook: { first: [1], others: 0 },
    },
    {
      says: 'one that takes some packets only',
      filters: `${TABLE},${rule('800::800', mirred('x')).replace('"mask":"0"', '"mask":"ff"')}`,
      hook: { first: [1], others: 0 },
    },
    {
      says: 'one of an interface only',
      filters: `${TABLE},${rule('800::800', `${mirred('x')},"input_dev":"eth0"`)}`,
      hook: { first: [1], others: 0 },
    },
    {
      says: 'a copy instead of a redirect',
      filters: `${TABLE},${rule('800::800', mirred('x').replace('redirect', 'mirror'))}`,
      hook: { first: [1], others: 0 },
    },
    {
      says: 'another kind in our place, and one behind',
      filters:
        '{"protocol":"all","pref":1,"kind":"bpf","options":{"handle":"0x1"}},{"protocol":"ip","pref":7,"kind":"bpf","options":{"handle":"0x1"}}',
      hook: { first: [1], others: 1 },
    },
  ])
    it(`hooks: ${says}`, () => assert.deepEqual(parseHook(`[${filters}]`, 'ingress'), hook));

  it('rules of a shared tree, and what each table is searched by', () => {
    const at = (pref: number, protocol: string, options: string): string =>
      `{"parent":"c0a1:","protocol":"${protocol}","pref":${pref},"kind":"u32","chain":0,"options":{${options}}}`;
    const all = '"match":{"value":"0","mask":"0","offmask":"","off":0}';
    const shown = parseSortings(
      `[${[
        at(1, 'ip', '"fh":"1:","ht_divisor":256'),
        at(1, 'ip', `"fh":"1:fe:800","bkt":"fe","flowid":"c0a1:5",${all},"input_dev":"va"`),
        at(1, 'ip', `"fh":"1:3:800","bkt":"3","flowid":"c0a1:6",${all}`),
        at(1, 'ip', `"fh":"800::800","bkt":"0","link":"1:",${all},"hash_mask":"ff","hash_off":16`),
        at(2, 'ipv6', '"fh":"2:","ht_divisor":256'),
        at(9, 'all', `"fh":"801::800","bkt":"0","flowid":"c0a1:5",${all},"input_dev":"va"`),
      ].join(',')}]`,
    );
    assert.deepEqual(
      [...shown.tables],
      [
        [4, 'dst'],
        ['any', undefined],
      ],
    );
    assert.deepEqual([...shown.broken], [6]);
    assert.deepEqual(shown.sortings, [
      { table: 4, bucket: 254, minor: 5, handle: '1:fe:800', from: 'va' },
      { table: 4, bucket: 3, minor: 6, handle: '1:3:800' },
      { table: 'any', bucket: 0, minor: 5, handle: '801::800', from: 'va' },
    ]);
  });

  it('all of it as one picture; what went meanwhile is left out', () => {
    const links = parseLinks(LINKS);
    const qdiscs = parseQdiscs(QDISCS);
    const plan = readPlan(links, qdiscs);
    assert.deepEqual(plan, { trees: ['va'], hooks: ['va'], sorted: [] });
    const readings = {
      links,
      qdiscs,
      classes: new Map([['va', parseTrees(CLASSES, ['x', 'va']).get('x')!.classes]]),
      hooks: new Map([
        ['va', { ingress: parseHook('[]', 'ingress'), egress: parseHook('[]', 'egress') }],
      ]),
      sorted: new Map(),
    };
    const va = seenFrom(readings).get('va');
    assert.equal(va?.tree?.directPackets, 7);
    assert.deepEqual(va.tree.classes.get(5)?.leaf, { kind: 'split', limitBytes: 125_000 });
    assert.equal(va.hooks, 'clsact');
    assert.equal(seenFrom({ ...readings, classes: new Map() }).has('va'), false);
  });
});

describe('hostile output', () => {
  for (const { says, read } of [
    { says: 'torn JSON', read: () => parseQdiscs(QDISCS.slice(0, 700)) },
    { says: 'no JSON', read: () => parseLinks('Segmentation fault') },
    { says: 'no list', read: () => parseQdiscs('{"kind":"htb"}') },
    { says: 'an interface without index', read: () => parseLinks('[{"ifname":"x","mtu":1}]') },
    { says: 'fewer blocks than asked for', read: () => parseTrees(CLASSES, ['a', 'b', 'c']) },
    { says: 'a class cut short', read: () => parseTrees(CLASSES.slice(0, 240), ['a']) },
  ])
    it(`is refused: ${says}`, () => assert.throws(read, UnreadableKernel));

  it('of any shape is refused or read, and never breaks anything else', () =>
    fc.assert(
      fc.property(fc.json(), (json) => {
        const reads = [
          () => parseLinks(json),
          () => parseQdiscs(json),
          () => parseHook(json, 'egress'),
          () => parseSortings(json),
        ];
        for (const read of reads)
          try {
            read();
          } catch (fault) {
            assert.ok(fault instanceof UnreadableKernel);
          }
      }),
    ));
});

describe('usage', () => {
  const limit = {
    address: '192.0.2.1',
    hostInterface: 'va',
    netInKbit: 100,
    netOutKbit: 200,
    classMinor: 5,
  };
  const qdiscs = (bytes: number, handle = '804d:') =>
    parseQdiscs(QDISCS.replace('"bytes":100', `"bytes":${bytes}`).replace('804d:', handle));
  const samples = (...from: Parameters<typeof qdiscs>) =>
    samplesOf([limit], new Map(), qdiscs(...from));

  it('is what passed since the last look, as a rate and a share of the limit', () => {
    const first = usageAfter(undefined, samples(100), 0);
    const second = usageAfter(first, samples(6350), 1000);
    const { netIn } = second.kept.get('192.0.2.1')!.usage;
    assert.equal(netIn.bytes, 6350);
    assert.equal(netIn.rateKbit, 50);
    assert.equal(netIn.share, 0.5);
    assert.equal(netIn.drops, 2);
  });

  it('goes on growing when the kernel counts from zero', () => {
    const first = usageAfter(undefined, samples(1000), 0);
    const second = usageAfter(first, samples(30, '9000:'), 1000);
    assert.equal(second.kept.get('192.0.2.1')!.usage.netIn.bytes, 1030);
    const third = usageAfter(second, samples(3000, '9001:'), 2000);
    assert.equal(third.kept.get('192.0.2.1')!.usage.netIn.bytes, 4030);
  });

  it('leaves out who has no queue', () => {
    assert.deepEqual(samplesOf([{ ...limit, classMinor: 6 }], new Map(), qdiscs(1)), []);
  });
});
