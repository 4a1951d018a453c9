import { createMesosClient } from '../cluster/mesos/client.ts';
import { createMesosOperator } from '../cluster/mesos/operator.ts';
import type { GateSettings } from '../config/gate.ts';
import type { RegisteredAgent } from '../agent/attributes-apply.ts';
import { authorizationFrom } from './marathon.ts';

/** Asks the masters of the settings about one node's agent. */
export interface AgentAtMaster {
  registered(signal: AbortSignal): Promise<RegisteredAgent | undefined>;
  close(): void;
}

const WITHIN_MS = 5_000;

/** Undefined when no master is configured. */
export function agentAtMaster(gate: GateSettings, node: string): AgentAtMaster | undefined {
  if (gate.mesos.length === 0) return undefined;
  const authorization = authorizationFrom(gate.auth);
  const client = createMesosClient({
    masters: gate.mesos,
    withinMs: WITHIN_MS,
    ...(authorization && { authorization }),
  });
  const operator = createMesosOperator(client);
  return {
    registered: async (signal) => {
      const all = await operator.agents(signal);
      const own = all.filter(({ hostname, recovered }) => hostname === node && !recovered);
      // of two on one host the one that gets offers is the node
      const found = own.find(({ active }) => active) ?? own[0];
      return found && { id: found.agentId, attributes: found.attributes, offered: found.active };
    },
    close: () => client.close(),
  };
}
