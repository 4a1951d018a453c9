import type { MesosCall } from '../../../src/cluster/mesos/client.ts';
import type { HeldRecord } from '../../../src/core/held-record.ts';
import { keys } from '../../../src/ledger/keys.ts';
import { records } from '../../../src/ledger/records.ts';
import type { Container, Status } from '../../../src/sim/container.ts';
import type { SimNode } from '../../../src/sim/nodes.ts';
import type { World as SimWorld } from '../../../src/sim/world.ts';
import type { SimulatedLedger } from '../../fakes/simulated-store.ts';
import type { World } from '../../fakes/simulated-world.ts';
import type { Heard } from './gate.ts';
import type { Request } from './inside.ts';

/**
 * Launches of one app that fail for lack of network room one after another: until one of them comes up,
 * the app is held, or a client changes what is wanted.
 */
export interface Episode {
  readonly app: string;
  readonly failedMs: number[];
  /** Those of them that were launched before anybody could look: see AT_ONCE_MS. */
  readonly unseenMs: number[];
  /** When the app was last held by then, ms. */
  readonly heldMs: number;
  /** Episodes of the app right before it that ended with a hold. */
  readonly before: number;
}

/** More failed launches than this in an episode are a loop. */
export const MOST_FAILURES = 5;

/**
 * The flag in Mesos has no owner: when an operator deactivates what the fence has just looked at and is
 * about to deactivate, nobody can tell whose it is (src/fence/README.md). A list of agents is a second old at
 * most, and a call and a commit take up to a tenth.
 */
const SAME_MOMENT_MS = 1_200;

/**
 * Mesos has no call that tests and sets (cluster/mesos/operator.ts): a gate asks whether an operator drains an
 * agent right before it reactivates it. A drain that begins between that answer and the call, which take up to
 * 50 ms each, is refused by Mesos, or lost if it has ended already because nothing ran there.
 */
const LOOK_TO_CALL_MS = 100;

/**
 * So long after others' acts nobody can have looked: no event of Mesos tells that an operator gave a node back,
 * and Marathon launches in the next round of offers, a second later at most. The fence looks once a second
 * while launches are held back or fail, and a call and two commits take up to a fifth.
 */
const AT_ONCE_MS = 1_200;

export interface LookerDeps {
  readonly sim: SimWorld;
  readonly ledger: SimulatedLedger;
  readonly world: World;
}

/** Sees what happens in a pretend cluster, and remembers what the laws are about. */
export class Looker {
  readonly episodes: Episode[] = [];
  /** Promises seen broken while it happened, in words. */
  readonly breaches: string[] = [];
  launches = 0;
  readonly #launches = new Map<string, number>();
  failures = 0;
  /** Longest that an app took from its client's change until all of it ran, ms. */
  longestWaitMs = 0;
  /** Nodes that an operator keeps out of the offers. */
  readonly operators = new Map<string, { readonly tookMs: number }>();
  /** Switches of agents that gates asked for. */
  switches = 0;
  /** Called once, before a gate hears what became of its switch. */
  amidNextSwitch: (() => void) | undefined;
  /** Nodes that a gate took out of the offers. */
  readonly fenced = new Set<string>();
  readonly #open = new Map<string, Episode>();
  /** When others last brought a node into the offers, and when an app last lost instances with a node, ms. */
  readonly #cameMs = new Map<string, number>();
  readonly #bereftMs = new Map<string, number>();
  /** Tasks that were launched right then. */
  readonly #unseen = new Set<string>();
  readonly #asked = new Map<string, number>();
  readonly #deps: LookerDeps;

  constructor(deps: LookerDeps) {
    this.#deps = deps;
    deps.sim.fleet.watch({
      launched: (container) => this.#launched(container),
      refused: (container, message) => this.#refused(container, message),
      updated: (container, status) => this.#updated(container, status),
    });
  }

  /** A client heard what became of its change. */
  answered({ target }: Request, { status }: Heard): void {
    if (status >= 300) return;
    const { sim, world } = this.#deps;
    for (const app of this.#open.keys()) if (isAbout(target, app)) this.#open.delete(app);
    for (const app of sim.marathon.root.specs.keys())
      if (isAbout(target, app)) this.#asked.set(app, world.now());
  }

  operatorTook({ name }: SimNode): void {
    this.operators.set(name, { tookMs: this.#deps.world.now() });
    this.fenced.delete(name);
  }

  operatorGave(node: SimNode): void {
    this.operators.delete(node.name);
    this.came(node);
  }

  /** Its agent is another one, which nobody took out of the offers. */
  renewed(node: SimNode): void {
    this.operators.delete(node.name);
    this.fenced.delete(node.name);
    this.lost(node);
    this.came(node);
  }

  /** Offered from now on, unless it is out of the offers. */
  came({ name }: SimNode): void {
    this.#cameMs.set(name, this.#deps.world.now());
  }

  /** What runs there is replaced. */
  lost(node: SimNode): void {
    const { sim, world } = this.#deps;
    for (const { order } of sim.fleet.on(node)) this.#bereftMs.set(order.spec.id, world.now());
  }

  /** A gate calls the master. */
  called(gate: string, call: MesosCall): void {
    if (call.type !== 'DEACTIVATE_AGENT' && call.type !== 'REACTIVATE_AGENT') return;
    const id = agentIn(call);
    const node = this.#deps.sim.fleet.nodes.find(({ agentId }) => agentId === id);
    if (!node) return;
    this.#deps.world.say(`  ${gate}: ${call.type} ${node.name}`);
    this.switches += 1;
    const amid = this.amidNextSwitch;
    this.amidNextSwitch = undefined;
    amid?.();
    const { tookMs = -Infinity } = this.operators.get(node.name) ?? {};
    if (call.type === 'DEACTIVATE_AGENT') {
      if (this.#deps.world.now() - tookMs < SAME_MOMENT_MS) this.operators.delete(node.name);
      if (!this.operators.has(node.name)) this.fenced.add(node.name);
      return;
    }
    this.fenced.delete(node.name);
    if (node.drain !== undefined && this.#deps.world.now() - tookMs <= LOOK_TO_CALL_MS) {
      if (node.drain === 'DRAINED') this.operators.delete(node.name);
    } else if (this.operators.has(node.name))
      this.breaches.push(`${gate} reactivated ${node.name}, which an operator had deactivated`);
  }

  /** Instances that the app's client wants, whatever Corral made of it for now. */
  wanted(app: string): number {
    const { sim } = this.#deps;
    return this.#held(app)?.wanted ?? sim.marathon.root.specs.get(app)?.instances ?? 0;
  }

  /** Launches of it that failed for lack of room, of all its episodes. */
  failuresOf(app: string): number {
    const its = this.episodes.filter((episode) => episode.app === app);
    return its.reduce((sum, { failedMs }) => sum + failedMs.length, 0);
  }

  launchesOf(app: string): number {
    return this.#launches.get(app) ?? 0;
  }

  running(app: string): number {
    return this.#deps.sim.marathon.instances
      .of(app)
      .filter(({ goal, condition }) => goal === 'Running' && condition === 'Running').length;
  }

  #launched({ order, launchedMs, task }: Container): void {
    const { world } = this.#deps;
    if (launchedMs !== world.now()) return; // told again after a partition
    this.launches += 1;
    this.#launches.set(order.spec.id, this.launchesOf(order.spec.id) + 1);
    const cameMs = this.#cameMs.get(order.node.name) ?? -Infinity;
    const bereftMs = this.#bereftMs.get(order.spec.id) ?? -Infinity;
    if (world.now() - Math.max(cameMs, bereftMs) <= AT_ONCE_MS) this.#unseen.add(task);
    world.say(`  ${order.spec.id} is launched on ${order.node.name}`);
  }

  #refused({ order, task }: Container, message: string): void {
    const { world } = this.#deps;
    const app = order.spec.id;
    this.failures += 1;
    world.say(`  ${app} fails on ${order.node.name}: ${message}`);
    const { failedMs, unseenMs } = this.#episodeOf(app);
    failedMs.push(world.now());
    if (this.#unseen.has(task)) unseenMs.push(world.now());
  }

  #episodeOf(app: string): Episode {
    const open = this.#open.get(app);
    const heldMs = this.#held(app)?.heldMs ?? 0;
    if (open?.heldMs === heldMs) return open;
    const episode = { app, failedMs: [], unseenMs: [], heldMs, before: open ? open.before + 1 : 0 };
    this.episodes.push(episode);
    this.#open.set(app, episode);
    return episode;
  }

  #held(app: string): HeldRecord | undefined {
    const entry = this.#deps.ledger.state.get(keys.held(app));
    return entry && records.held.decode(entry);
  }

  #updated({ order }: Container, { state }: Status): void {
    if (state !== 'TASK_RUNNING') return;
    const app = order.spec.id;
    this.#open.delete(app);
    if (this.running(app) < this.wanted(app)) return;
    const sinceMs = this.#asked.get(app);
    if (sinceMs === undefined) return;
    this.#asked.delete(app);
    this.longestWaitMs = Math.max(this.longestWaitMs, this.#deps.world.now() - sinceMs);
  }
}

const agentIn = (call: MesosCall): string | undefined => {
  const body = call[call.type.toLowerCase()] as { agent_id?: { value?: string } } | undefined;
  return body?.agent_id?.value;
};

const isAbout = (target: string, app: string): boolean => {
  const path = target.split('?')[0] ?? '';
  return path.includes(app) || (path.startsWith('/v2/groups/shop') && app.startsWith('/shop/'));
};
