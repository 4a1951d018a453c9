import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import type { Refusal } from '../../src/core/errors.ts';
import type { Step } from '../../src/core/topology-diff.ts';
import { readTopology as readFile } from '../../src/core/topology-read.ts';
import { checkLedger } from '../../src/ledger/check.ts';
import { LedgerBusy } from '../../src/ledger/errors.ts';
import { keys } from '../../src/ledger/keys.ts';
import { takeAddress } from '../../src/ledger/leases.ts';
import { releaseAddress } from '../../src/ledger/release.ts';
import { records } from '../../src/ledger/records.ts';
import { readAdmission } from '../../src/ledger/reservations.ts';
import type { Store } from '../../src/ledger/store.ts';
import { applySteps, applyTopology, readTopology } from '../../src/ledger/topology.ts';
import { beforeFirst } from './interposed.ts';
import { HandClock, opened, patience } from './opened.ts';

const clock = new HandClock();
const signal = patience();
const example = readFile(parse(readFileSync('config/topology.example.yaml', 'utf8')));

const topologyOf = (ranges: Record<string, string[]>, cidr = '198.51.100.0/24') =>
  readFile({
    pools: Object.fromEntries(Object.entries(ranges).map(([p, r]) => [p, { cidr, ranges: r }])),
    networks: { prod: { pools: Object.keys(ranges) } },
    nodes: { a: { link: '1gbit' }, b: { link: '1gbit' } },
  });

const take = (store: Store, node: string, incarnation: string, address?: string) =>
  takeAddress(
    store,
    {
      node,
      network: 'prod',
      incarnation,
      netInKbit: 1,
      netOutKbit: 1,
      ...(address === undefined ? {} : { address }),
    },
    { clock, signal },
  );

const names = (steps: readonly Step[]): string[] =>
  steps.map(({ do: verb, kind, name }) => `${verb} ${kind} ${name}`);
const bad = (says: RegExp) => (error: Refusal) =>
  error.code === 'bad-topology' && says.test(error.message);
const revisionOf = async (store: Store): Promise<number> =>
  (await store.range({ prefix: '/' }, signal)).revision;

describe('applyTopology', () => {
  it('makes the ledger what the file says, once', async (t) => {
    const store = await opened(t);
    const { steps } = await applyTopology(store, example, { signal });
    assert.equal(steps.length, 9);
    assert.deepEqual((await readTopology(store, signal)).topology.nodes, example.nodes);
    const revision = await revisionOf(store);
    assert.deepEqual((await applyTopology(store, example, { signal })).steps, []);
    assert.equal(await revisionOf(store), revision);
  });

  it('only says what would change in a dry run', async (t) => {
    const store = await opened(t);
    const { steps } = await applyTopology(store, example, { signal, dryRun: true });
    assert.equal(steps.length, 9);
    assert.equal(await revisionOf(store), 0);
  });

  it('removes what is not named only when told to prune', async (t) => {
    const store = await opened(t);
    await applyTopology(store, example, { signal });
    const none = readFile({});
    assert.deepEqual((await applyTopology(store, none, { signal })).steps, []);
    const { steps } = await applyTopology(store, none, { signal, prune: true });
    assert.equal(steps.length, 9);
    const { topology } = await readTopology(store, signal);
    assert.equal(topology.nodes.size + topology.pools.size + topology.networks.size, 0);
  });

  it('refuses a file that only together with the ledger overlaps', async (t) => {
    const store = await opened(t);
    await applyTopology(store, topologyOf({ p: ['198.51.100.1-198.51.100.20'] }), { signal });
    const revision = await revisionOf(store);
    const rival = readFile({
      pools: { q: { cidr: '198.51.100.0/24', ranges: ['198.51.100.20'] } },
    });
    await assert.rejects(
      applyTopology(store, rival, { signal }),
      bad(/pool "q": range 198\.51\.100\.20 shares 1 addresses with pool "p"/),
    );
    assert.equal(await revisionOf(store), revision);
  });

  it('lets every change of it collide with admissions', async (t) => {
    const store = await opened(t);
    await applyTopology(store, topologyOf({ p: ['198.51.100.1'] }), { signal });
    const { sequence } = await readAdmission(store, signal);
    await applyTopology(store, topologyOf({ p: ['198.51.100.1-198.51.100.2'] }), { signal });
    assert.equal((await readAdmission(store, signal)).sequence, sequence + 1);
  });

  it('goes round a record that does not read, and reports it', async (t) => {
    const store = await opened(t);
    await applyTopology(store, example, { signal });
    const broken = { put: keys.node('node-1.example.org'), value: '{"v":2}' };
    await store.commit({ guards: [], writes: [broken] }, signal);
    const { topology, faults } = await readTopology(store, signal);
    assert.equal(topology.nodes.size, 5);
    assert.deepEqual(
      faults.map(({ key }) => key),
      [keys.node('node-1.example.org')],
    );
  });
});

describe('leases in the way of a change', () => {
  const wide = topologyOf({ p: ['198.51.100.1-198.51.100.20'], q: ['198.51.100.40'] });

  for (const { says, wanted, prune = false, fault } of [
    {
      says: 'a pool may not shrink below them',
      wanted: topologyOf({ p: ['198.51.100.1-198.51.100.9'], q: ['198.51.100.40'] }),
      fault:
        /pool "p": the change would leave out 2 leases: 198\.51\.100\.10 \(a\), 198\.51\.100\.11 \(b\)/,
    },
    {
      says: 'a pool may not exclude them',
      wanted: readFile({
        pools: {
          p: {
            cidr: '198.51.100.0/24',
            ranges: ['198.51.100.1-198.51.100.20'],
            exclude: ['198.51.100.11'],
          },
        },
      }),
      fault: /pool "p": the change would leave out 1 lease: 198\.51\.100\.11 \(b\)/,
    },
    {
      says: 'a pool may not move to another subnet',
      wanted: readFile({ pools: { p: { cidr: '203.0.113.0/24' } } }),
      fault: /pool "p": it still holds 2 leases/,
    },
    {
      says: 'a pool may not leave its network',
      wanted: readFile({
        ...{ pools: { q: { cidr: '198.51.100.0/24', ranges: ['198.51.100.40'] } } },
        networks: { prod: { pools: ['q'] } },
      }),
      fault: /pool "p" of network "prod": it still holds 2 leases/,
    },
    {
      says: 'a node may not go',
      wanted: { ...wide, nodes: new Map([...wide.nodes].slice(0, 1)) },
      prune: true,
      fault: /node "b": it still holds 1 lease: 198\.51\.100\.11 \(b\)/,
    },
    {
      says: 'nothing at all may go',
      wanted: readFile({}),
      prune: true,
      fault: /network "prod".*pool "p".*node "a".*node "b"/,
    },
  ]) {
    it(says, async (t) => {
      const store = await opened(t);
      await applyTopology(store, wide, { signal });
      await take(store, 'a', 'c1', '198.51.100.10');
      await take(store, 'b', 'c2', '198.51.100.11');
      const revision = await revisionOf(store);
      for (const dryRun of [true, false])
        await assert.rejects(applyTopology(store, wanted, { signal, prune, dryRun }), bad(fault));
      assert.equal(await revisionOf(store), revision);
    });
  }

  it('leave room for every change that spares them', async (t) => {
    const store = await opened(t);
    await applyTopology(store, wide, { signal });
    await take(store, 'a', 'c1', '198.51.100.10');
    const spared = topologyOf({ p: ['198.51.100.10', '198.51.100.30'] }, '198.51.100.0/25');
    const { steps } = await applyTopology(store, spared, { signal, prune: true });
    assert.deepEqual(names(steps), ['put pool p', 'put network prod', 'drop pool q']);
    assert.deepEqual((await checkLedger(store, signal)).findings, []);
  });

  it('are found in every block of a large pool, and empty blocks go with it', async (t) => {
    const store = await opened(t);
    const addressOf = (block: number): string => `2001:db8::${(block * 256 + 7).toString(16)}`;
    const whole = readFile({
      pools: { p: { cidr: '2001:db8::/108' } },
      networks: { prod: { pools: ['p'] } },
      nodes: { a: { link: 1 } },
    });
    await applyTopology(store, whole, { signal });
    for (let block = 0; block < 120; block++) {
      await take(store, 'a', `c${block}`, addressOf(block));
      if (block !== 77)
        await releaseAddress(
          store,
          { node: 'a', address: addressOf(block), incarnation: `c${block}` },
          { clock, signal },
        );
    }
    const gone = readFile({});
    await assert.rejects(
      applyTopology(store, gone, { signal, prune: true }),
      bad(/2001:db8::4d07 \(a\)/),
    );
    await releaseAddress(
      store,
      { node: 'a', address: addressOf(77), incarnation: 'c77' },
      { clock, signal },
    );
    await applyTopology(store, gone, { signal, prune: true });
    assert.deepEqual(
      (await store.range({ prefix: '/corral/v1/room/blocks/' }, signal)).entries,
      [],
    );
    assert.deepEqual((await checkLedger(store, signal)).findings, []);
  });
});

describe('a pool that shrinks while addresses are taken', () => {
  it('never leaves a lease outside', async (t) => {
    for (let round = 0; round < 12; round++) {
      const store = await opened(t);
      const wide = topologyOf({ p: ['198.51.100.1-198.51.100.30'] });
      await applyTopology(store, wide, { signal });
      const narrow = topologyOf({ p: ['198.51.100.1-198.51.100.3'] });
      const takes = Array.from({ length: 6 }, (_, n) =>
        take(store, n % 2 ? 'a' : 'b', `c${n}`).catch((error: Refusal) => error.code),
      );
      const shrink = (async () => {
        for (let turn = 0; turn < round; turn++)
          await new Promise((resolve) => setImmediate(resolve));
        return applyTopology(store, narrow, { signal });
      })().then(
        () => 'shrunk',
        (error: Refusal) => {
          assert(error.code === 'bad-topology' || error instanceof LedgerBusy, error.message);
          return 'refused';
        },
      );
      await Promise.all([...takes, shrink]);
      assert.deepEqual((await checkLedger(store, signal)).findings, [], `round ${round}`);
    }
  });

  it('loses to a first address of a block that it never saw', async (t) => {
    const store = await opened(t);
    await applyTopology(store, topologyOf({ p: ['198.51.100.1-198.51.100.30'] }), { signal });
    const narrow = topologyOf({ p: ['198.51.100.25-198.51.100.30'] });
    const rival = beforeFirst(store, async () => {
      await take(store, 'a', 'c1', '198.51.100.7');
    });
    await assert.rejects(
      applyTopology(rival, narrow, { signal }),
      bad(/would leave out 1 lease: 198\.51\.100\.7 \(a\)/),
    );
    assert.deepEqual((await checkLedger(store, signal)).findings, []);
  });
});

describe('applySteps', () => {
  it('passes over a step that is taken already, and stops at what someone else changed', async (t) => {
    const store = await opened(t);
    const record = example.nodes.get('node-1.example.org')!;
    const add: Step = { do: 'put', kind: 'node', name: 'x', record };
    await applySteps(store, [add], { signal });
    await applySteps(store, [add], { signal });
    const stale: Step = { ...add, record: { ...record, linkInKbit: 5 } };
    await assert.rejects(
      applySteps(store, [stale], { signal }),
      (error: Refusal) =>
        error.code === 'topology-moved' && /node "x" was changed/.test(error.message),
    );
  });

  it('lets one of two rivals win who give the same addresses to different pools', async (t) => {
    const store = await opened(t);
    const rival = (name: string) =>
      applyTopology(
        store,
        readFile({ pools: { [name]: { cidr: '198.51.100.0/24', ranges: ['198.51.100.9'] } } }),
        { signal },
      ).then(
        () => 'won',
        (error: Refusal) => error.code,
      );
    const outcomes = await Promise.all(['p', 'q', 'r'].map(rival));
    assert.deepEqual(outcomes.sort(), ['bad-topology', 'bad-topology', 'won']);
  });

  it('leaves what the agent wrote about its node in place', async (t) => {
    const store = await opened(t);
    await applyTopology(store, topologyOf({ p: ['198.51.100.1'] }), { signal });
    const seen = (await readTopology(store, signal)).topology.nodes.get('a')!;
    const value = records.node.encode({ ...seen, bootId: 'b1' });
    await store.commit({ guards: [], writes: [{ put: keys.node('a'), value }] }, signal);
    const step: Step = {
      do: 'put',
      kind: 'node',
      name: 'a',
      before: seen,
      record: { ...seen, linkInKbit: 7 },
    };
    await applySteps(store, [step], { signal });
    const now = (await readTopology(store, signal)).topology.nodes.get('a');
    assert.deepEqual([now?.linkInKbit, now?.bootId], [7, 'b1']);
  });
});
