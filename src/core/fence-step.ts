import type { AgentSeen, FenceAction, FenceSteps, Foreign, StepInput } from './fence-action.ts';
import type { FenceRecord } from './fence-record.ts';

export const MINUTE_MS = 60_000;
/** How long a call that was under way when its caller was cut off may still arrive. */
export const CALL_LINGERS_MS = 15_000;
/** So often within `UNDONE_WITHIN_MS` is done again what somebody undoes. */
export const MOST_AGAIN = 3;
export const UNDONE_WITHIN_MS = 10 * MINUTE_MS;
/** How long a node is left alone after that. */
export const YIELDED_FOR_MS = 10 * MINUTE_MS;
/** Mesos forgets an agent that stays away for so long, and its flag with it (registry_max_agent_age). */
export const AWAY_FOR_MS = 14 * 24 * 60 * MINUTE_MS;

/** Of several agents on one host the one that is offered, else one that registered, is the node's. */
export function agentsByNode(agents: Iterable<AgentSeen>): Map<string, AgentSeen> {
  const rank = ({ active, recovered }: AgentSeen): number => (active ? 2 : recovered ? 0 : 1);
  const chosen = new Map<string, AgentSeen>();
  for (const agent of agents) {
    const rival = chosen.get(agent.hostname);
    if (!rival || rank(agent) > rank(rival)) chosen.set(agent.hostname, agent);
  }
  return chosen;
}

/**
 * From what is wanted, what Mesos shows and what our records say to what is to be done. Level-triggered:
 * nothing rests on having seen a change, so that whatever a dead or a paused leader left behind is put
 * right by whoever looks next.
 *
 * Held by properties in test/core/fence-step.test.ts:
 * 1. an agent is opened only if our own record names it, and never while it drains;
 * 2. a node with an order, and an agent that somebody else deactivated, are not switched;
 * 3. once its actions are carried out, asking again gives none.
 */
export function stepFence(input: StepInput): FenceSteps {
  const foreign: Foreign[] = [];
  const actions: FenceAction[] = [];
  let held = 0;
  const names = new Set([...input.wants.keys(), ...input.records.keys(), ...input.orders.keys()]);
  for (const node of names) {
    const found = decide(input, node);
    if (found === undefined) continue;
    if ('says' in found) foreign.push({ node, says: found.says });
    else if (found.do === 'open' && isFlipping(found.record, input)) held++;
    else actions.push(found);
  }
  actions.sort((one, other) => urgency(one, input) - urgency(other, input) || byName(one, other));
  const free = actions.filter(isFree);
  const switches = actions.filter((action) => !isFree(action));
  const now = switches.slice(0, input.rules.atOnce);
  return {
    actions: [...free, ...now],
    waiting: held + switches.length - now.length,
    foreign: foreign.sort((one, other) => (one.node < other.node ? -1 : 1)),
  };
}

const byName = (one: FenceAction, other: FenceAction): number => (one.node < other.node ? -1 : 1);

/** Costs the ledger one write and Mesos nothing. */
const isFree = (action: FenceAction): boolean => action.do !== 'close' && action.do !== 'open';

/** Empty nodes first, then those that launches wait for, then the rest. */
function urgency(action: FenceAction, { wants }: StepInput): number {
  if (action.do === 'close') return action.want.figures.addresses === 0 ? 0 : 1;
  if (action.do === 'open') return wants.get(action.node)?.isDemanded ? 0.5 : 2;
  return 3;
}

/** Recent entries of a history; those of a clock that was ahead do not count. */
export const within = (times: readonly number[], nowMs: number, spanMs: number): number[] =>
  times.filter((at) => at > nowMs - spanMs && at <= nowMs);

const isFlipping = ({ flips }: FenceRecord, { rules, nowMs }: StepInput): boolean =>
  within(flips, nowMs, MINUTE_MS).length >= rules.flipsPerMinute;

type Found = FenceAction | { readonly says: string };

function decide(input: StepInput, node: string): Found | undefined {
  const record = input.records.get(node);
  const order = input.orders.get(node);
  const agent = input.agents.get(node);
  if (order)
    return record
      ? forget(node, record, `${order.who} said to leave it alone`)
      : { says: `left alone: ${order.who} said so` };
  if (record?.mode === 'watch') return watched(input, { node, record, agent });
  if (agent)
    return record ? recorded(input, { node, record, agent }) : unowned(input, { node, agent });
  const isGone = record !== undefined && input.nowMs - record.sinceMs > AWAY_FOR_MS;
  return isGone ? forget(node, record, 'away for so long that Mesos forgot it') : undefined;
}

/** An agent that a new master has not heard of yet shows no flags: whatever it had is waited for. */
function recorded(input: StepInput, place: Owned): Found | undefined {
  const { node, record, agent } = place;
  if (agent.recovered) return undefined;
  if (record.agentId !== agent.agentId) return moved(input, place);
  if (agent.draining) return forget(node, record, 'an operator drains it');
  const isClosed = input.rules.mode === 'on' && (input.wants.get(node)?.closed ?? false);
  return isClosed ? kept(input, place) : given(input, place);
}

const forget = (node: string, record: FenceRecord, why: string): FenceAction => ({
  ...{ do: 'forget', node, record, why },
});

interface Place {
  readonly node: string;
  readonly agent: AgentSeen;
}
type Owned = Place & { readonly record: FenceRecord };

function unowned(input: StepInput, { node, agent }: Place): Found | undefined {
  const want = input.wants.get(node);
  if (agent.recovered) return undefined;
  if (agent.draining) return { says: 'an operator drains it' };
  if (agent.deactivated) return { says: 'deactivated by somebody else' };
  if (!want?.closed || input.rules.mode === 'off') return undefined;
  const action = { node, agentId: agent.agentId, want, isAgain: false };
  if (input.rules.mode === 'watch') return { do: 'note', ...action };
  // an agent that is away is offered nothing, and what it had left may be another figure once it is back
  if (!agent.active) return undefined;
  return input.rules.isAble ? { do: 'close', ...action } : { says: `no fence: ${want.why}` };
}

/** The host has another agent now: the flag of the former one is gone with it, or is nobody's concern. */
function moved(input: StepInput, { node, record, agent }: Owned): Found {
  const want = input.wants.get(node);
  const mayClose = isOn(input) && want?.closed && agent.active && !agent.draining;
  if (!mayClose || agent.deactivated) return forget(node, record, 'its agent has a new id');
  return { do: 'close', node, agentId: agent.agentId, want, record, isAgain: false };
}

const isOn = ({ rules }: StepInput): boolean => rules.mode === 'on' && rules.isAble;

/** What was only noted. */
function watched(
  input: StepInput,
  { node, record, agent }: Omit<Owned, 'agent'> & { readonly agent: AgentSeen | undefined },
): Found | undefined {
  const { wants, rules } = input;
  const want = wants.get(node);
  if (!want?.closed || rules.mode === 'off') return forget(node, record, 'it has room');
  if (rules.mode === 'watch' || !agent) return undefined;
  const place = { node, agent };
  const found = unowned(input, place);
  return found && 'do' in found && found.do === 'close' ? { ...found, record } : found;
}

/** Ours, and to be out of offers. */
function kept(input: StepInput, { node, record, agent }: Owned): Found | undefined {
  const { nowMs } = input;
  if (record.state === 'yielded') return yielding(input, { node, record });
  if (agent.deactivated)
    return record.state === 'closed'
      ? undefined
      : { do: 'settle', node, record, to: 'closed', why: record.why };
  if (!agent.active || !input.rules.isAble) return undefined;
  const want = input.wants.get(node);
  if (!want) return undefined;
  const isAgain = record.state === 'closed';
  if (isAgain && within(record.undone, nowMs, UNDONE_WITHIN_MS).length >= MOST_AGAIN) {
    const why = `somebody reactivated it ${MOST_AGAIN + 1} times: left alone for ten minutes`;
    return { do: 'settle', node, record, to: 'yielded', why };
  }
  return { do: 'close', node, agentId: agent.agentId, want, record, isAgain };
}

const yielding = ({ nowMs }: StepInput, { node, record }: Omit<Owned, 'agent'>): Found => {
  const isOver = nowMs - record.sinceMs >= YIELDED_FOR_MS || nowMs < record.sinceMs;
  return isOver ? forget(node, record, 'it was left alone long enough') : { says: record.why };
};

/** Ours, and to be offered again. */
function given(input: StepInput, { node, record, agent }: Owned): Found | undefined {
  if (record.state === 'yielded') return forget(node, record, 'it has room');
  if (agent.deactivated)
    return input.rules.isAble
      ? { do: 'open', node, record }
      : { says: 'no fence: it stays closed' };
  if (!agent.active) return undefined;
  const age = Math.abs(input.nowMs - record.sinceMs);
  if (record.state === 'closing' && age < CALL_LINGERS_MS) return undefined;
  const why = record.state === 'closed' ? 'somebody else reactivated it' : 'it is offered again';
  return forget(node, record, why);
}
