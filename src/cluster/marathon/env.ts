import { BadRate, parseRate } from '../../core/rate.ts';
import { BadBody } from '../errors.ts';
import type { SecretPolicy } from './demand-context.ts';
import { SecretRate, UnusableRate } from './errors.ts';
import { isObject, member, type Json } from './json.ts';

/** What one place asks for, kbit/s: a rate, the network's default (a secret), or nothing. */
export type Wish = number | 'default' | undefined;

/** Where a rate may stand, and under which name. */
export interface Place {
  readonly name: string;
  /** Of the map that may hold it, e.g. `/env`. */
  readonly path: string;
}

/**
 * The rate in an environment. Names are case sensitive; null is not absence, since Marathon
 * refuses it.
 *
 * @throws UnusableRate, SecretRate, and BadBody for an environment that is no object
 */
export function wishIn(env: Json | undefined, place: Place, policy: SecretPolicy): Wish {
  const value = valueIn(env, place);
  const path = `${place.path}/${place.name}`;
  if (value === undefined) return undefined;
  if (!isSecret(value)) return rateAt(value, path);
  if (policy === 'refuse') throw new SecretRate(path);
  return 'default';
}

/** The rate in a network's labels, which hold plain text only. */
export function labelIn(labels: Json | undefined, place: Place): number | undefined {
  const value = valueIn(labels, place);
  return value === undefined ? undefined : rateAt(value, `${place.path}/${place.name}`);
}

function valueIn(map: Json | undefined, { name, path }: Place): Json | undefined {
  if (map === undefined || map === null) return undefined;
  if (!isObject(map)) throw new BadBody([{ path, errors: ['must be an object'] }]);
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

const isSecret = (value: Json): boolean =>
  isObject(value) && typeof member(value, 'secret') === 'string';

function rateAt(value: Json, path: string): number {
  if (typeof value !== 'string') throw new UnusableRate(path, 'it must be a string');
  try {
    return parseRate(value);
  } catch (cause) {
    if (cause instanceof BadRate) throw new UnusableRate(path, cause.message, { cause });
    throw cause;
  }
}

/**
 * What a pod asks for in all: each container's own value counts for itself, and the pod's value
 * once for all containers that do not override it.
 */
export function podWishes(pod: Wish, containers: readonly Wish[]): readonly Wish[] {
  const own = containers.filter((wish) => wish !== undefined);
  return pod !== undefined && own.length < containers.length ? [...own, pod] : own;
}

/** Sum of the wishes, kbit/s; the network's default where there are none. */
export function totalOf(wishes: readonly Wish[], defaultKbit: number): number {
  const asked = wishes.filter((wish) => wish !== undefined);
  if (asked.length === 0) return defaultKbit;
  return asked.reduce<number>((sum, wish) => sum + (wish === 'default' ? defaultKbit : wish), 0);
}
