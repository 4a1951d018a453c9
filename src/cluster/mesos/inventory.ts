import { setImmediate as breath } from 'node:timers/promises';
import type { NodeFacts } from '../../core/facts.ts';
import { BadMesosAnswer } from '../errors.ts';
import type { MesosClient } from './client.ts';
import { factsOf, factsOfRecovered } from './translate.ts';
import { readHomeRegion } from './home-region.ts';
import { readAgent, readAgentInfo, readAgents, type WireAgent } from './wire.ts';

export interface InventoryOptions {
  /** Mesos roles that Marathon has: what is reserved for others is not counted. */
  readonly roles: readonly string[];
  /** What was known before, for agents that a new leader has not heard of yet. */
  readonly before?: ReadonlyMap<string, NodeFacts>;
}

export interface Inventory {
  /** By node name, the agent's hostname. */
  readonly facts: Map<string, NodeFacts>;
  /** Agents that could not be read, and why; the others do not suffer. */
  readonly faults: readonly string[];
  /** The leading master's own region; absent where no fault domains are configured. */
  readonly homeRegion?: string;
}

/** Agents read between two breaths, so that thousands of them do not hold up a verdict. */
const AT_ONCE = 50;

const registeredNs = ({ registered_time }: WireAgent): number => registered_time?.nanoseconds ?? 0;

/** Of two agents on one host the one that gets offers, else the later one, is the node. */
const supersedes = (one: WireAgent, facts: NodeFacts, other: [WireAgent, NodeFacts]): boolean =>
  facts.offered === other[1].offered ? registeredNs(one) >= registeredNs(other[0]) : facts.offered;

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
  const answer = readAgents(await client.call({ type: 'GET_AGENTS' }, signal));
  const homeRegion = readHomeRegion(await client.call({ type: 'GET_MASTER' }, signal));
  const faults: string[] = [];
  const seen = new Map<string, [WireAgent, NodeFacts]>();
  await each(answer.agents, signal, (raw) =>
    noting(faults, () => {
      const agent = readAgent(raw);
      const facts = factsOf(agent, options.roles);
      const rival = seen.get(agent.agent_info.hostname);
      if (!rival || supersedes(agent, facts, rival))
        seen.set(agent.agent_info.hostname, [agent, facts]);
    }),
  );
  const facts = new Map([...seen].map(([name, [, one]]) => [name, one]));
  await each(answer.recovered_agents, signal, (raw) =>
    noting(faults, () => {
      const info = readAgentInfo(raw);
      if (!facts.has(info.hostname))
        facts.set(info.hostname, options.before?.get(info.hostname) ?? factsOfRecovered(info));
    }),
  );
  return { facts, faults, ...(homeRegion !== undefined && { homeRegion }) };
}

/** As takeInventory, without the faults. */
export async function fetchFacts(
  client: MesosClient,
  options: InventoryOptions,
  signal: AbortSignal,
): Promise<Map<string, NodeFacts>> {
  return (await takeInventory(client, options, signal)).facts;
}

async function each(
  items: readonly unknown[],
  signal: AbortSignal,
  visit: (item: unknown) => void,
): Promise<void> {
  for (const [at, item] of items.entries()) {
    if (at % AT_ONCE === AT_ONCE - 1) await breath();
    signal.throwIfAborted();
    visit(item);
  }
}

function noting(faults: string[], read: () => void): void {
  try {
    read();
  } catch (fault: unknown) {
    if (!(fault instanceof BadMesosAnswer)) throw fault;
    faults.push(fault.fault);
  }
}
