import Joi from 'joi';
import type { RateNames } from '../../core/container-rates.ts';
import { BadMesosAnswer } from '../errors.ts';
import { readTask, type TaskSeen } from './task-wire.ts';

/** Who an agent id belongs to. */
export interface AgentSeen {
  readonly agentId: string;
  readonly hostname: string;
}

/** What the stream of SUBSCRIBE tells of, as far as we use it. */
export type MesosEvent =
  /** The stream begins, the first time or again: all that was known before is to be replaced. */
  | {
      readonly type: 'SUBSCRIBED';
      /** Those that do not run yet; the others are not told. */
      readonly tasks: readonly TaskSeen[];
      readonly agents: readonly AgentSeen[];
      readonly heartbeatMs: number;
    }
  /** A launch; or one that runs already, when its agent registers again. */
  | { readonly type: 'TASK_ADDED'; readonly task: TaskSeen }
  | {
      readonly type: 'TASK_UPDATED';
      readonly frameworkId: string;
      readonly taskId: string;
      readonly state: string;
    }
  | { readonly type: 'AGENT_ADDED'; readonly agent: AgentSeen }
  /** Not told of agents that became unreachable or are gone. */
  | { readonly type: 'AGENT_REMOVED'; readonly agentId: string }
  | { readonly type: 'HEARTBEAT' }
  /** The stream broke. Until the next SUBSCRIBED nothing is known to be current. */
  | { readonly type: 'LOST'; readonly why: string };

interface Value {
  readonly value: string;
}

interface WireEvent {
  readonly type: string;
  readonly subscribed?: { readonly heartbeat_interval_seconds?: number };
  readonly task_added?: { readonly task: unknown };
  readonly task_updated?: {
    readonly framework_id: Value;
    readonly state: string;
    readonly status: { readonly task_id: Value };
  };
  readonly agent_added?: { readonly agent: { readonly agent_info: unknown } };
  readonly agent_removed?: { readonly agent_id: Value };
}

const open = Joi.object().unknown();
const id = open.keys({ value: Joi.string().required() });
const eventSchema = open.keys({
  type: Joi.string().required(),
  subscribed: open.keys({ heartbeat_interval_seconds: Joi.number() }),
  task_added: open.keys({ task: Joi.required() }),
  task_updated: open.keys({
    framework_id: id.required(),
    state: Joi.string().required(),
    status: open.keys({ task_id: id.required() }).required(),
  }),
  agent_added: open.keys({ agent: open.keys({ agent_info: Joi.required() }).required() }),
  agent_removed: open.keys({ agent_id: id.required() }),
});
const agentSchema = open.keys({ id: id.required(), hostname: Joi.string().required() });

const NAME = 'an event';
const DEFAULT_HEARTBEAT_S = 15;
const LONGEST_HEARTBEAT_S = 300;

/** An agent_info. @throws BadMesosAnswer */
export function readAgentSeen(raw: unknown): AgentSeen {
  const { error } = agentSchema.validate(raw, { convert: false });
  if (error) throw new BadMesosAnswer('an agent', error.message);
  const { id: agentId, hostname } = raw as { id: Value; hostname: string };
  return { agentId: agentId.value, hostname };
}

/**
 * One record of the stream, its snapshot apart. Undefined for what we do not use.
 *
 * @throws BadMesosAnswer
 */
export function readEvent(raw: unknown, names: RateNames): MesosEvent | undefined {
  const { error } = eventSchema.validate(raw, { convert: false });
  if (error) throw new BadMesosAnswer(NAME, error.message);
  const event = raw as WireEvent;
  return Object.hasOwn(READERS, event.type) ? READERS[event.type]?.(event, names) : undefined;
}

const READERS: Readonly<Record<string, (event: WireEvent, names: RateNames) => MesosEvent>> = {
  SUBSCRIBED: ({ subscribed }) => {
    const seconds = subscribed?.heartbeat_interval_seconds ?? DEFAULT_HEARTBEAT_S;
    const heartbeatMs = Math.min(Math.max(seconds, 1), LONGEST_HEARTBEAT_S) * 1000;
    return { type: 'SUBSCRIBED', tasks: [], agents: [], heartbeatMs };
  },
  TASK_ADDED: ({ task_added: added }, names) => ({
    type: 'TASK_ADDED',
    task: readTask(needed(added).task, names),
  }),
  TASK_UPDATED: ({ task_updated: updated }) => {
    const { framework_id: framework, state, status } = needed(updated);
    const taskId = status.task_id.value;
    return { type: 'TASK_UPDATED', frameworkId: framework.value, taskId, state };
  },
  AGENT_ADDED: ({ agent_added: added }) => ({
    type: 'AGENT_ADDED',
    agent: readAgentSeen(needed(added).agent.agent_info),
  }),
  AGENT_REMOVED: ({ agent_removed: removed }) => ({
    type: 'AGENT_REMOVED',
    agentId: needed(removed).agent_id.value,
  }),
  HEARTBEAT: () => ({ type: 'HEARTBEAT' }),
};

function needed<T>(part: T | undefined): T {
  if (part === undefined) throw new BadMesosAnswer(NAME, 'it lacks the part that its type names');
  return part;
}
