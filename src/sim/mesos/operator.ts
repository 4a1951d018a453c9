import { type JsonObject, objectOf, textOf } from '../json.ts';
import type { World } from '../world.ts';
import type { Trouble } from './master.ts';
import { type Reply, reply } from './reply.ts';
import { reserveCall } from './reserve.ts';
import { canSwitch } from './traits.ts';

/** A call that changes what is offered. */
export interface SwitchCall {
  readonly world: World;
  readonly type: string;
  readonly body: JsonObject;
  readonly principal: string | undefined;
}

/** `cut`: the connection ends without an answer. */
export type Switched = Reply | 'cut';

const SWITCHES: Readonly<Record<string, (call: SwitchCall) => Reply>> = {
  DEACTIVATE_AGENT: ({ world, body }) => world.master.deactivate(agentIn(body)),
  REACTIVATE_AGENT: ({ world, body }) => world.master.reactivate(agentIn(body)),
  DRAIN_AGENT: ({ world, body }) => world.master.drain(agentIn(body)),
  RESERVE_RESOURCES: (call) => reserveCall({ ...call, type: 'RESERVE_RESOURCES' }),
  UNRESERVE_RESOURCES: (call) => reserveCall({ ...call, type: 'UNRESERVE_RESOURCES' }),
};

const agentIn = (body: JsonObject): string => textOf(objectOf(body['agent_id'])['value']);

/** This Mesos has such a call. */
export const isSwitch = ({ master }: World, type: string): boolean =>
  type in SWITCHES && (type.endsWith('_RESOURCES') || canSwitch(master.traits));

/** Who may, then what is planned to go wrong, then the call itself. */
export function switchAgent(call: SwitchCall): Switched {
  const { world, type, principal } = call;
  const { operators } = world.master.traits;
  if (operators && (principal === undefined || !operators.includes(principal))) return reply(403);
  return troubled(world.master.troubles.shift(), () => SWITCHES[type]?.(call) ?? reply(400));
}

function troubled(trouble: Trouble | undefined, act: () => Reply): Switched {
  if (trouble === 'busy') return reply(409, 'Insufficient resources');
  if (trouble === undefined) return act();
  if (trouble === 'lost') act();
  return 'cut';
}

/**
 * Whose credentials these are. Undefined: nobody is asked; `unknown`: nobody's.
 *
 * @param header  Authorization
 */
export function principalOf(
  { master }: World,
  header: string | undefined,
): string | undefined | { readonly unknown: true } {
  const { credentials } = master.traits;
  if (!credentials) return undefined;
  const [, encoded = ''] = /^Basic (\S+)$/.exec(header ?? '') ?? [];
  const [user = '', ...rest] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return Object.hasOwn(credentials, user) && credentials[user] === rest.join(':')
    ? user
    : { unknown: true };
}
