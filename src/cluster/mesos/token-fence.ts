import type { MesosClient } from './client.ts';
import { oneAgentTarget, standingOf } from './one-agent.ts';
import { type AnyIll, DONE, outcomeOf, type Said, type Words } from './outcome.ts';
import { minAllocatable, type TokenOnAgent, type TokenPart, tokensIn } from './token-wire.ts';

/**
 * The fence for a Mesos that cannot deactivate safely (1.7 to 1.9). Every agent has one resource that no
 * framework uses, and the master's `--min_allocatable_resources` asks for it: an agent whose token is
 * reserved for a role of ours is not offered to anybody else.
 */
export interface TokenFence {
  /**
   * Takes the token of an agent, with words for whoever finds it. Saying it twice changes nothing.
   * `busy`: it is on offer, or an earlier call is still under way; ask again.
   */
  reserve(
    agentId: string,
    labels: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<TokenOutcome>;
  /** Gives back what is ours, exactly as it was reserved; another owner's stays. */
  unreserve(agentId: string, signal: AbortSignal): Promise<TokenOutcome>;
  /**
   * The agents that have the token, and who holds it.
   *
   * @throws MesosUnreachable, MesosRefused, BadMesosAnswer; the signal's reason
   */
  tokens(signal: AbortSignal): Promise<readonly TokenState[]>;
  /** Whether the master is started so that the token works, and what is wrong if not. @throws as tokens */
  inForce(signal: AbortSignal): Promise<{ readonly works: boolean; readonly why: string }>;
}

export type TokenOutcome = Said<TokenIll | AnyIll>;

type TokenIll = 'unknown-agent' | 'busy';

const WORDS: Words<TokenIll> = [
  [400, /no agent found|unknown agent/i, 'unknown-agent'],
  [409, /(?:)/, 'busy'],
];

export interface Token {
  /** Name of the resource: a scalar that every agent has. */
  readonly resource: string;
  /** Role that no framework has. */
  readonly role: string;
  /** Who reserves, as Mesos knows the credentials; required where Mesos asks for credentials. */
  readonly principal?: string;
  /** Written into each reservation, so that only what is ours is given back. */
  readonly owner: string;
}

export interface TokenState {
  readonly agentId: string;
  readonly hostname: string;
  /** All of it is reserved by us. */
  readonly ours: boolean;
  /** What the reservation of ours says; empty without one. */
  readonly labels: Readonly<Record<string, string>>;
}

const OWNER = 'owner';

export function createTokenFence(client: MesosClient, token: Token): TokenFence {
  const hand = new Hand(client, token);
  return {
    reserve: (agentId, labels, signal) =>
      outcomeOf(WORDS, signal, () => hand.reserve(agentId, labels, signal)),
    unreserve: (agentId, signal) => outcomeOf(WORDS, signal, () => hand.unreserve(agentId, signal)),
    tokens: async (signal) =>
      tokensIn(await client.read('/slaves', signal), token.resource).map((one) =>
        stateOf(one, token),
      ),
    inForce: async (signal) =>
      inForce(minAllocatable(await client.call({ type: 'GET_FLAGS' }, signal)), token.resource),
  };
}

const isOurs = ({ role, owner }: Token, part: TokenPart): boolean =>
  part.role === role && part.labels[OWNER] === owner;

function stateOf({ agentId, hostname, parts }: TokenOnAgent, token: Token): TokenState {
  const mine = parts.filter((part) => isOurs(token, part));
  const ours = mine.length > 0 && parts.every(({ role }) => role !== '*');
  return { agentId, hostname, ours, labels: mine[0]?.labels ?? {} };
}

function inForce(
  sets: readonly ReadonlySet<string>[] | undefined,
  token: string,
): { works: boolean; why: string } {
  if (!sets) return { works: false, why: 'the master has no --min_allocatable_resources' };
  return sets.every((one) => one.has(token))
    ? { works: true, why: `the master offers no agent whose "${token}" is taken` }
    : {
        works: false,
        why: `a set of --min_allocatable_resources lacks "${token}": an agent is offered without it`,
      };
}

class Hand {
  readonly #client: MesosClient;
  readonly #token: Token;

  constructor(client: MesosClient, token: Token) {
    this.#client = client;
    this.#token = token;
  }

  async reserve(
    agentId: string,
    labels: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<TokenOutcome> {
    const parts = await this.#partsOn(agentId, signal);
    if (!('length' in parts)) return parts;
    const free = parts.filter(({ role }) => role === '*').reduce((sum, one) => sum + one.amount, 0);
    if (free > 0) {
      const { role, principal, owner } = this.#token;
      const part = { role, labels: { ...labels, [OWNER]: owner }, amount: free };
      const whole = { ...part, ...(principal !== undefined && { principal }) };
      return this.#ask('RESERVE_RESOURCES', { agentId, part: whole }, signal);
    }
    if (parts.some((part) => isOurs(this.#token, part))) return DONE;
    const { resource } = this.#token;
    const why =
      parts.length > 0 ? `somebody else holds its "${resource}"` : `it has no "${resource}"`;
    return { outcome: 'refused', why };
  }

  async unreserve(agentId: string, signal: AbortSignal): Promise<TokenOutcome> {
    const parts = await this.#partsOn(agentId, signal);
    if (!('length' in parts)) return parts;
    for (const part of parts.filter((one) => isOurs(this.#token, one))) {
      const said = await this.#ask('UNRESERVE_RESOURCES', { agentId, part }, signal);
      if (said.outcome !== 'done') return said;
    }
    return DONE;
  }

  /** The agent's parts of the token, or why they cannot be told. */
  async #partsOn(
    agentId: string,
    signal: AbortSignal,
  ): Promise<readonly TokenPart[] | TokenOutcome> {
    const answer = await this.#client.read(oneAgentTarget(agentId), signal);
    const standing = standingOf(answer, agentId);
    if (standing === 'unknown' || standing === 'recovered')
      return { outcome: 'unknown-agent', why: 'it has not registered with the present leader' };
    const found = tokensIn(answer, this.#token.resource).find((one) => one.agentId === agentId);
    return found?.parts ?? [];
  }

  async #ask(
    type: 'RESERVE_RESOURCES' | 'UNRESERVE_RESOURCES',
    { agentId, part }: { readonly agentId: string; readonly part: TokenPart },
    signal: AbortSignal,
  ): Promise<TokenOutcome> {
    const resources = [this.#resourceOf(part)];
    const body = { agent_id: { value: agentId }, resources };
    await this.#client.call({ type, [type.toLowerCase()]: body }, signal);
    return DONE;
  }

  #resourceOf({ role, principal, labels, amount }: TokenPart): object {
    const reservation = {
      type: 'DYNAMIC',
      role,
      ...(principal !== undefined && { principal }),
      labels: { labels: Object.entries(labels).map(([key, value]) => ({ key, value })) },
    };
    return {
      name: this.#token.resource,
      type: 'SCALAR',
      scalar: { value: amount },
      reservations: [reservation],
    };
  }
}
