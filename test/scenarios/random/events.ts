import { editLimits } from '../../../src/ledger/limit-edit.ts';
import { Refusal } from '../../../src/core/errors.ts';
import { takeAddress } from '../../../src/ledger/leases.ts';
import { releaseAddress } from '../../../src/ledger/release.ts';
import { holdingOf, prefixes } from '../../../src/ledger/keys.ts';
import { isHeard, NOTHING, plus, minus, type SimNode } from '../../../src/sim/nodes.ts';
import { type Action, told } from './actions.ts';
import type { Request } from './inside.ts';
import { never, type Stage, untilDone } from './stage.ts';

/** Switches are waited for so long, ms. */
const AMID_WITHIN_MS = 60_000;

type Of<Do extends Action['do']> = Extract<Action, { readonly do: Do }>;

/** Makes the actions of a script happen. */
export class Events {
  readonly #stage: Stage;
  #containers = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async happen(action: Action): Promise<void> {
    switch (action.do) {
      case 'ask':
        return this.#ask(action);
      case 'kill':
        return this.#kill(action);
      case 'crash':
        return this.#crash(action);
      case 'partition':
        return this.#partition(action);
      case 'deactivate':
        return this.#deactivate(action);
      case 'drain':
        return this.#drain(action);
      case 'renew':
        return this.#renew(action);
      case 'failover':
        return this.#failover();
      case 'outside':
        return this.#outside(action);
      case 'foreign':
        return this.#foreign(action);
      case 'raise':
        return this.#raise(action);
      case 'kill gate':
        return this.#killGate(action);
      case 'lose ledger':
        return this.#loseLedger(action);
      case 'set clock':
        return this.#setClock(action);
      case 'trouble':
        this.#stage.sim.master.troubles.push(action.what);
        return;
      case 'amid a switch':
        return this.#amid(action);
    }
  }

  async #ask({ method, path, body }: Of<'ask'>): Promise<void> {
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    await this.#send({ method, target: path, ...(bytes && { body: bytes }) });
  }

  async #send(request: Request): Promise<void> {
    const { world, looker } = this.#stage;
    const heard = await this.#stage.ask(request);
    world.say(`  ${request.method} ${request.target}: ${heard.status} ${heard.verdict ?? ''}`);
    looker.answered(request, heard);
  }

  async #kill({ app, count, scale, wipe }: Of<'kill'>): Promise<void> {
    const { sim } = this.#stage;
    const all = sim.marathon.instances.of(app).flatMap(({ taskIds }) => taskIds.slice(0, 1));
    const ids = all.sort().slice(0, count ?? all.length);
    if (ids.length === 0) return;
    const target = `/v2/tasks/delete?scale=${scale}&wipe=${wipe}`;
    await this.#send({ method: 'POST', target, body: Buffer.from(JSON.stringify({ ids })) });
  }

  async #crash({ app, count }: Of<'crash'>): Promise<void> {
    const { fleet } = this.#stage.sim;
    const mine = [...fleet.containers.values()].filter(
      ({ order, state }) => order.spec.id === app && state === 'TASK_RUNNING',
    );
    for (const { task } of mine.slice(0, count)) fleet.crash(task, 1);
    await Promise.resolve();
  }

  async #partition({ node: name, forMs }: Of<'partition'>): Promise<void> {
    const { sim, clock, looker } = this.#stage;
    const node = sim.fleet.node(name);
    if (!node.reachable) return;
    looker.lost(node);
    sim.fleet.partition(node);
    await clock.sleep(forMs, never);
    looker.came(node);
    sim.fleet.heal(node);
  }

  async #deactivate({ node: name, forMs }: Of<'deactivate'>): Promise<void> {
    const { sim } = this.#stage;
    const node = sim.fleet.node(name);
    if (!isHeard(node) || node.deactivated) return; // an operator would see that it is out already
    await this.#keptOut(node, () => sim.master.deactivate(node.agentId), forMs);
  }

  async #drain({ node: name, forMs }: Of<'drain'>): Promise<void> {
    const { sim, looker } = this.#stage;
    const node = sim.fleet.node(name);
    if (!isHeard(node) || looker.operators.has(name)) return;
    await this.#keptOut(node, () => sim.master.drain(node.agentId), forMs);
  }

  /** Out of the offers until the operator gives it back, or its agent is another one. */
  async #keptOut(node: SimNode, out: () => unknown, forMs: number): Promise<void> {
    const { sim, looker, clock } = this.#stage;
    const { agentId } = node;
    looker.operatorTook(node);
    out();
    await clock.sleep(forMs, never);
    while (node.agentId === agentId && (!isHeard(node) || node.drain === 'DRAINING'))
      await clock.sleep(1_000, never);
    if (node.agentId !== agentId) return;
    looker.operatorGave(node);
    sim.master.reactivate(agentId);
  }

  async #renew({ node: name }: Of<'renew'>): Promise<void> {
    const { sim, looker } = this.#stage;
    const node = sim.fleet.node(name);
    if (!isHeard(node)) return;
    looker.renewed(node);
    sim.master.renew(node);
    await Promise.resolve();
  }

  async #failover(): Promise<void> {
    this.#stage.sim.master.abdicate();
    await Promise.resolve();
  }

  async #outside({ node, network, forMs }: Of<'outside'>): Promise<void> {
    const taken = await this.#take(node, network);
    if (!taken) return;
    await this.#stage.clock.sleep(forMs, never);
    await untilDone(taken, this.#stage.clock);
  }

  /** @returns what gives the address back; undefined when there was none */
  async #take(name: string, network: string): Promise<(() => Promise<unknown>) | undefined> {
    const { store, clock, sim, world } = this.#stage;
    const incarnation = `outside-${(this.#containers += 1)}`;
    const { attributes } = sim.fleet.node(name);
    const ask = { node: name, network, incarnation, attributes: texts(attributes) };
    try {
      const { address } = await takeAddress(store, ask, { clock, signal: never });
      return () =>
        releaseAddress(store, { node: name, address, incarnation }, { clock, signal: never });
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      world.say(`  ${incarnation}: ${fault.message}`);
      return undefined;
    }
  }

  async #foreign({ node: name, network, cpus, forMs }: Of<'foreign'>): Promise<void> {
    const { sim, clock } = this.#stage;
    const node = sim.fleet.node(name);
    if (!isOffered(node) || sim.fleet.free(node).cpus < cpus) return;
    const room = { ...NOTHING, cpus, mem: 64 };
    node.filler = plus(node.filler, room);
    const taken = await this.#take(name, network);
    await clock.sleep(taken ? forMs : 1_000, never);
    node.filler = minus(node.filler, room);
    if (taken) await untilDone(taken, clock);
  }

  async #killGate({ forMs }: Of<'kill gate'>): Promise<void> {
    const { gates, clock } = this.#stage;
    const gate = gates.find(({ life }) => !life.over);
    if (!gate) return;
    gate.life.end();
    await clock.sleep(forMs, never);
    await this.#stage.startGate();
  }

  async #loseLedger({ forMs }: Of<'lose ledger'>): Promise<void> {
    const { ledger, clock } = this.#stage;
    ledger.down = true;
    await clock.sleep(forMs, never);
    ledger.down = false;
  }

  async #setClock({ byMs, forMs }: Of<'set clock'>): Promise<void> {
    const { skew, clock } = this.#stage;
    skew.ms += byMs;
    if (forMs === undefined) return;
    await clock.sleep(forMs, never);
    skew.ms -= byMs;
  }

  /** Over when it has happened, or when nobody switched anything for a while. */
  async #amid({ then }: Of<'amid a switch'>): Promise<void> {
    const { looker, clock, world } = this.#stage;
    const happens = new Promise<void>((resolve) => {
      looker.amidNextSwitch = () => {
        world.say(told({ atMs: 0, action: then }));
        this.happen(then).then(resolve, (fault: unknown) => world.fail(fault));
      };
    });
    await Promise.race([happens, clock.sleep(AMID_WITHIN_MS, never)]);
    looker.amidNextSwitch = undefined;
  }

  async #raise({ nth, by }: Of<'raise'>): Promise<void> {
    const { ledger, store, clock, world } = this.#stage;
    const { entries } = ledger.state.range({ prefix: prefixes.leases, limit: 1_000 });
    const entry = entries[nth % Math.max(1, entries.length)];
    const place = entry && holdingOf(prefixes.leases, entry.key);
    if (!place) return;
    const { counted } = JSON.parse(entry.value) as { counted?: { netOutKbit: number } };
    const wish = { netOutKbit: (counted?.netOutKbit ?? 1_000) * by };
    const edit = {
      node: place.node,
      addresses: [place.address],
      wish,
      who: 'ops',
      by: 'cli',
    } as const;
    const random = (): string => world.chance.next().toString(36).slice(2, 8);
    await editLimits(store, edit, { clock, signal: never, random }).catch((fault: unknown) => {
      if (!(fault instanceof Refusal)) throw fault;
      world.say(`  ${fault.message}`);
    });
  }
}

const isOffered = (node: SimNode): boolean => isHeard(node) && !node.deactivated;

const texts = (attributes: SimNode['attributes']): Record<string, string> =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)]));
