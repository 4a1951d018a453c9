import { hash } from 'node:crypto';
import type { NodeFacts } from '../../core/facts.ts';
import { BadMesosAnswer } from '../errors.ts';
import type { MesosClient } from './client.ts';
import { readHomeRegion } from './home-region.ts';
import { factsOf, factsOfRecovered } from './translate.ts';
import { readAgent, readAgentInfo, readAgents } from './wire-read.ts';

export interface InventoryOptions {
  /** Mesos roles that Marathon has: what is reserved for others is not counted. */
  readonly roles: readonly string[];
  /**
   * The reading before, for the same roles: what a new leader has not heard of keeps its facts, and what
   * is told in the same words is not read again.
   */
  readonly before?: Inventory;
}

export interface Inventory {
  /** By node name, the agent's hostname. An agent that is told of in the same words keeps its object. */
  readonly facts: ReadonlyMap<string, NodeFacts>;
  /** Agents that could not be read, and why; the others do not suffer. */
  readonly faults: readonly string[];
  /** The leading master's own region; absent where no fault domains are configured. */
  readonly homeRegion?: string;
  /** What each agent's words came to, by their digest. */
  readonly read: ReadonlyMap<string, AgentRead>;
}

/** One agent's entry, read. */
interface AgentRead {
  readonly name: string;
  readonly registeredNs: number;
  readonly facts: NodeFacts;
}

const AGENTS = ['get_agents', 'agents'];
const RECOVERED = ['get_agents', 'recovered_agents'];

/**
 * What Mesos says about every agent now (GET_AGENTS of the v1 operator API: the v0 endpoint does not say
 * which reservation a used resource belongs to). An agent without offers is in it with `offered` false;
 * one that a new leader only remembers keeps what was known before. Resources that the credentials may
 * not see (VIEW_ROLE) are missing without a word.
 *
 * @throws MesosUnreachable, MesosRefused, BadMesosAnswer; the signal's reason
 */
export async function takeInventory(
  client: MesosClient,
  options: InventoryOptions,
  signal: AbortSignal,
): Promise<Inventory> {
  const reading = new Reading(options);
  const arrays = [
    { path: AGENTS, visit: (element: Buffer) => reading.agent(element) },
    { path: RECOVERED, visit: (element: Buffer) => reading.recovered(element) },
  ];
  readAgents(await client.each({ type: 'GET_AGENTS' }, arrays, signal));
  const homeRegion = readHomeRegion(await client.call({ type: 'GET_MASTER' }, signal));
  return { ...reading.end(), ...(homeRegion !== undefined && { homeRegion }) };
}

/** As takeInventory, without the faults. */
export async function fetchFacts(
  client: MesosClient,
  options: InventoryOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, NodeFacts>> {
  return (await takeInventory(client, options, signal)).facts;
}

/** Of two agents on one host the one that gets offers, else the later one, is the node. */
const supersedes = (one: AgentRead, other: AgentRead): boolean =>
  one.facts.offered === other.facts.offered
    ? one.registeredNs >= other.registeredNs
    : one.facts.offered;

/**
 * Most agents are told of in the same words as two seconds ago. Their bytes are compared by a digest, so
 * that thousands of them cost neither the reading nor the memory of it.
 */
class Reading {
  readonly #options: InventoryOptions;
  readonly #read = new Map<string, AgentRead>();
  readonly #nodes = new Map<string, AgentRead>();
  readonly #unheard = new Map<string, NodeFacts>();
  readonly #faults: string[] = [];

  constructor(options: InventoryOptions) {
    this.#options = options;
  }

  agent(element: Buffer): void {
    this.#noting(() => {
      const digest = hash('sha1', element, 'base64');
      const agent = this.#options.before?.read.get(digest) ?? this.#parse(element);
      this.#read.set(digest, agent);
      const rival = this.#nodes.get(agent.name);
      if (!rival || supersedes(agent, rival)) this.#nodes.set(agent.name, agent);
    });
  }

  recovered(element: Buffer): void {
    this.#noting(() => {
      const info = readAgentInfo(JSON.parse(element.toString('utf8')));
      const before = this.#options.before?.facts.get(info.hostname);
      this.#unheard.set(info.hostname, before ?? factsOfRecovered(info));
    });
  }

  end(): Omit<Inventory, 'homeRegion'> {
    const heard = [...this.#nodes].map(([name, { facts }]) => [name, facts] as const);
    // an agent that has registered counts, whatever else the leader remembers of its host
    return {
      facts: new Map([...this.#unheard, ...heard]),
      faults: this.#faults,
      read: this.#read,
    };
  }

  #parse(element: Buffer): AgentRead {
    const agent = readAgent(JSON.parse(element.toString('utf8')));
    const { agent_info: info, registered_time: registered } = agent;
    const facts = factsOf(agent, this.#options.roles);
    return { name: info.hostname, registeredNs: registered?.nanoseconds ?? 0, facts };
  }

  #noting(read: () => void): void {
    try {
      read();
    } catch (fault: unknown) {
      if (fault instanceof BadMesosAnswer) this.#faults.push(fault.fault);
      else if (fault instanceof SyntaxError) this.#faults.push('an agent is not JSON');
      else throw fault;
    }
  }
}
