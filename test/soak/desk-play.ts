import assert from 'node:assert/strict';
import { readNetwork, readNode, readPool } from '../../src/core/topology-read.ts';
import { Refusal } from '../../src/core/errors.ts';
import { keys } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import type { Trouble } from '../fakes/simulated-store.ts';
import { CALM, SimulatedLedger } from '../fakes/simulated-store.ts';
import type { Life } from '../fakes/simulated-world.ts';
import type { World } from '../fakes/simulated-world.ts';
import type { Take } from './history.ts';
import { Recorder } from './history.ts';
import { Running, Watchman } from './invariants.ts';
import { unexplained } from './linearizable.ts';

/** One node's dealings with the ledger: the part of Desk that this play needs. */
export interface Dealer {
  take(incarnation: string, signal: AbortSignal): Promise<{ readonly address: string }>;
  release(address: string, incarnation: string, signal: AbortSignal): Promise<Found>;
  /** Address and incarnation of each lease. */
  leases(signal: AbortSignal): Promise<readonly (readonly [string, string])[]>;
}
type Found = 'it' | 'not it' | { readonly other: string };

export interface DealerDeps {
  readonly ledger: SimulatedLedger;
  readonly life: Life;
  readonly node: string;
  readonly coolDownMs: number;
}
export type OpenDealer = (deps: DealerDeps) => Dealer;

export interface Played {
  readonly events: number;
  readonly takes: number;
  readonly deals: number;
}

const POOL = 'p';
const PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 60_000;
/** No rest at all makes an address another's at once, while the first one's answers are still on their way. */
const COOL_DOWNS_MS = [0, 50, 5_000];

/**
 * Nodes take and release addresses of one small pool, and are killed at any moment, while requests and
 * answers go astray as the seed will have it. A node's releases survive it, as does what runs on it.
 *
 * @throws what contradicts the promises
 */
export function playDesks(world: World, open: OpenDealer): Promise<Played> {
  return world.run(new Play(world, open).run());
}

class Play {
  readonly world: World;
  readonly ledger: SimulatedLedger;
  readonly running = new Running();
  readonly watchman: Watchman;
  readonly recorder: Recorder;
  readonly open: OpenDealer;
  readonly size: number;
  readonly coolDownMs: number;
  takes = 0;

  constructor(world: World, open: OpenDealer) {
    this.world = world;
    this.ledger = new SimulatedLedger(this.world);
    this.open = open;
    this.size = this.world.chance.between(3, 14);
    this.coolDownMs = COOL_DOWNS_MS[this.world.chance.between(0, 2)]!;
    this.#lay();
    this.watchman = new Watchman(this.ledger);
    this.recorder = new Recorder(this.world.now);
  }

  async run(): Promise<Played> {
    const { world, ledger } = this;
    const { chance } = world;
    const nodes = Array.from({ length: chance.between(1, 4) }, (_, n) => new Node(`n${n}`, this));
    ledger.trouble = troubleOf(chance.next() * 0.15);
    await Promise.all(nodes.map((node) => node.busy(chance.between(5, 25))));
    ledger.trouble = CALM;
    await Promise.all(nodes.map((node) => node.cleared()));
    assert.equal(this.running.count, 0);
    assert.equal(await this.watchman.sound(), 0, 'leases are left and nothing runs');
    await this.#poolIsFull(nodes[0]!);
    await this.watchman.sound();
    const fault = unexplained(this.recorder.deals);
    assert.equal(fault, undefined, `not linearizable: ${JSON.stringify(fault)}`);
    return { events: world.happened, takes: this.takes, deals: this.recorder.deals.length };
  }

  #lay(): void {
    const raw = { cidr: '192.0.2.0/24', ranges: [`192.0.2.1-192.0.2.${this.size}`] };
    const writes = [
      { put: keys.pool(POOL), value: records.pool.encode(readPool(POOL, raw)) },
      {
        put: keys.network('prod'),
        value: records.network.encode(readNetwork('prod', { pools: [POOL] })),
      },
      ...['n0', 'n1', 'n2', 'n3'].map((name) => ({
        put: keys.node(name),
        value: records.node.encode(readNode(name, { link: '1gbit' })),
      })),
    ];
    this.ledger.apply((stage) => stage.commit({ guards: [], writes }));
  }

  /** Every address can be had, and one more cannot. */
  async #poolIsFull(node: Node): Promise<void> {
    const { world } = this;
    const clock = world.clockOf(world.live('last'));
    await clock.sleep(this.coolDownMs, new AbortController().signal);
    for (let n = 0; n < this.size; n += 1) await node.takes(`full-${n}`);
    await assert.rejects(node.takes('one too many'), { code: 'no-address-left' });
  }
}

const troubleOf = (share: number): Trouble => ({
  lostBefore: share / 3,
  lostAfter: share / 3,
  late: share / 3,
  longestMs: 3_000,
});

interface Pending {
  readonly address: string;
  readonly incarnation: string;
}

class Node {
  readonly #play: Play;
  readonly #name: string;
  #life: Life;
  #dealer: Dealer;
  /** Outlives the process, as a journal does. */
  readonly #pending: Pending[] = [];
  /** Wishes that are under way in this life: a look leaves their leases alone. */
  #wishes = new Set<string>();
  #lives = 0;
  #containers = 0;

  constructor(name: string, play: Play) {
    this.#name = name;
    this.#play = play;
    this.#life = this.#born();
    this.#dealer = this.#opened();
  }

  /** Some containers start and end, the process is killed and started again, `rounds` times. */
  async busy(rounds: number): Promise<void> {
    const { world } = this.#play;
    const outside = world.clockOf({ name: this.#name, over: false });
    for (let round = 0; round < rounds; round += 1) {
      this.#detached(this.#container());
      if (world.chance.next() < 0.15) await this.#killed();
      await outside.sleep(world.latency(10_000), never);
    }
  }

  /** Everything has ended, and nothing of it is left in the ledger. */
  async cleared(): Promise<void> {
    const { world, running } = this.#play;
    const outside = world.clockOf({ name: this.#name, over: false });
    while (running.count > 0 || this.#wishes.size > 0) await outside.sleep(1_000, never);
    for (let look = 0; look < 3; look += 1) {
      await this.#look();
      await outside.sleep(LOOK_EVERY_MS, never);
    }
    while (this.#pending.length > 0) await outside.sleep(1_000, never);
  }

  takes(incarnation: string): Promise<{ readonly address: string }> {
    return this.#dealer.take(incarnation, never);
  }

  #born(): Life {
    this.#lives += 1;
    return this.#play.world.live(`${this.#name}.${this.#lives}`);
  }

  #opened(): Dealer {
    const { ledger, coolDownMs } = this.#play;
    return this.#play.open({ ledger, life: this.#life, node: this.#name, coolDownMs });
  }

  async #killed(): Promise<void> {
    const { world } = this.#play;
    this.#life.end();
    this.#wishes = new Set();
    await world.clockOf({ name: '', over: false }).sleep(world.latency(30_000), never);
    this.#life = this.#born();
    this.#dealer = this.#opened();
    this.#detached(this.#look());
    for (const pending of this.#pending) this.#detached(this.#released(pending));
  }

  /** Goes on by itself; a fault of it is the play's. */
  #detached(work: Promise<unknown>): void {
    work.catch((fault: unknown) => {
      if (!(fault instanceof Refusal)) this.#play.world.fail(fault);
    });
  }

  async #container(): Promise<void> {
    const { world, running } = this.#play;
    const { chance } = world;
    const incarnation = `${this.#name}-c${(this.#containers += 1)}`;
    const address = await this.#taken(incarnation);
    if (address === undefined) return;
    world.say(`${incarnation} runs on ${address}`);
    // The container outlives the agent that gave it its address.
    world.after(world.latency(60_000) + chance.between(0, 2_000), `${incarnation} ends`, () => {
      running.ends(address, incarnation);
      const pending = { address, incarnation };
      this.#pending.push(pending);
      this.#detached(this.#released(pending));
    });
  }

  /** Asks a few times under one name; what nobody waits for any more is left to the looks. */
  async #taken(incarnation: string): Promise<string | undefined> {
    const { recorder, running, world } = this.#play;
    this.#wishes.add(incarnation);
    const life = this.#life;
    for (let tries = 0; tries < 3; tries += 1) {
      const answer = recorder.begin<Take>({ does: 'take', holder: incarnation });
      const patience = this.#patience();
      try {
        const { address } = await this.#dealer.take(incarnation, patience);
        answer({ address });
        running.starts(address, incarnation);
        this.#wishes.delete(incarnation);
        this.#play.takes += 1;
        return address;
      } catch (fault) {
        if (!(fault instanceof Refusal) && fault !== LATE) throw fault;
        await world.clockOf(life).sleep(world.latency(500), never);
      }
    }
    this.#wishes.delete(incarnation);
    return undefined;
  }

  async #released(pending: Pending): Promise<void> {
    const { world } = this.#play;
    const clock = world.clockOf(this.#life);
    while (this.#pending.includes(pending)) {
      const done = await this.#release(pending).catch(() => undefined);
      if (done === undefined) await clock.sleep(world.latency(2_000) + 1, never);
      else if (this.#pending.includes(pending))
        this.#pending.splice(this.#pending.indexOf(pending), 1);
    }
  }

  async #release({ address, incarnation }: Pending): Promise<Found> {
    const { recorder } = this.#play;
    const answer = recorder.begin({ does: 'release', holder: incarnation, address });
    const found = await this.#dealer.release(address, incarnation, this.#patience());
    answer({ found } as never);
    return found;
  }

  /** Leases under whose name nothing runs and nothing is under way are released. */
  async #look(): Promise<void> {
    const { running, world } = this.#play;
    for (let done = false; !done;) {
      try {
        for (const [address, incarnation] of await this.#dealer.leases(this.#patience()))
          if (!running.has(incarnation) && !this.#wishes.has(incarnation))
            await this.#release({ address, incarnation });
        done = true;
      } catch {
        await world.clockOf(this.#life).sleep(100, never);
      }
    }
  }

  #patience(): AbortSignal {
    const { world } = this.#play;
    const over = new AbortController();
    world.after(PATIENCE_MS, '', () => over.abort(LATE));
    return over.signal;
  }
}

const never = new AbortController().signal;
const LATE = new Error('nobody waits any longer');
