import { type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import type { Token } from '../nodes.ts';
import type { World } from '../world.ts';
import { type Reply, reply } from './reply.ts';

/** Longest that the framework is kept from an offer that a reservation took back, ms. */
const REFUSED_MS = 5_000;

export interface ReserveCall {
  readonly world: World;
  readonly type: 'RESERVE_RESOURCES' | 'UNRESERVE_RESOURCES';
  /** What stands under the key of that name. */
  readonly body: JsonObject;
  /** Who calls, if anybody was asked. */
  readonly principal: string | undefined;
}

/** RESERVE_RESOURCES and UNRESERVE_RESOURCES, of the token only: nothing else is reserved here. */
export function reserveCall({ world, type, body, principal }: ReserveCall): Reply {
  const id = textOf(objectOf(body['agent_id'])['value']);
  const node = world.fleet.nodes.find(
    ({ agentId, reachable, recovered }) => agentId === id && reachable && !recovered,
  );
  if (!node) return reply(400, 'No agent found with specified ID');
  const asked = tokenIn(body, world.master.traits.token);
  if (!asked) return reply(400, 'Invalid RESERVE operation: expected the token');
  if (principal !== undefined && type === 'RESERVE_RESOURCES' && asked.principal !== principal)
    return reply(
      400,
      `Invalid RESERVE operation: the reserved resource's principal is not '${principal}'`,
    );
  if (type === 'RESERVE_RESOURCES') {
    if (node.token) return reply(409, 'Insufficient resources: they are reserved already');
    world.offers.rescind(node, REFUSED_MS);
    node.token = asked;
  } else {
    if (!node.token || !same(node.token, asked))
      return reply(409, 'Insufficient resources: no such reservation');
    node.token = undefined;
  }
  return reply(202);
}

function tokenIn(body: JsonObject, name: string | undefined): Token | undefined {
  const resources = listOf(body['resources']).map(objectOf);
  const [one] = resources;
  if (!one || resources.length > 1 || name === undefined || one['name'] !== name) return undefined;
  if (numberOf(objectOf(one['scalar'])['value'], 0) !== 1) return undefined;
  return reservationIn(objectOf(listOf(one['reservations'])[0]));
}

function reservationIn(reservation: JsonObject): Token | undefined {
  const role = textOf(reservation['role']);
  if (role === '' || role === '*') return undefined;
  const labels = listOf(objectOf(reservation['labels'])['labels']).map(objectOf);
  const { principal } = reservation;
  return {
    role,
    labels: labels.map(({ key, value }) => ({ key: textOf(key), value: textOf(value) })),
    ...(typeof principal === 'string' && { principal }),
  };
}

const same = (a: Token, b: Token): boolean =>
  a.role === b.role &&
  a.principal === b.principal &&
  JSON.stringify(a.labels) === JSON.stringify(b.labels);

/** The token of an agent as v1 and the `_full` lists of v0 show it; nothing without one. */
export function tokenResource(world: World, token: Token | undefined): JsonObject[] {
  const { token: name } = world.master.traits;
  if (name === undefined) return [];
  const whole = { name, type: 'SCALAR', scalar: { value: 1 } };
  if (!token) return [{ ...whole, role: '*' }];
  const { role, labels, principal } = token;
  const by = { ...(principal !== undefined && { principal }), labels: { labels } };
  return [{ ...whole, role, reservation: by, reservations: [{ type: 'DYNAMIC', role, ...by }] }];
}
