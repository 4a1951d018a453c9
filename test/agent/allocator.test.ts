import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Allocator } from '../../src/agent/allocator.ts';
import { openJournal } from '../../src/agent/journal.ts';
import { replayTurn } from '../../src/agent/replay.ts';
import type { Desk } from '../../src/ledger/desk.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { DeskBench, SMALL } from '../ledger/desk-bench.ts';
import { opened, patience } from '../ledger/opened.ts';

const ASK = { network: 'prod', pool: 'p', by: 'docker', nonce: 'n1' } as const;

/** An allocator that holds one address, and whose releases can be held on their way, or the wire cut. */
async function holding(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'corral-allocator-'));
  t.after(() => rm(directory, { recursive: true }));
  const bench = await DeskBench.of(t, await opened(t), { p: SMALL });
  const desk = bench.desk('node-1');
  const wire = { isCut: false, open: Promise.resolve() };
  const wired: Desk = Object.assign(Object.create(desk) as Desk, {
    ...{ take: desk.take.bind(desk), leases: desk.leases.bind(desk) },
    reachable: () => !wire.isCut,
    release: async (...asked: Parameters<Desk['release']>) => {
      await wire.open;
      return desk.release(...asked);
    },
  });
  const journal = await openJournal(directory, { log });
  t.after(() => journal.close());
  const deps = { desk: wired, journal, node: 'node-1', bootId: 'b1', clock: bench.clock, log };
  const allocator = new Allocator({ ...deps, newName: () => 'c1' });
  const { address } = await allocator.take(ASK, patience());
  /** The agent after it. */
  const next = (afterKill: boolean) =>
    new Allocator({ ...deps, newName: () => 'c2', ...(afterKill && { afterKill }) });
  return { allocator, address, desk, journal, wire, next };
}

describe('the leases, read while something is given up', () => {
  it('do not bring back what the ledger heard of since they were read', async (t) => {
    const { allocator, address, desk } = await holding(t);
    const read = await allocator.learnFrom(async () => {
      const leases = await desk.leases(patience());
      await allocator.release(address, ASK.nonce);
      return leases;
    });
    assert.equal(read.length, 1);
    assert.deepEqual([...allocator.held], []);
    assert.deepEqual(await desk.leases(patience()), []);
  });

  it('do not bring back what the ledger was about to hear of', async (t) => {
    const { allocator, address, desk, wire } = await holding(t);
    let pass = (): void => undefined;
    wire.open = new Promise((resolve) => (pass = resolve));
    const releasing = allocator.release(address, ASK.nonce);
    const read = await allocator.learnFrom(async () => {
      const leases = await desk.leases(patience());
      pass();
      await releasing;
      return leases;
    });
    assert.equal(read.length, 1);
    assert.deepEqual([...allocator.held], []);
  });

  it('do not bring back what the journal was told, and the ledger by it', async (t) => {
    const { allocator, address, desk, journal, wire } = await holding(t);
    wire.isCut = true;
    await allocator.release(address, ASK.nonce);
    assert.equal(journal.pending().length, 1);
    const read = await allocator.learnFrom(async () => {
      const leases = await desk.leases(patience());
      await replayTurn({ desk, journal })(patience());
      return leases;
    });
    assert.deepEqual([read.length, journal.pending().length], [1, 0]);
    assert.deepEqual([...allocator.held], []);
  });
});

describe('an address that was asked for by name, released from the next agent', () => {
  for (const [killed, left] of [
    [true, 1],
    [false, 0],
  ] as const)
    it(`${killed ? 'stays: Docker may repeat an earlier release' : 'goes'}, as the one before was ${killed ? 'killed' : 'stopped'}`, async (t) => {
      const { allocator, address, desk, next } = await holding(t);
      await allocator.release(address, ASK.nonce);
      const named = { ...ASK, address: '198.51.100.6', nonce: 'n2' };
      const given = await allocator.take(named, patience());
      const after = next(killed);
      await after.learn(patience());
      await after.release(given.address, named.nonce);
      assert.equal((await desk.leases(patience())).length, left);
      assert.equal(after.holdsBy(given.address, named.nonce), killed);
    });
});
