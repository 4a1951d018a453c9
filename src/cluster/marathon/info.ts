import { type MarathonContext, PLAIN_CONTEXT } from './canonical-context.ts';
import { type JsonObject, numberAt, objectAt, textAt } from './json.ts';

/** What Marathon says of itself. */
export interface Info {
  readonly version: string;
  readonly frameworkId?: string;
  /** host:port */
  readonly leader?: string;
  readonly context: MarathonContext;
}

/** From the answer to GET /v2/info. */
export function infoOf(answer: JsonObject): Info {
  const frameworkId = textAt(answer, 'frameworkId');
  const leader = textAt(answer, 'leader');
  return {
    version: textAt(answer, 'version') ?? '',
    ...(frameworkId !== undefined && { frameworkId }),
    ...(leader !== undefined && { leader }),
    context: contextOf(objectAt(answer, 'marathon_config') ?? {}),
  };
}

/** What Marathon fills in, from `marathon_config` of GET /v2/info. */
function contextOf(config: JsonObject): MarathonContext {
  const name = textAt(config, 'default_network_name');
  const { bridgeName, servicePorts } = PLAIN_CONTEXT;
  return {
    ...(name !== undefined && name !== '' && { defaultNetworkName: name }),
    bridgeName: textAt(config, 'mesos_bridge_name') ?? bridgeName,
    servicePorts: {
      from: numberAt(config, 'local_port_min') ?? servicePorts.from,
      to: numberAt(config, 'local_port_max') ?? servicePorts.to,
    },
  };
}
