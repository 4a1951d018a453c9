import { createMesosOperator } from '../cluster/mesos/operator.ts';
import type { GateSettings } from '../config/gate.ts';
import type { RegisteredAgent } from '../agent/attributes-apply.ts';
import { openMesos } from './facts.ts';

/** Asks the masters of the settings about one node's agent. */
export interface AgentAtMaster {
  registered(signal: AbortSignal): Promise<RegisteredAgent | undefined>;
  close(): void;
}

/** Undefined when no master is configured. */
export function agentAtMaster(gate: GateSettings, node: string): AgentAtMaster | undefined {
  const client = openMesos(gate.mesos, gate);
  if (!client) return undefined;
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
