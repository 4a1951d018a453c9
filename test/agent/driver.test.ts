import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { systemClock } from '../../src/plumbing/clock.ts';
import { IMAGE } from '../fakes/dockerd.ts';
import { Rig, soon } from './rig.ts';

const POOLS = {
  wide: { cidr: '10.81.0.0/24', ranges: ['10.81.0.16-10.81.0.200'], gateway: '10.81.0.1' },
  other: { cidr: '10.82.0.0/24', gateway: '10.82.0.1' },
  tiny: { cidr: '10.83.0.0/29', gateway: '10.83.0.1' }, // .2 to .6
  six: { cidr: '2001:db8:84::/64', ranges: ['2001:db8:84::100-2001:db8:84::1ff'] },
  bare: { cidr: '10.85.0.0/24' }, // no router: the bridge is the gateway
};
const NETWORKS = {
  prod: { pools: ['wide', 'other', 'tiny', 'six'] },
  lab: { pools: ['bare'] },
};

describe('docker run with the driver, on a real dockerd and etcd', () => {
  let rig: Rig;
  before(async () => {
    rig = await Rig.start({ pools: POOLS, networks: NETWORKS });
    await rig.made('lan', '10.81.0.0/24');
  });
  afterEach(async () => {
    await rig.clear();
    await rig.holds(0);
    assert.deepEqual(await rig.findings(), []);
  });
  after(() => rig.stop());

  it('a container gets an address of the pool, with its gateway, and gives it back', async () => {
    const id = await rig.dockerd.run('lan');
    const address = await rig.dockerd.addressOf(id, 'lan');
    const lease = (await rig.leases()).get(address);
    assert.deepEqual(
      [lease?.network, lease?.pool, lease?.by, lease?.bootId],
      ['prod', 'wide', 'docker', `boot-${rig.plugin}`],
    );
    const routes = await rig.dockerd.must('exec', id, 'ip', 'route');
    assert.match(routes, /default via 10\.81\.0\.1 dev eth0/);
    assert.match(await rig.dockerd.must('exec', id, 'ip', 'addr'), new RegExp(`${address}/24`));
    const mac = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
    const link = await rig.dockerd.must('exec', id, 'cat', '/sys/class/net/eth0/address');
    assert.equal(link, `02:42:${mac.join(':')}`, 'the MAC that the address alone tells');
    await rig.dockerd.remove(id);
    await rig.holds(0);
  });

  it('containers reach each other by address', async () => {
    const ids = await Promise.all([rig.dockerd.run('lan'), rig.dockerd.run('lan')]);
    const [a = '', b = ''] = await Promise.all(ids.map((id) => rig.dockerd.addressOf(id, 'lan')));
    assert.notEqual(a, b);
    await rig.dockerd.must('exec', ids[0] ?? '', 'ping', '-c1', '-W5', b);
    assert.deepEqual(await rig.held(), [a, b].sort());
  });

  it('a container may ask for its address, and nobody gets it a second time', async () => {
    await rig.dockerd.run('lan', '--ip', '10.81.0.77');
    assert.deepEqual(await rig.held(), ['10.81.0.77']);
    const rival = await rig.dockerd.docker(
      ...['run', '-d', '--net', 'lan', '--ip', '10.81.0.77', IMAGE, 'true'],
    );
    assert.equal(rival.code, 125);
    assert.match(rival.err, /address 10\.81\.0\.77 cannot be given: .+ \(way out: ask for another/);
    assert.deepEqual(await rig.held(), ['10.81.0.77']);
  });

  it('a container cannot have an address outside the ranges of its pool', async () => {
    await rig.dockerd.run('lan'); // the network is made, so this is no auxiliary address
    const asked = ['run', '-d', '--net', 'lan', '--ip', '10.81.0.9', IMAGE, 'true'];
    const ended = await rig.dockerd.docker(...asked);
    assert.equal(ended.code, 125);
    assert.match(
      ended.err,
      /10\.81\.0\.9 is none that pool "wide" hands out \(way out: ask for one/,
    );
  });

  it('an ip range of the docker network is kept to', async () => {
    await rig.made('part', '10.82.0.0/24', '--ip-range', '10.82.0.64/30');
    await Promise.all([1, 2, 3, 4].map(() => rig.dockerd.run('part')));
    assert.deepEqual(
      await rig.held(),
      [64, 65, 66, 67].map((n) => `10.82.0.${n}`),
    );
    const fifth = await rig.dockerd.docker('run', '-d', '--net', 'part', IMAGE, 'true');
    assert.match(fifth.err, /network "prod" has no address left for node "node-1"/);
    await rig.clear('part');
  });

  it('auxiliary addresses are leases inside the ranges, and agreed to outside', async () => {
    const aux = ['a=10.81.0.20', 'DefaultGatewayIPv4=10.81.0.254'];
    await rig.dockerd.must('network', 'rm', 'lan');
    await rig.made('lan', '10.81.0.0/24', ...aux.flatMap((one) => ['--aux-address', one]));
    const [only] = await rig.leases();
    assert.deepEqual([only?.[0], only?.[1].by], ['10.81.0.20', 'aux']);
    const id = await rig.dockerd.run('lan');
    const routes = await rig.dockerd.must('exec', id, 'ip', 'route');
    assert.match(routes, /default via 10\.81\.0\.254/);
    await rig.clear('lan');
    await rig.holds(0); // the network took its lease along
    await rig.made('lan', '10.81.0.0/24');
  });

  it('a second network on a live subnet fails and takes nothing from the first', async () => {
    await rig.made('first', '10.82.0.0/24', '--aux-address', 'a=10.82.0.20');
    const id = await rig.dockerd.run('first');
    const before = await rig.held();
    const second = await rig.network(
      ...['second', '--subnet', '10.82.0.0/24', '--ipam-opt', 'network=prod'],
    );
    assert.notEqual(second.code, 0);
    assert.match(second.err, /overlap/);
    const third = await rig.network(
      ...['third', '--subnet', '10.82.0.0/24', '--ipam-opt', 'pool=other'],
      ...['--aux-address', 'a=10.82.0.20'],
    );
    assert.match(third.err, /10\.82\.0\.20 cannot be given/);
    assert.deepEqual(await rig.held(), before);
    assert.match(await rig.dockerd.must('exec', id, 'ip', 'route'), /default via 10\.82\.0\.1/);
    await rig.clear('first');
  });

  it('a network without a subnet is refused at once, with the subnets there are', async () => {
    const ended = await rig.network('nowhere', '--ipam-opt', 'network=prod');
    assert.notEqual(ended.code, 0);
    assert.match(ended.err, /needs its subnet named \(way out: corral network create prod/);
    assert.match(ended.err, /--subnet 10\.81\.0\.0\/24 or 10\.82\.0\.0\/24/);
    // Docker asks for ever when it is given a subnet of ours that it has already
    const asked = () => rig.figure('corral_agent_call_duration_seconds_count{call="RequestPool"}');
    const before = await asked();
    assert.ok(before > 0);
    await systemClock.sleep(500, soon());
    assert.equal(await asked(), before);
  });

  for (const { says, options, error } of [
    {
      says: 'a network that names none of ours',
      options: ['--subnet', '10.81.0.0/24'],
      error: /names no network of corral: it has neither network= nor pool=/,
    },
    {
      says: 'an option that is misspelt',
      options: ['--subnet', '10.81.0.0/24', '--ipam-opt', 'netwrok=prod'],
      error: /it has no option "netwrok"/,
    },
    {
      says: 'a network that is not in the ledger',
      options: ['--subnet', '10.81.0.0/24', '--ipam-opt', 'network=nowhere'],
      error: /network "nowhere" is not in the ledger/,
    },
    {
      says: 'a subnet that is no pool of the network',
      options: ['--subnet', '10.99.0.0/24', '--ipam-opt', 'network=prod'],
      error: /10\.99\.0\.0\/24 is no pool of network "prod" .+ \(way out: use one of its pools/,
    },
    {
      says: 'a pool of another network than is said',
      options: ['--subnet', '10.81.0.0/24', '--ipam-opt', 'network=lab', '--ipam-opt', 'pool=wide'],
      error: /pool "wide" is of network "prod", not "lab"/,
    },
    {
      says: 'an ip range that holds nothing of the pool',
      options: [
        ...['--subnet', '10.81.0.0/24', '--ip-range', '10.81.0.224/28'],
        ...['--ipam-opt', 'network=prod'],
      ],
      error: /10\.81\.0\.224\/28 holds no address that pool "wide" hands out/,
    },
  ])
    it(`refuses ${says}`, async () => {
      const ended = await rig.network('refused', ...options);
      assert.notEqual(ended.code, 0);
      assert.match(ended.err, error);
    });

  it('networks are made and removed again and again', async () => {
    for (let round = 0; round < 6; round += 1) {
      await rig.made('again', '10.82.0.0/24', '--aux-address', 'a=10.82.0.20');
      await rig.dockerd.must('network', 'rm', 'again');
      await rig.holds(0);
    }
  });

  it('a prune of networks takes those that nobody is on, and leaves the others what they have', async () => {
    await rig.dockerd.run('lan');
    const before = await rig.held();
    await rig.made('idle', '10.82.0.0/24', '--aux-address', 'a=10.82.0.20');
    assert.equal((await rig.held()).length, 2);
    await rig.dockerd.must('network', 'prune', '-f');
    await rig.holdsOnly(...before);
    await rig.made('idle', '10.82.0.0/24'); // it was pruned
    await rig.clear('idle');
  });

  it('a pool without a router gives the bridge an address of its own', async () => {
    const ended = await rig.network(
      ...['bare', '--subnet', '10.85.0.0/24', '--ipam-opt', 'network=lab'],
    );
    assert.equal(ended.code, 0, ended.err);
    const [gateway] = await rig.leases();
    assert.equal(gateway?.[1].by, 'aux');
    const id = await rig.dockerd.run('bare');
    const routes = await rig.dockerd.must('exec', id, 'ip', 'route');
    assert.ok(routes.includes(`default via ${gateway?.[0]}`), routes);
    await rig.clear('bare');
  });

  it('a full pool says who, where, how full and what to do; a start tried later goes well', async () => {
    await rig.made('tiny', '10.83.0.0/29');
    const ids = await Promise.all([1, 2, 3, 4, 5].map(() => rig.dockerd.run('tiny')));
    const sixth = await rig.dockerd.docker(
      ...['run', '-d', '--name', 'sixth', '--net', 'tiny', IMAGE, 'sleep', '1000'],
    );
    assert.equal(sixth.code, 125);
    const words =
      /network "prod" has no address left for node "node-1": pool "tiny" has 5 addresses: 5 held/;
    assert.match(sixth.err, words);
    assert.match(sixth.err, /way out: end containers that hold addresses, or widen a pool/);
    const state = await rig.dockerd.must('inspect', '-f', '{{json .State}}', 'sixth');
    assert.match((JSON.parse(state) as { Error: string }).Error, words);
    await rig.dockerd.remove(ids[0] ?? '');
    await rig.holds(4);
    await rig.dockerd.must('start', 'sixth');
    assert.equal((await rig.held()).length, 5);
    await rig.clear('tiny');
  });

  it('stopping, starting, restarting and crashing again and again leaks nothing', async () => {
    const id = await rig.dockerd.run('lan');
    await rig.dockerd.must('stop', '-t', '0', id);
    await rig.holds(0);
    await rig.dockerd.must('start', id);
    for (let round = 0; round < 3; round += 1) await rig.dockerd.must('restart', '-t', '0', id);
    await rig.holdsOnly(await rig.dockerd.addressOf(id, 'lan'));
    const loop = ['run', '-d', '--restart', 'always', '--name', 'loop', '--net', 'lan'];
    await rig.dockerd.must(...loop, IMAGE, 'sleep', '0.1');
    for (const until = Date.now() + 180_000; ;) {
      const count = await rig.dockerd.must('inspect', '-f', '{{.RestartCount}}', 'loop');
      if (Number(count) >= 3) break;
      assert(Date.now() < until, 'it did not restart');
    }
    for (const late = soon(); (await rig.held()).length > 2; await systemClock.sleep(50, soon()))
      assert(!late.aborted, `holds ${(await rig.held()).join(', ')}`);
  });

  it('a container that cannot start, or is killed, gives its address back', async () => {
    const bad = await rig.dockerd.docker('run', '-d', '--net', 'lan', IMAGE, '/bin/nowhere');
    assert.notEqual(bad.code, 0);
    await rig.holds(0);
    const id = await rig.dockerd.run('lan');
    await rig.holds(1);
    const pid = await rig.dockerd.must('inspect', '-f', '{{.State.Pid}}', id);
    process.kill(Number(pid), 'SIGKILL');
    await rig.holds(0);
  });

  it('a container on several networks has an address of each', async () => {
    await rig.made('side', '10.82.0.0/24');
    const id = await rig.dockerd.run('lan');
    await rig.dockerd.must('network', 'connect', '--ip', '10.82.0.44', 'side', id);
    assert.equal((await rig.held()).length, 2);
    assert.equal((await rig.leases()).get('10.82.0.44')?.pool, 'other');
    await rig.dockerd.must('network', 'disconnect', 'side', id);
    await rig.holds(1);
    await rig.clear('side');
  });

  it('a pool of IPv6 serves beside one of IPv4', async () => {
    await rig.made('dual', '10.82.0.0/24', '--ipv6', '--subnet', '2001:db8:84::/64');
    const id = await rig.dockerd.run('dual');
    const ofSix = [...(await rig.leases())].filter(([, { pool }]) => pool === 'six');
    assert.deepEqual(ofSix.map(([, { by }]) => by).sort(), ['aux', 'docker'], 'the bridge has one');
    const six = ofSix.find(([, { by }]) => by === 'docker')?.[0] ?? '';
    assert.match(await rig.dockerd.must('exec', id, 'ip', '-6', 'addr'), new RegExp(`${six}/64`));
    await rig.clear('dual');
  });

  it('pausing changes nothing', async () => {
    const id = await rig.dockerd.run('lan');
    const before = await rig.held();
    await rig.dockerd.must('pause', id);
    assert.deepEqual(await rig.held(), before);
    await rig.dockerd.must('unpause', id);
    assert.deepEqual(await rig.held(), before);
  });
});
