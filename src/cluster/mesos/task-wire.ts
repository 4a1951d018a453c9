import Joi from 'joi';
import { type RateNames, ratesOf } from '../../core/container-rates.ts';
import { BadMesosAnswer } from '../errors.ts';

/** A task as the master tells of it, in our words. */
export interface TaskSeen {
  readonly taskId: string;
  readonly frameworkId: string;
  readonly agentId: string;
  /** TASK_STAGING, TASK_RUNNING… */
  readonly state: string;
  /** Named networks that its container joins. */
  readonly networks: readonly string[];
  /** What it asks for where Mesos shows it: labels of its networks, seldom its environment. */
  readonly netInKbit?: number;
  readonly netOutKbit?: number;
  /** When it was first heard of by its agent, ms since the epoch. Absent before. */
  readonly heardMs?: number;
}

interface Pair {
  readonly key?: string;
  readonly name?: string;
  readonly value?: string;
}

interface Value {
  readonly value: string;
}

interface WireTask {
  readonly task_id: Value;
  readonly framework_id: Value;
  readonly agent_id: Value;
  readonly state: string;
  readonly statuses?: readonly { readonly timestamp?: number }[];
  readonly container?: {
    readonly network_infos?: readonly {
      readonly name?: string;
      readonly labels?: { readonly labels?: readonly Pair[] };
    }[];
  };
  readonly command?: { readonly environment?: { readonly variables?: readonly Pair[] } };
}

const open = Joi.object().unknown();
const text = Joi.string().allow('');
const id = open.keys({ value: Joi.string().required() });
const label = open.keys({ key: text, value: text });
const network = open.keys({
  name: text,
  labels: open.keys({ labels: Joi.array().items(label) }),
});
const taskSchema = open.keys({
  task_id: id.required(),
  framework_id: id.required(),
  agent_id: id.required(),
  state: Joi.string().required(),
  statuses: Joi.array().items(open.keys({ timestamp: Joi.number() })),
  container: open.keys({ network_infos: Joi.array().items(network) }),
  command: open.keys({
    environment: open.keys({
      variables: Joi.array().items(open.keys({ name: text, value: text })),
    }),
  }),
});

/**
 * One task of GET_TASKS, TASK_ADDED or a snapshot.
 *
 * @throws BadMesosAnswer
 */
export function readTask(raw: unknown, names: RateNames): TaskSeen {
  const { error } = taskSchema.validate(raw, { convert: false });
  if (error) throw new BadMesosAnswer('a task', error.message);
  const task = raw as WireTask;
  const infos = task.container?.network_infos ?? [];
  const { netInKbit, netOutKbit } = ratesOf(wordsOf(task), names);
  const [first] = task.statuses ?? [];
  return {
    taskId: task.task_id.value,
    frameworkId: task.framework_id.value,
    agentId: task.agent_id.value,
    state: task.state,
    networks: infos.flatMap(({ name }) => (name === undefined || name === '' ? [] : [name])),
    ...(netInKbit !== undefined && { netInKbit }),
    ...(netOutKbit !== undefined && { netOutKbit }),
    ...(first?.timestamp !== undefined && { heardMs: Math.round(first.timestamp * 1000) }),
  };
}

/** The environment wins over a label, as at the node. */
function wordsOf({ container, command }: WireTask): ReadonlyMap<string, string> {
  const labels = (container?.network_infos ?? []).flatMap(({ labels: own }) => own?.labels ?? []);
  const variables = command?.environment?.variables ?? [];
  const pairs = [...labels, ...variables].map(
    ({ key, name, value }) => [key ?? name ?? '', value ?? ''] as const,
  );
  return new Map(pairs);
}

const PENDING: ReadonlySet<string> = new Set(['TASK_STAGING', 'TASK_STARTING']);

/** Launched, and not yet seen to run: it may still ask for its address. */
export const isPending = (state: string): boolean => PENDING.has(state);
