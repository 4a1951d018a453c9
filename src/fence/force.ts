import type { FenceAbility } from '../cluster/mesos/ability.ts';
import type { MesosOperator } from '../cluster/mesos/operator.ts';
import type { TokenFence } from '../cluster/mesos/token-fence.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { FenceForce, FenceMeans, Switched } from './means.ts';

export interface ForceDeps {
  readonly operator: MesosOperator;
  /** Opt-in, for Mesos 1.7 to 1.9. */
  readonly token?: TokenFence;
  readonly clock: Clock;
}

/** How long what a Mesos can do is believed, ms: another master may be another version. */
const BELIEVED_MS = 60_000;

/** Finds out which fence is in force, and asks again once a minute. @throws what the Mesos client throws */
export function watchForce(deps: ForceDeps): (signal: AbortSignal) => Promise<FenceForce> {
  let known: { readonly force: FenceForce; readonly atMs: number } | undefined;
  return async (signal) => {
    const nowMs = deps.clock.now();
    if (known && Math.abs(nowMs - known.atMs) < BELIEVED_MS) return known.force;
    const force = await forceOf(deps, signal);
    known = { force, atMs: nowMs };
    return force;
  };
}

/** Which fence this Mesos can carry, with the settings there are. @throws what the Mesos client throws */
export async function forceOf(
  { operator, token }: Omit<ForceDeps, 'clock'>,
  signal: AbortSignal,
): Promise<FenceForce> {
  const ability = await operator.ability(signal);
  const flag = byFlag(operator);
  if (ability.fence === 'deactivate')
    return { ability, means: flag, isAble: true, why: ability.why };
  if (ability.fence === 'token' && token) return byTokenForce(ability, { operator, token }, signal);
  return { ability, means: flag, isAble: false, why: whyNone(ability) };
}

const whyNone = ({ fence, why }: FenceAbility): string =>
  fence === 'token'
    ? `${why}; fence.token names no token resource, so that only constraints keep launches away`
    : `${why}, so that only constraints keep launches away`;

async function byTokenForce(
  ability: FenceAbility,
  { operator, token }: { readonly operator: MesosOperator; readonly token: TokenFence },
  signal: AbortSignal,
): Promise<FenceForce> {
  const { works, why } = await token.inForce(signal);
  const means = byToken(operator, token);
  const lacking = works ? await whoLacks({ operator, token }, signal) : '';
  return { ability, means, isAble: works, why: `${ability.why}; ${why}${lacking}` };
}

/** A master that asks for the token offers nobody an agent that never had one. */
async function whoLacks(
  { operator, token }: { readonly operator: MesosOperator; readonly token: TokenFence },
  signal: AbortSignal,
): Promise<string> {
  const [agents, tokens] = await Promise.all([operator.agents(signal), token.tokens(signal)]);
  const has = new Set(tokens.map(({ agentId }) => agentId));
  const lacking = agents.filter(({ agentId, recovered }) => !recovered && !has.has(agentId));
  const [first] = lacking;
  if (!first) return '';
  return `; ${lacking.length} of ${agents.length} agents have none and are offered to nobody, such as ${first.hostname}`;
}

const byFlag = (operator: MesosOperator): FenceMeans => ({
  by: 'deactivate',
  agents: (signal) => operator.agents(signal),
  close: (agentId, signal) => operator.deactivate(agentId, signal),
  open: (agentId, signal) => operator.reactivate(agentId, signal),
});

/**
 * Mesos answers 202 and carries reservations out by itself, so that only a later look tells: until then
 * the record stays at what was asked. Agents without the token cannot be fenced and are left out.
 */
const byToken = (operator: MesosOperator, token: TokenFence): FenceMeans => ({
  by: 'token',
  agents: async (signal) => {
    const [agents, tokens] = await Promise.all([operator.agents(signal), token.tokens(signal)]);
    const ours = new Map(tokens.map((one) => [one.agentId, one.ours]));
    return agents
      .filter(({ agentId, recovered }) => recovered || ours.has(agentId))
      .map((agent) => ({ ...agent, deactivated: ours.get(agent.agentId) ?? false }));
  },
  close: async (agentId, signal) =>
    pending(await token.reserve(agentId, { reason: 'no room on its networks' }, signal)),
  open: async (agentId, signal) => pending(await token.unreserve(agentId, signal)),
});

function pending(said: Awaited<ReturnType<TokenFence['reserve']>>): Switched {
  if (said.outcome === 'done') return { outcome: 'pending', why: 'Mesos took it on' };
  const { outcome, why } = said;
  return { outcome: outcome === 'busy' ? 'pending' : outcome, why };
}
