import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import type { Refusal } from '../../src/core/errors.ts';
import { checkLedger } from '../../src/ledger/check.ts';
import { keys, prefixes } from '../../src/ledger/keys.ts';
import type { LeaseOptions } from '../../src/ledger/lease-options.ts';
import type { AddressAsk, AddressGrant } from '../../src/ledger/leases.ts';
import { takeAddress } from '../../src/ledger/leases.ts';
import { listAll } from '../../src/ledger/listing.ts';
import { records } from '../../src/ledger/records.ts';
import type { Released } from '../../src/ledger/release.ts';
import { releaseAddress } from '../../src/ledger/release.ts';
import type { Store } from '../../src/ledger/store.ts';
import { HandClock, lay, opened, patience } from './opened.ts';

const NODES = ['node-1', 'node-2', 'node-3', 'node-4'];
const RACKS = { 'node-1': 'r1', 'node-2': 'r1', 'node-3': 'r2', 'node-4': 'r2' };

class Bench {
  readonly clock = new HandClock();
  readonly options: LeaseOptions = { clock: this.clock, signal: patience() };
  constructor(readonly store: Store) {}

  take(node: string, incarnation: string, more: Partial<AddressAsk> = {}): Promise<AddressGrant> {
    const ask = { node, network: 'prod', incarnation, netInKbit: 100, netOutKbit: 200, ...more };
    return takeAddress(this.store, ask, this.options);
  }

  release(node: string, address: string, incarnation: string): Promise<Released> {
    return releaseAddress(this.store, { node, address, incarnation }, this.options);
  }

  async tally(node: string): Promise<unknown> {
    const entry = await this.store.get(keys.tally(node), patience());
    return entry && records.tally.decode(entry);
  }

  async sound(): Promise<void> {
    const { findings } = await checkLedger(this.store, patience());
    assert.deepEqual(findings, []);
  }
}

async function benchOf(t: TestContext, pools: Record<string, unknown>): Promise<Bench> {
  const store = await opened(t);
  const nodes = NODES.map((node) => [
    node,
    { link: '1gbit', attributes: { rack: RACKS[node as keyof typeof RACKS] } },
  ]);
  await lay(store, {
    pools,
    networks: { prod: { pools: Object.keys(pools) } },
    nodes: Object.fromEntries(nodes) as Record<string, unknown>,
  });
  return new Bench(store);
}

const small = { cidr: '198.51.100.0/29', gateway: '198.51.100.1' }; // .2 to .6: five addresses
const refusal = (code: string, says: RegExp) => (error: Refusal) =>
  error.code === code && says.test(error.message) && error.remedy.length > 0;

describe('takeAddress', () => {
  it('gives address, prefix, gateway, lease and limit, and tallies them', async (t) => {
    const bench = await benchOf(t, { p: small });
    const grant = await bench.take('node-1', 'c1', { app: '/shop/web', task: 't1', bootId: 'b' });
    assert.deepEqual(grant, {
      address: '198.51.100.2',
      pool: 'p',
      prefix: 29,
      gateway: '198.51.100.1',
      lease: {
        v: 1,
        pool: 'p',
        network: 'prod',
        app: '/shop/web',
        task: 't1',
        incarnation: 'c1',
        bootId: 'b',
        sinceMs: bench.clock.now(),
        asked: { netInKbit: 100, netOutKbit: 200 },
        counted: { netInKbit: 100, netOutKbit: 200, classMinor: 256 },
      },
      limit: { v: 1, netInKbit: 100, netOutKbit: 200, classMinor: 256 },
    });
    assert.deepEqual(await bench.tally('node-1'), {
      v: 1,
      netInKbit: 100,
      netOutKbit: 200,
      pools: { p: 1 },
      apps: { '/shop/web': { prod: 1 } },
    });
    await bench.sound();
  });

  it('gives the same holder the same answer, and writes nothing for it', async (t) => {
    const bench = await benchOf(t, { p: small });
    const first = await bench.take('node-1', 'c1');
    const { revision } = await bench.store.range({ prefix: '/' }, patience());
    assert.deepEqual(await bench.take('node-1', 'c1'), first);
    assert.equal((await bench.store.range({ prefix: '/' }, patience())).revision, revision);
  });

  it('gives one holder an address on each of its networks', async (t) => {
    const bench = await benchOf(t, { p: small });
    await lay(bench.store, {
      pools: { q: { cidr: '203.0.113.0/29' } },
      networks: { back: { pools: ['q'] } },
    });
    const [front, back] = [
      await bench.take('node-1', 'c1'),
      await bench.take('node-1', 'c1', { network: 'back' }),
    ];
    assert.deepEqual([front.pool, back.pool], ['p', 'q']);
    assert.notEqual(front.limit.classMinor, back.limit.classMinor);
    await bench.sound();
  });

  it('fills pools in the order of the network, those only that the node reaches', async (t) => {
    const bench = await benchOf(t, {
      first: { cidr: '198.51.100.0/30', nodes: { attributes: { rack: 'r1' } } },
      second: { cidr: '203.0.113.0/30' },
    });
    const pools = [];
    for (const n of [1, 2, 3]) pools.push((await bench.take('node-1', `c${n}`)).pool);
    assert.deepEqual(pools, ['first', 'first', 'second']);
    assert.equal((await bench.take('node-3', 'd1')).pool, 'second');
  });

  it('heeds attributes that Mesos reports, and lets the record overrule them', async (t) => {
    const bench = await benchOf(t, { p: { ...small, nodes: { attributes: { vlan: '7' } } } });
    await assert.rejects(
      bench.take('node-1', 'c1'),
      refusal('no-pool-reached', /"node-1" reaches none of the 1 pools of network "prod" \(p\)/),
    );
    assert.equal((await bench.take('node-1', 'c1', { attributes: { vlan: '7' } })).pool, 'p');
    const rackPool = { cidr: '203.0.113.0/29', nodes: { attributes: { rack: 'r9' } } };
    await lay(bench.store, { pools: { q: rackPool }, networks: { back: { pools: ['q'] } } });
    const ask = { network: 'back', attributes: { rack: 'r9' } };
    await assert.rejects(bench.take('node-1', 'c2', ask), refusal('no-pool-reached', /none/));
  });

  it('says how full every pool is when nothing is left, and when to try again', async (t) => {
    const bench = await benchOf(t, { p: small });
    for (const n of [1, 2, 3, 4, 5]) await bench.take('node-1', `c${n}`);
    await assert.rejects(
      bench.take('node-2', 'late'),
      refusal(
        'no-address-left',
        /network "prod" has no address left for node "node-2": pool "p" has 5 addresses: 5 held, 0 in stock, 0 cooling, 0 quarantined/,
      ),
    );
    await bench.release('node-1', '198.51.100.4', 'c3');
    bench.clock.ms += 2_000;
    await assert.rejects(
      bench.take('node-2', 'late'),
      (error: Refusal) =>
        /4 held, 0 in stock, 1 cooling/.test(error.message) &&
        error.remedy.startsWith('try again in 14 s'),
    );
    bench.clock.ms += 14_000;
    const { address, pressed } = await bench.take('node-2', 'late');
    assert.deepEqual([address, pressed], ['198.51.100.4', true]);
    await bench.sound();
  });

  it('walks on before it comes back to a released address', async (t) => {
    const bench = await benchOf(t, { p: small });
    const first = await bench.take('node-1', 'c1');
    await bench.release('node-1', first.address, 'c1');
    bench.clock.ms += 3_600_000;
    assert.notEqual((await bench.take('node-1', 'c2')).address, first.address);
  });

  it('keeps a node within its own block while that has room', async (t) => {
    const bench = await benchOf(t, { p: { cidr: '2001:db8::/64' } });
    for (let n = 0; n < 300; n++) await bench.take(NODES[n % 2]!, `c${n}`);
    const { entries } = await listAll(bench.store, prefixes.blocksOf('p'), { signal: patience() });
    const held = entries
      .map((entry) => Object.keys(records.block.decode(entry).held))
      .filter((nodes) => nodes.length > 0);
    assert.equal(held.length, 2);
    assert.equal(new Set(held.flat()).size, 2);
    await bench.sound();
  });

  it('gives the very address that was asked for, even while it cools', async (t) => {
    const bench = await benchOf(t, { p: small });
    const asked = { address: '198.51.100.5' };
    assert.equal((await bench.take('node-1', 'c1', asked)).address, '198.51.100.5');
    await bench.release('node-1', '198.51.100.5', 'c1');
    assert.equal((await bench.take('node-2', 'c2', asked)).address, '198.51.100.5');
    await bench.sound();
  });

  for (const { says, address, why } of [
    { says: 'one that another holds', address: '198.51.100.2', why: /node "node-2" holds it/ },
    { says: 'the gateway', address: '198.51.100.1', why: /in no range of network "prod"/ },
    { says: 'one of nobody', address: '192.0.2.9', why: /that node "node-1" reaches \(p\)/ },
  ]) {
    it(`refuses ${says} when asked for by name`, async (t) => {
      const bench = await benchOf(t, { p: small });
      await bench.take('node-2', 'c0');
      await assert.rejects(
        bench.take('node-1', 'c1', { address }),
        refusal('address-not-given', why),
      );
      await bench.sound();
    });
  }

  it('refuses what makes no sense and changes nothing', async (t) => {
    const bench = await benchOf(t, { p: small });
    await assert.rejects(bench.take('ghost', 'c1'), refusal('unknown-node', /"ghost"/));
    const none = { network: 'none' };
    await assert.rejects(bench.take('node-1', 'c1', none), refusal('unknown-network', /"none"/));
    for (const netInKbit of [-1, 1.5, NaN, 2 ** 60])
      await assert.rejects(
        bench.take('node-1', 'c1', { netInKbit }),
        refusal('bad-record', /netInKbit/),
      );
    assert.equal(await bench.tally('node-1'), undefined);
  });
});

describe('releaseAddress', () => {
  it('succeeds when nothing is there', async (t) => {
    const bench = await benchOf(t, { p: small });
    const gone = await bench.release('node-1', '198.51.100.2', 'c1');
    assert.deepEqual(gone, { released: false, why: 'absent' });
  });

  it('changes nothing when it comes late, and says who has the address now', async (t) => {
    const bench = await benchOf(t, { p: small });
    const { address } = await bench.take('node-1', 'c1');
    await bench.release('node-1', address, 'c1');
    await bench.take('node-1', 'c2', { address });
    const late = await bench.release('node-1', address, 'c1');
    assert.deepEqual(late, { released: false, why: 'other', incarnation: 'c2' });
    await bench.sound();
    assert.deepEqual(await bench.release('node-1', address, 'c2'), { released: true });
  });

  it('leaves empty tallies behind', async (t) => {
    const bench = await benchOf(t, { p: small });
    const { address } = await bench.take('node-1', 'c1', { app: '/a' });
    await bench.release('node-1', address, 'c1');
    assert.deepEqual(await bench.tally('node-1'), {
      v: 1,
      netInKbit: 0,
      netOutKbit: 0,
      pools: {},
      apps: {},
    });
    await bench.sound();
  });
});

describe('sixteen takers and releasers on four nodes', () => {
  const ROUNDS = 8;

  /** Holds at most one address at a time, so that 16 of 24 are ever held at once. */
  async function worker(bench: Bench, me: number, held: Map<string, string>): Promise<number> {
    const node = NODES[me % NODES.length]!;
    for (let round = 0; round < ROUNDS; round++) {
      const incarnation = `w${me}-${round}`;
      const app = `/app-${me % 3}`;
      const [grant, again] = await Promise.all([
        bench.take(node, incarnation, { app, netInKbit: me }),
        bench.take(node, incarnation, { app, netInKbit: me }),
      ]);
      assert.equal(again.address, grant.address);
      assert(
        !held.has(grant.address),
        `${grant.address} given to ${incarnation} while ${held.get(grant.address)} holds it`,
      );
      held.set(grant.address, incarnation);
      if (round === ROUNDS - 1 && me % 2) continue;
      held.delete(grant.address);
      const done = await bench.release(node, grant.address, incarnation);
      assert.deepEqual(done, { released: true });
    }
    return me;
  }

  for (const { says, pools } of [
    {
      says: 'one small pool',
      pools: { p: { cidr: '198.51.100.0/27', exclude: ['198.51.100.9'] } },
    },
    {
      says: 'two pools that only together have room',
      pools: { p: { cidr: '198.51.100.0/28' }, q: { cidr: '203.0.113.0/28' } },
    },
  ]) {
    it(`never share an address of ${says}, and the sums are right`, async (t) => {
      const bench = await benchOf(t, pools);
      const options = { ...bench.options, coolDownMs: 0, attempts: 1000 };
      Object.assign(bench, { options });
      const held = new Map<string, string>();
      await Promise.all(Array.from({ length: 16 }, (_, me) => worker(bench, me, held)));
      await bench.sound();
      const { leases } = await checkLedger(bench.store, patience());
      assert.equal(leases, 8);
      assert.equal(held.size, 8);
    });
  }
});
