import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readNetwork, readNode, readPool } from '../../src/core/topology-read.ts';
import { keys, prefixes } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import { PLUGIN, simulatedAgent } from '../fakes/simulated-agent.ts';
import { SimulatedDocker } from '../fakes/simulated-docker.ts';
import { SimulatedLedger } from '../fakes/simulated-store.ts';
import { World } from '../fakes/simulated-world.ts';
import { readNow, Running, Watchman } from './invariants.ts';
import { onVirtualTime } from './virtual-timeouts.ts';

const SUBNET = '192.0.2.0/24';
const NODE = 'n0';
const SPARE = 2;
const AWAY_MS = 10 * 60_000;
/** Docker is answered within 3 s; the rest is Docker's own time. */
const QUICK_MS = 5_000;
/** After that long the ledger is to say what runs. */
const WHOLE_AFTER_MS = 20_000;
const SEEDS = 10;
const never = new AbortController().signal;

/** One node whose ledger is away for ten minutes, on a clock that does not wait. */
class Outage {
  readonly #world: World;
  readonly #ledger: SimulatedLedger;
  readonly #docker: SimulatedDocker;
  readonly #running = new Running();
  readonly #watchman: Watchman;

  constructor(world: World) {
    this.#world = world;
    this.#ledger = new SimulatedLedger(world);
    this.#lay();
    this.#watchman = new Watchman(this.#ledger);
    this.#docker = new SimulatedDocker({
      ...{ world, node: NODE, plugin: PLUGIN, subnet: SUBNET, network: 'prod', liveRestore: false },
      onUp: (address, container) => this.#running.starts(address, container),
      onDown: (address, container) => this.#running.ends(address, container),
    });
    this.#docker.plugin = simulatedAgent(
      {
        ...{ ledger: this.#ledger, docker: this.#docker, disk: { text: '' }, node: NODE },
        ...{ bootId: 'b', afterKill: false, coolDownMs: 60_000, pressedCoolDownMs: 16_000 },
        ...{ spare: SPARE, looksMs: { everyMs: 60_000, apartMs: 60_000 } },
      },
      world.live(`${NODE}.agent`),
    );
  }

  async play(): Promise<void> {
    const docker = this.#docker;
    await docker.start();
    await docker.createNetwork();
    const before: string[] = [];
    for (let n = 0; n < 3; n += 1) before.push(await docker.run());
    await this.#passes(60_000); // the stock is filled
    this.#ledger.down = true;
    await this.#passes(AWAY_MS / 2);
    await this.#away(before);
    await this.#passes(AWAY_MS / 2);
    assert(before[1] !== undefined && this.#running.has(before[1]), 'it runs on');
    this.#ledger.down = false;
    await this.#passes(WHOLE_AFTER_MS);
    assert.deepEqual(await this.#leased(), this.#addresses());
    await this.#watchman.sound();
    await docker.run();
    await this.#passes(1_000);
    assert.deepEqual(await this.#leased(), this.#addresses(), 'all is as before');
  }

  /** A stop is quick, what is in stock starts, and what starts then is refused at once. */
  async #away(before: readonly string[]): Promise<void> {
    const docker = this.#docker;
    assert((await this.#took(() => docker.remove(before[0]!))) < QUICK_MS);
    for (let n = 0; n < SPARE; n += 1)
      assert((await this.#took(() => docker.run())) < QUICK_MS, 'it comes out of stock');
    const refused = assert.rejects(
      docker.run(),
      /network "prod" has no answer for node "n0": the ledger did not decide within 2800 ms/,
    );
    assert((await this.#took(() => refused)) < QUICK_MS);
    assert((await this.#took(() => docker.remove(before[2]!))) < QUICK_MS);
  }

  #addresses(): readonly string[] {
    return this.#docker.ids.flatMap((id) => this.#docker.addressOf(id) ?? []).sort();
  }

  async #leased(): Promise<readonly string[]> {
    const prefix = prefixes.leasesOf(NODE);
    const { entries } = await readNow(this.#ledger).range({ prefix }, never);
    return entries.map(({ key }) => key.slice(prefix.length)).sort();
  }

  async #took(work: () => Promise<unknown>): Promise<number> {
    const begunMs = this.#world.now();
    await work();
    return this.#world.now() - begunMs;
  }

  #passes(ms: number): Promise<void> {
    return this.#world.clockOf({ name: 'test', over: false }).sleep(ms, never);
  }

  #lay(): void {
    const raw = { cidr: SUBNET, ranges: ['192.0.2.1-192.0.2.20'], gateway: '192.0.2.254' };
    const writes = [
      { put: keys.pool('p'), value: records.pool.encode(readPool('p', raw)) },
      {
        put: keys.network('prod'),
        value: records.network.encode(readNetwork('prod', { pools: ['p'] })),
      },
      { put: keys.node(NODE), value: records.node.encode(readNode(NODE, { link: '1gbit' })) },
    ];
    this.#ledger.apply((stage) => stage.commit({ guards: [], writes }));
  }
}

describe('ten minutes without a ledger, of a clock that does not wait', () => {
  for (let seed = 1; seed <= SEEDS; seed += 1)
    it(`containers run, stops are quick, starts come from stock and then fail clearly: seed ${seed}`, async () => {
      const world = new World(seed);
      await onVirtualTime(world, () => world.run(new Outage(world).play()));
    });
});
