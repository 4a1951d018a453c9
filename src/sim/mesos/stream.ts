import type { ServerResponse } from 'node:http';
import type { JsonObject } from '../json.ts';
import type { World } from '../world.ts';
import { agent, getState, status, tasks } from './v1.ts';

const HEARTBEAT_S = 15;

/** One RecordIO record: the length in bytes, a line feed, the record. */
export const record = (value: JsonObject): Buffer => {
  const body = Buffer.from(JSON.stringify(value));
  return Buffer.concat([Buffer.from(`${body.length}\n`), body]);
};

/** Answers SUBSCRIBE: the state, a heartbeat, then every event until the client leaves. */
export const subscribe = (world: World, response: ServerResponse): (() => void) => {
  const send = (value: JsonObject): void => void response.write(record(value));
  const heartbeat = (): void => send({ type: 'HEARTBEAT' });
  response.writeHead(200, { 'Content-Type': 'application/json' });
  const ignore = world.fleet.watch({
    returned: (node) => send({ type: 'AGENT_ADDED', agent_added: { agent: agent(world, node) } }),
    removed: (_node, agentId) =>
      send({ type: 'AGENT_REMOVED', agent_removed: { agent_id: { value: agentId } } }),
    launched: (container) => {
      for (const task of tasks(world, container))
        send({ type: 'TASK_ADDED', task_added: { task } });
    },
    updated: (container, one) => {
      for (const task of container.order.taskIds)
        send({
          type: 'TASK_UPDATED',
          task_updated: {
            framework_id: { value: world.frameworkId },
            status: status(container, one, task),
            state: one.state,
          },
        });
    },
  });
  send({
    type: 'SUBSCRIBED',
    subscribed: { get_state: getState(world), heartbeat_interval_seconds: HEARTBEAT_S },
  });
  heartbeat();
  const rest = world.agenda.every(HEARTBEAT_S * 1000, heartbeat);
  response.once('close', () => {
    ignore();
    rest();
  });
  return () => {
    ignore();
    rest();
    response.end();
  };
};
