import assert from 'node:assert/strict';
import { parseAddress } from '../../src/core/address.ts';
import { placeOf, poolSpace } from '../../src/core/pool.ts';
import { isKept } from '../../src/core/reserve.ts';
import { readNetwork, readNode, readPool } from '../../src/core/topology-read.ts';
import { keys } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import { PLUGIN, simulatedAgent } from '../fakes/simulated-agent.ts';
import { NotStarted, SimulatedDocker } from '../fakes/simulated-docker.ts';
import type { Disk } from '../fakes/simulated-journal.ts';
import type { Trouble } from '../fakes/simulated-store.ts';
import { CALM, SimulatedLedger } from '../fakes/simulated-store.ts';
import type { Life, World } from '../fakes/simulated-world.ts';
import { Running, Watchman } from './invariants.ts';
import type { Played } from './plays.ts';
import { onVirtualTime } from './virtual-timeouts.ts';

const SUBNET = '192.0.2.0/24';
const NETWORK = 'prod';
const RAW = { cidr: SUBNET, gateway: '192.0.2.254' };
const POOL = readPool('p', RAW);
const never = new AbortController().signal;

/** A release of the journal's that the reconcile was faster with. */
const ASKED = /^Docker asked/;

/** How a seed's run is set. */
interface Setting {
  readonly nodes: number;
  readonly size: number;
  readonly rounds: number;
  /** Longest pause between two things that happen on a node, ms. */
  readonly paceMs: number;
  readonly coolDownMs: number;
  readonly pressedCoolDownMs: number;
  /** Addresses that each node keeps at hand. */
  readonly spare: number;
  /** Of the containers, in [0, 1): those that name their address. */
  readonly named: number;
  readonly liveRestore: boolean;
  readonly looksMs: { readonly everyMs: number; readonly apartMs: number };
  /** Nothing is killed, and nobody names an address: then nothing is left for the reconcile to find. */
  readonly gentle: boolean;
  readonly trouble: Trouble;
}

/**
 * Whole nodes: the agent's own code on a Docker that behaves as measured, a journal that may be torn and a
 * ledger that loses answers. Containers come, restart and go, some ask for an address by name, while agents,
 * daemons and machines are killed and the ledger goes away. At every moment no two containers have one
 * address, and what runs has an address that the ledger counts as its node's, as soon as it runs: by a lease,
 * or in stock. In the end, with all containers gone, the pool is full.
 */
export const playAgents = (world: World): Promise<Played> =>
  onVirtualTime(world, () => world.run(new Play(world).run()));

function settingOf({ chance }: World): Setting {
  const share = chance.next() < 0.3 ? 0 : chance.next() * 0.1;
  const coolDownMs = [16_000, 60_000][chance.between(0, 1)]!;
  const named = chance.next() < 0.5 ? 0 : 0.3;
  return {
    nodes: chance.between(1, 3),
    size: chance.between(3, 12),
    rounds: chance.between(10, 40),
    paceMs: [200, 2_000, 20_000][chance.between(0, 2)]!,
    coolDownMs,
    pressedCoolDownMs: 16_000,
    spare: [0, 0, 1, 2, 3][chance.between(0, 4)]!,
    named,
    liveRestore: chance.next() < 0.5,
    looksMs: { everyMs: chance.between(1_000, 30_000), apartMs: 30_000 },
    gentle: named === 0 && chance.next() < 0.3,
    trouble: { lostBefore: share / 3, lostAfter: share / 3, late: share / 3, longestMs: 1_500 },
  };
}

class Play {
  readonly world: World;
  readonly ledger: SimulatedLedger;
  readonly setting: Setting;
  readonly running = new Running();
  readonly #watchman: Watchman;
  starts = 0;

  constructor(world: World) {
    this.world = world;
    this.ledger = new SimulatedLedger(world);
    this.setting = settingOf(world);
    this.#lay();
    this.#watchman = new Watchman(this.ledger);
  }

  async run(): Promise<Played> {
    const { world, ledger, setting } = this;
    const outside = world.clockOf({ name: 'test', over: false });
    const nodes = Array.from({ length: setting.nodes }, (_, n) => new Node(`n${n}`, this));
    await Promise.all(nodes.map((node) => node.begin()));
    ledger.trouble = setting.trouble;
    await Promise.all([...nodes.map((node) => node.busy()), this.#outages()]);
    ledger.trouble = CALM;
    await Promise.all(nodes.map((node) => node.cleared()));
    await outside.sleep(5 * 60_000, never);
    assert.equal(this.running.count, 0);
    assert.equal(await this.#watchman.sound(), 0, 'leases are left, and nothing runs');
    if (setting.gentle) for (const node of nodes) node.foundNothing();
    await this.#poolIsFull(nodes);
    await this.#watchman.sound();
    return { events: world.happened, takes: this.starts };
  }

  /** Every address can be had, and one more cannot. */
  async #poolIsFull(nodes: readonly Node[]): Promise<void> {
    for (let n = 0; n < this.setting.size; n += 1) await nodes[n % nodes.length]!.begged();
    assert.equal(this.running.count, this.setting.size);
    await assert.rejects(nodes[0]!.docker.run(), /no address left/);
  }

  /** The node has a lease of the address, or keeps it in stock. */
  isOf(node: string, address: string): boolean {
    const { state } = this.ledger;
    if (state.get(keys.lease(node, address))) return true;
    const tally = state.get(keys.tally(node));
    const place = { pool: 'p', ...placeOf(poolSpace(POOL), parseAddress(address)) };
    return tally !== undefined && isKept(records.tally.decode(tally), place);
  }

  async #outages(): Promise<void> {
    const { world, ledger } = this;
    const outside = world.clockOf({ name: 'test', over: false });
    for (let n = world.chance.between(0, 2); n > 0; n -= 1) {
      await outside.sleep(world.chance.between(0, 60_000), never);
      ledger.down = true;
      world.say('the ledger is down');
      await outside.sleep(world.chance.between(0, 30_000), never);
      ledger.down = false;
      world.say('the ledger is up');
    }
  }

  #lay(): void {
    const { size } = this.setting;
    const raw = { ...RAW, ranges: [`192.0.2.1-192.0.2.${size}`] };
    const put = (key: string, value: string) => ({ put: key, value });
    const writes = [
      put(keys.pool('p'), records.pool.encode(readPool('p', raw))),
      put(keys.network(NETWORK), records.network.encode(readNetwork(NETWORK, { pools: ['p'] }))),
      ...['n0', 'n1', 'n2'].map((name) =>
        put(keys.node(name), records.node.encode(readNode(name, { link: '1gbit' }))),
      ),
    ];
    this.ledger.apply((stage) => stage.commit({ guards: [], writes }));
  }
}

/** One machine: its disk, its Docker, its agent, and somebody who starts and ends containers on it. */
class Node {
  readonly docker: SimulatedDocker;
  readonly #play: Play;
  readonly #name: string;
  readonly #disk: Disk = { text: '' };
  #boots = 1;
  #lives = 0;
  #agent: Life | undefined;

  constructor(name: string, play: Play) {
    this.#name = name;
    this.#play = play;
    const { world, running, setting } = play;
    this.docker = new SimulatedDocker({
      ...{ world, node: name, plugin: PLUGIN, subnet: SUBNET, network: NETWORK },
      liveRestore: setting.liveRestore,
      onUp: (address, container) => {
        world.say(`${container} is up on ${address}`);
        try {
          running.starts(address, container);
          const whose = play.isOf(name, address);
          assert(whose, `${container} is up on ${address}, which the ledger does not give ${name}`);
        } catch (fault) {
          world.fail(fault);
        }
        play.starts += 1;
      },
      onDown: (address, container) => {
        world.say(`${container} is down, which was on ${address}`);
        running.ends(address, container);
      },
    });
  }

  async begin(): Promise<void> {
    this.#startAgent();
    await this.docker.start();
    await this.docker.createNetwork();
  }

  async busy(): Promise<void> {
    for (let round = 0; round < this.#play.setting.rounds; round += 1) {
      await this.#something();
      await this.#outside(this.#play.world.chance.between(0, this.#play.setting.paceMs));
    }
  }

  /** Everything is up, and nothing runs. */
  async cleared(): Promise<void> {
    if (!this.#agent || this.#agent.over) this.#startAgent();
    if (!this.docker.isUp) await this.docker.start();
    await this.#outside(120_000); // starts that are under way end
    for (const id of this.docker.ids) await this.docker.remove(id);
  }

  async #something(): Promise<void> {
    const { world, setting } = this.#play;
    const drawn = world.chance.next() * (setting.gentle ? 0.7 : 1);
    if (drawn < 0.35) this.#oneMore();
    else if (drawn < 0.6) this.#oneLess();
    else if (drawn < 0.7) this.#oneAnew();
    else if (drawn < 0.86) await this.#midway(() => this.#agentKilled());
    else if (drawn < 0.96) await this.#midway(() => this.#daemonKilled());
    else await this.#powerCut();
  }

  /** While a container is being started or ended. */
  async #midway(killed: () => Promise<void>): Promise<void> {
    const { world } = this.#play;
    const drawn = world.chance.next();
    if (drawn < 0.45) this.#oneMore();
    else if (drawn < 0.75) this.#oneLess();
    else if (drawn < 0.85) this.#oneAnew();
    else this.#oneForAnother();
    await this.#outside(world.chance.between(0, world.chance.next() < 0.5 ? 15 : 300));
    await killed();
  }

  #oneMore(): void {
    const { world, setting } = this.#play;
    const isNamed = world.chance.next() < setting.named;
    const ip = isNamed ? `192.0.2.${world.chance.between(1, setting.size)}` : '';
    this.#detached(this.docker.isUp ? this.docker.run(ip) : undefined);
  }

  #oneAnew(): void {
    const id = this.#anyOf(this.docker.ids);
    this.#detached(id !== undefined && this.docker.isUp ? this.docker.restart(id) : undefined);
  }

  /** One goes, and another asks for its address by name meanwhile. */
  #oneForAnother(): void {
    const id = this.#anyOf(this.docker.ids);
    const address = id === undefined ? undefined : this.docker.addressOf(id);
    if (id === undefined || address === undefined || this.#play.setting.named === 0) {
      this.#oneLess();
      return;
    }
    const { world } = this.#play;
    this.#detached(this.docker.isUp ? this.docker.remove(id) : undefined);
    const next = (): void =>
      this.#detached(this.docker.isUp ? this.docker.run(address) : undefined);
    for (const ms of [50, 500, 3_000]) world.after(world.chance.between(0, ms), '', next);
  }

  #anyOf(ids: readonly string[]): string | undefined {
    return ids[this.#play.world.chance.between(0, Math.max(0, ids.length - 1))];
  }

  /** One more, while others may have to give back what they keep in stock. */
  async begged(): Promise<void> {
    for (let tries = 1; ; tries += 1)
      try {
        await this.docker.run();
        return;
      } catch (fault) {
        if (tries === 10 || !/no address left/.test(String(fault))) throw fault;
        await this.#outside(2_000);
      }
  }

  #oneLess(): void {
    this.#detached(this.#removeOne());
  }

  /** Goes on by itself. Of a daemon that was killed nothing comes back. */
  #detached(work: Promise<unknown> | undefined): void {
    work?.catch((fault: unknown) => {
      const isDockers = fault instanceof NotStarted || (fault as Error).name === 'PluginGone';
      if (!isDockers) this.#play.world.fail(fault);
    });
  }

  /** Docker's own calls and the journal were enough. */
  foundNothing(): void {
    const entry = this.#play.ledger.state.get(keys.reconciled(this.#name));
    assert(entry, 'no look was ever reported');
    const found = records.reconciled.decode(entry).releases.filter(({ why }) => !ASKED.test(why));
    assert.deepEqual(found, [], 'something was lost for a while');
  }

  async #removeOne(): Promise<void> {
    const { ids, isUp } = this.docker;
    const id = this.#anyOf(ids);
    if (id !== undefined && isUp) await this.docker.remove(id);
  }

  async #agentKilled(): Promise<void> {
    const { chance } = this.#play.world;
    this.#agent?.end();
    await this.#outside(chance.between(0, [100, 3_000, 12_000][chance.between(0, 2)]!));
    this.#startAgent();
  }

  async #daemonKilled(): Promise<void> {
    this.docker.kill();
    await this.#outside(this.#play.world.latency(20_000));
    this.#detached(this.docker.start());
  }

  async #powerCut(): Promise<void> {
    const { world } = this.#play;
    this.#agent?.end();
    this.docker.reboot();
    this.#boots += 1;
    await this.#outside(world.latency(60_000));
    if (world.chance.next() < 0.5) this.#startAgent();
    this.#detached(this.docker.start());
    await this.#outside(world.latency(20_000));
    if (this.#agent?.over) this.#startAgent();
  }

  #startAgent(): void {
    const { world, ledger, setting } = this.#play;
    const life = world.live(`${this.#name}.agent.${(this.#lives += 1)}`);
    this.#agent = life;
    const { coolDownMs, pressedCoolDownMs, spare, looksMs } = setting;
    this.docker.plugin = simulatedAgent(
      {
        ...{ ledger, docker: this.docker, disk: this.#disk, node: this.#name },
        ...{
          bootId: `boot-${this.#boots}`,
          afterKill: this.#lives > 1,
          coolDownMs,
          pressedCoolDownMs,
          spare,
          looksMs,
        },
      },
      life,
    );
  }

  #outside(ms: number): Promise<void> {
    return this.#play.world.clockOf({ name: this.#name, over: false }).sleep(ms, never);
  }
}
