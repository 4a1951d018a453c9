import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../../src/core/errors.ts';
import { checkLedger } from '../../src/ledger/check.ts';
import type { Desk } from '../../src/ledger/desk.ts';
import { openDesk } from '../../src/ledger/open-desk.ts';
import type { Store } from '../../src/ledger/store.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { ask } from './desk-bench.ts';
import { Model } from './desk-model.ts';
import { HandClock, lay, opened, patience } from './opened.ts';

/** .1 to .6 */
const ADDRESSES = [1, 2, 3, 4, 5, 6].map((last) => `198.51.100.${last}`);
const NODES = ['n0', 'n1'];

const who = { node: fc.nat(1), name: fc.nat(3) };
const where = { address: fc.constantFrom(...ADDRESSES) };
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('take'), ...who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('claim'), ...who, ...where }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('release'), ...who, ...where }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('adopt'), ...who, ...where }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('stock'), ...who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unstock'), ...who, ...where }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('quarantine'), ...who, ...where }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unquarantine'), ...who, ...where }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait'), ...who, ms: fc.nat(40_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart'), ...who }) },
);

interface Step {
  readonly do: string;
  readonly node: number;
  readonly name: number;
  readonly address?: string;
  readonly ms?: number;
}

/** One ledger, two desks, and the model beside them. */
class Play {
  readonly clock = new HandClock();
  readonly model = new Model(ADDRESSES, this.clock.now());
  readonly #desks: Desk[];
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
    this.#desks = NODES.map((node) => this.#open(node));
  }

  #open(node: string): Desk {
    return openDesk(this.#store, { node, clock: this.clock, log: silentLog });
  }

  async step({ do: what, node: index, name, address = '', ms = 0 }: Step): Promise<void> {
    const [node, desk] = [NODES[index] ?? '', this.#desks[index] as Desk];
    const at = { pool: 'p', address };
    if (what === 'take') return this.#take(desk, node, `i${name}`);
    if (what === 'claim')
      return this.#claim(desk, node, { incarnation: `c${name}-${address}`, address });
    if (what === 'release') return this.#release(desk, node, { name, address });
    if (what === 'adopt') return this.#adopt(desk, node, { name, address });
    if (what === 'stock') return this.#stock(desk, node, name);
    if (what === 'wait') {
      this.clock.ms += ms;
      this.model.nowMs = this.clock.ms;
    } else if (what === 'unstock') {
      await desk.unstock('p', [address], patience());
      this.model.unstock(address, node);
    } else if (what === 'quarantine') {
      await desk.quarantine(at, 'why', patience());
      this.model.quarantine(address, node);
    } else if (what === 'unquarantine') {
      await desk.unquarantine(at, patience());
      this.model.unquarantine(address);
    } else {
      await desk.close();
      this.#desks[index] = this.#open(node);
    }
  }

  async #take(desk: Desk, node: string, incarnation: string): Promise<void> {
    const choices = this.model.choices(node, incarnation);
    const got = await given(desk.take(ask(incarnation), patience()));
    if (choices.length === 0) assert.equal(got, 'no-address-left');
    else assert(choices.includes(got), `${got} is none of ${choices.join(' ')}`);
    if (choices.length > 0) this.model.took(got, node, incarnation);
  }

  async #claim(
    desk: Desk,
    node: string,
    { incarnation, address }: { incarnation: string; address: string },
  ): Promise<void> {
    const standing = this.model.cells.get(address)?.has;
    const again = standing?.node === node && standing.incarnation === incarnation;
    const may = again || this.model.mayClaim(address, node);
    const got = await given(desk.take(ask(incarnation, { address }), patience()));
    assert.equal(got, may ? address : 'address-not-given');
    if (may) this.model.took(address, node, incarnation);
  }

  async #release(
    desk: Desk,
    node: string,
    { name, address }: { name: number; address: string },
  ): Promise<void> {
    const held = this.model.cells.get(address)?.has?.incarnation;
    const incarnation = name > 0 && held !== undefined ? held : `i${name}`;
    const released = await desk.release(address, incarnation, patience());
    const said = released.released ? 'released' : released.why;
    assert.equal(said, this.model.release(address, node, incarnation));
  }

  async #adopt(
    desk: Desk,
    node: string,
    { name, address }: { name: number; address: string },
  ): Promise<void> {
    const [incarnation, container] = [`a${name}-${address}`, `c${name}`];
    const { adopted } = await desk.adopt(ask(incarnation, { address, container }), patience());
    assert.equal(adopted, this.model.adopt(address, node, incarnation, container));
  }

  async #stock(desk: Desk, node: string, count: number): Promise<void> {
    const rested = this.model.rested();
    const put = await desk.stock('p', count, patience());
    assert.equal(put.length, Math.min(count, rested.length));
    for (const address of put) {
      assert(rested.includes(address));
      this.model.stocked(address, node);
    }
  }

  /** The ledger is sound and shows what the model shows. */
  async agree(): Promise<void> {
    assert.deepEqual((await checkLedger(this.#store, patience())).findings, []);
    for (const [index, node] of NODES.entries()) {
      const desk = this.#desks[index] as Desk;
      const leases = (await desk.leases(patience())).map(({ address, lease }) => [
        address,
        lease.incarnation,
      ]);
      const spares = (await desk.spares(patience())).map(({ address }) => address);
      const cells = [...this.model.cells];
      assert.deepEqual(
        leases,
        cells.flatMap(([address, { has }]) =>
          has?.node === node ? [[address, has.incarnation]] : [],
        ),
      );
      assert.deepEqual(
        spares,
        cells.flatMap(([address, { stock }]) => (stock === node ? [address] : [])),
      );
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#desks.map((desk) => desk.close()));
  }
}

const given = async (grant: Promise<{ address: string }>): Promise<string> =>
  grant.then(
    ({ address }) => address,
    (fault: unknown) => {
      if (fault instanceof Refusal) return fault.code;
      throw fault;
    },
  );

describe('two desks, step by step', () => {
  it('do as a table of addresses would', async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const ends: (() => unknown)[] = [];
        const store = await opened({ after: (end) => ends.push(end as () => unknown) });
        const nodes = Object.fromEntries(NODES.map((node) => [node, { link: '1gbit' }]));
        await lay(store, {
          pools: { p: { cidr: '198.51.100.0/29' } },
          networks: { prod: { pools: ['p'] } },
          nodes,
        });
        const play = new Play(store);
        try {
          for (const one of steps) await play.step(one);
          await play.agree();
        } finally {
          await play.close();
          for (const end of ends) await end();
        }
      }),
      { numRuns: 150, endOnFailure: false },
    );
    t.diagnostic('150 plays');
  });
});
