import Joi from 'joi';
import { agentAttributesSchema, type AgentAttributesSettings } from './agent-attributes.ts';
import { agentMesosSchema, type AgentMesosSettings } from './agent-mesos.ts';
import { agentShapeSchema, type AgentShapeSettings } from './agent-shape.ts';
import { count, milliseconds, text } from './kinds.ts';

export interface AgentSettings {
  /** Absent: the machine's host name. */
  readonly node?: string;
  readonly plugin: string;
  readonly pluginDirectory: string;
  readonly docker: { readonly socket: string };
  readonly stateDirectory: string;
  readonly socket: string;
  readonly answerWithinMs: number;
  readonly coolDownMs: number;
  readonly pressedCoolDownMs: number;
  readonly spare: number;
  readonly probe: 'off' | 'on';
  readonly reconcileEveryMs: number;
  readonly heartbeatTtlMs: number;
  readonly nice: number;
  readonly appFrom: string[];
  readonly taskFrom: string[];
  readonly shape: AgentShapeSettings;
  readonly attributes: AgentAttributesSettings;
  readonly mesos: AgentMesosSettings;
}

/** Longest path of a unix socket, bytes. */
const SOCKET_PATH = 107;

const factsFrom = (...names: readonly string[]): Joi.ArraySchema<string[]> =>
  Joi.array<string[]>()
    .items(text().pattern(/^(env|label):[^=\s]+$/))
    .default(names);

export const agentSchema = Joi.object<AgentSettings, true>({
  node: Joi.string()
    .pattern(/^[a-z0-9][a-z0-9_.-]*$/)
    .max(253)
    .description('name of this node in the ledger; its host name when left out'),
  plugin: Joi.string()
    .pattern(/^[a-z0-9][a-z0-9_-]*$/)
    .max(32)
    .default('corral')
    .description('name by which Docker knows the IPAM driver'),
  pluginDirectory: text()
    .max(SOCKET_PATH - 40)
    .default('/run/docker/plugins')
    .description('where Docker looks for the sockets of plugins'),
  docker: Joi.object({
    socket: text()
      .max(SOCKET_PATH)
      .default('/var/run/docker.sock')
      .description("Docker's own socket"),
  }).default(),
  stateDirectory: text()
    .default('data/agent')
    .description('where the agent keeps what a restart must not forget'),
  socket: text()
    .max(SOCKET_PATH)
    .default('data/agent.sock')
    .description('unix socket of the agent itself: /ready, /metrics and what commands ask'),
  answerWithinMs: milliseconds({ from: 100, to: 15_000, otherwise: 2_800 }).description(
    'longest that Docker waits for an address; it has no time-out of its own',
  ),
  coolDownMs: milliseconds({ from: 0, to: 3_600_000, otherwise: 60_000 }).description(
    'how long a released address rests before anyone gets it again',
  ),
  pressedCoolDownMs: milliseconds({ from: 0, to: 3_600_000, otherwise: 16_000 }).description(
    'the same when nothing else is left; above the 15 s for which Docker repeats a release',
  ),
  spare: count({ from: 0, to: 64, otherwise: 2 }, 'addresses per pool').description(
    'addresses kept at hand, to answer at once and while the ledger is away',
  ),
  probe: Joi.string()
    .valid('off', 'on')
    .default('off')
    .description('ask by ARP whether anybody has an address before it is handed out'),
  reconcileEveryMs: milliseconds({ from: 1_000, to: 3_600_000, otherwise: 60_000 }).description(
    'pause between two comparisons of what runs with what the ledger says',
  ),
  heartbeatTtlMs: milliseconds({ from: 1_000, to: 600_000, otherwise: 15_000 }).description(
    'how long after its last sign of life a node counts as gone',
  ),
  nice: count({ from: -20, to: 19, otherwise: -10 }, 'nice level').description(
    'priority of the agent and its programs: below 0 they come before the containers they limit',
  ),
  appFrom: factsFrom('env:MARATHON_APP_ID').description(
    'where a container says which app it is of, env:NAME or label:NAME; the first one that is there',
  ),
  taskFrom: factsFrom('env:MESOS_TASK_ID', 'label:MESOS_TASK_ID').description(
    'where a container says which task it is, in the same way',
  ),
  shape: agentShapeSchema.default(),
  attributes: agentAttributesSchema.default(),
  mesos: agentMesosSchema.default(),
});
