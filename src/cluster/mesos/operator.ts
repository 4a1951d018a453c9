import type { AgentSeen } from '../../core/fence-action.ts';
import { BadMesosAnswer } from '../errors.ts';
import { abilityOf, type FenceAbility } from './ability.ts';
import type { MesosClient } from './client.ts';
import { oneAgentTarget, standingOf } from './one-agent.ts';
import { type AnyIll, DONE, outcomeOf, type Said, type Words } from './outcome.ts';
import { attributesOf } from './translate.ts';
import type { WireAgentInfo } from './wire.ts';
import { readAgent, readAgentInfo, readAgents } from './wire-read.ts';

/**
 * What became of asking.
 *
 * - `done`: the agent is in the state asked for.
 * - `unknown-agent`: the master does not know that id, or only from before it came to lead, when a
 *   drain cannot be seen. Passes by itself while a new leader hears from its agents.
 * - `draining`: an operator's drain holds it; nothing was changed.
 * - `refused`: Mesos says no, 401 and 403 among others; its words are in `why`.
 * - `unreachable`: no answer that can be trusted, so that it may or may not have happened; a conflict, too.
 */
export type SwitchOutcome = Said<SwitchIll | AnyIll>;

type SwitchIll = 'unknown-agent' | 'draining';

/** One agent as the leading master lists it. Agents that are away are in no list. */
export interface AgentState extends AgentSeen {
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * The operator's switch on an agent: one flag for each agent id, without an owner. Whoever uses it keeps
 * a record of its own of what it deactivated, and reactivates nothing else.
 *
 * @see mesos/v1/master/master.proto: DEACTIVATE_AGENT, REACTIVATE_AGENT
 */
export interface MesosOperator {
  /** Takes an agent out of offers and rescinds those that are out. Saying it twice changes nothing. */
  deactivate(agentId: string, signal: AbortSignal): Promise<SwitchOutcome>;
  /**
   * Lets an agent be offered again. Asks first whether an operator drains it: Mesos would answer 200 for
   * a drained agent and forget the drain. Between that answer and the call a drain that ends at once can
   * still be lost; Mesos has no call that tests and sets.
   */
  reactivate(agentId: string, signal: AbortSignal): Promise<SwitchOutcome>;
  /**
   * Every agent that the master lists; one that cannot be read is left out, as the facts watch tells.
   *
   * @throws MesosUnreachable, MesosRefused, BadMesosAnswer; the signal's reason
   */
  agents(signal: AbortSignal): Promise<readonly AgentState[]>;
  /** @throws as agents */
  ability(signal: AbortSignal): Promise<FenceAbility>;
}

export function createMesosOperator(client: MesosClient): MesosOperator {
  return {
    deactivate: (agentId, signal) =>
      outcomeOf(WORDS, signal, () => flip(client, { type: 'DEACTIVATE_AGENT', agentId }, signal)),
    reactivate: (agentId, signal) =>
      outcomeOf(WORDS, signal, () => reactivate(client, agentId, signal)),
    agents: (signal) => listAgents(client, signal),
    ability: async (signal) => abilityOf(await client.call({ type: 'GET_MASTER' }, signal)),
  };
}

const WORDS: Words<SwitchIll> = [
  [400, /not deactivated/i, 'done'],
  // the flag is gone all the same
  [409, /removed while processing/i, 'done'],
  // any other conflict is with something under way, and passes; what is refused is let be for longer
  [409, /(?:)/, 'unreachable'],
  [400, /unknown agent/i, 'unknown-agent'],
  [400, /\bDRAINING\b/, 'draining'],
];

interface Flip {
  readonly type: 'DEACTIVATE_AGENT' | 'REACTIVATE_AGENT';
  readonly agentId: string;
}

async function flip(
  client: MesosClient,
  { type, agentId }: Flip,
  signal: AbortSignal,
): Promise<SwitchOutcome> {
  const body = { agent_id: { value: agentId } };
  const answer = await client.call({ type, [type.toLowerCase()]: body }, signal);
  // Mesos answers with nothing at all; something else answers with something
  return answer === undefined
    ? DONE
    : { outcome: 'unreachable', why: `the answer to ${type} has a body, which Mesos' has not` };
}

async function reactivate(
  client: MesosClient,
  agentId: string,
  signal: AbortSignal,
): Promise<SwitchOutcome> {
  const standing = standingOf(await client.read(oneAgentTarget(agentId), signal), agentId);
  if (standing === 'registered') return flip(client, { type: 'REACTIVATE_AGENT', agentId }, signal);
  const why = BEFORE_REACTIVATING[standing];
  return { outcome: standing === 'draining' ? 'draining' : 'unknown-agent', why };
}

const BEFORE_REACTIVATING = {
  draining: 'an operator drains it',
  recovered: 'it has not registered with the present leader, so that a drain of it would not show',
  unknown: 'the leader does not list it',
} as const;

/** One agent at a time, so that ten thousand of them are never held as JSON. */
async function listAgents(
  client: MesosClient,
  signal: AbortSignal,
): Promise<readonly AgentState[]> {
  const states: AgentState[] = [];
  const adding = (stateOf: (raw: unknown) => AgentState) => (element: Buffer) => {
    const state = readable(() => stateOf(JSON.parse(element.toString('utf8'))));
    if (state) states.push(state);
  };
  const arrays = [
    { path: ['get_agents', 'agents'], visit: adding(registeredState) },
    { path: ['get_agents', 'recovered_agents'], visit: adding(recoveredState) },
  ];
  readAgents(await client.each({ type: 'GET_AGENTS' }, arrays, signal));
  return states;
}

function registeredState(raw: unknown): AgentState {
  const { agent_info: info, active, deactivated, drain_info: drain } = readAgent(raw);
  const flag = deactivated !== undefined && { deactivated };
  return { ...named(info), active, ...flag, draining: drain !== undefined, recovered: false };
}

const recoveredState = (raw: unknown): AgentState => ({
  ...named(readAgentInfo(raw)),
  active: false,
  draining: false,
  recovered: true,
});

type Named = Pick<AgentState, 'agentId' | 'hostname' | 'attributes'>;

function named(info: WireAgentInfo): Named {
  if (info.id === undefined) throw new BadMesosAnswer('GET_AGENTS', 'an agent has no id');
  return { agentId: info.id.value, hostname: info.hostname, attributes: attributesOf(info) };
}

function readable(read: () => AgentState): AgentState | undefined {
  try {
    return read();
  } catch (fault: unknown) {
    if (fault instanceof BadMesosAnswer || fault instanceof SyntaxError) return undefined;
    throw fault;
  }
}
