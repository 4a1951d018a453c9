/** What a strict parse of a body gives. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** An app, pod or group in Marathon's spelling; fields that we do not know are kept. */
export type App = JsonObject;
export type Pod = JsonObject;
export type Group = JsonObject;

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isArray = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

/** The member, or undefined when it is absent or null: Marathon treats both alike. */
export function member(of: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(of, key) ? (of[key] ?? undefined) : undefined;
}

export function textAt(of: JsonObject, key: string): string | undefined {
  const value = member(of, key);
  return typeof value === 'string' ? value : undefined;
}

export function numberAt(of: JsonObject, key: string): number | undefined {
  const value = member(of, key);
  return typeof value === 'number' ? value : undefined;
}

export function objectAt(of: JsonObject, key: string): JsonObject | undefined {
  const value = member(of, key);
  return isObject(value) ? value : undefined;
}

/** The array under `key`; undefined when absent, null or something else. */
export function arrayAt(of: JsonObject, key: string): readonly Json[] | undefined {
  const value = member(of, key);
  return isArray(value) ? value : undefined;
}

/** The objects of the array under `key`; anything else in it is left out. */
export const objectsAt = (of: JsonObject, key: string): readonly JsonObject[] =>
  (arrayAt(of, key) ?? []).filter((item) => isObject(item));

export const textsAt = (of: JsonObject, key: string): readonly string[] =>
  (arrayAt(of, key) ?? []).filter((item) => typeof item === 'string');

/** `of` without the members that are absent or null. */
export const withoutNulls = (of: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(of).filter(([, value]) => isPresent(value)));

/** `of` without the members listed. */
export function without(of: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(of).filter(([key]) => !keys.includes(key)));
}

const isPresent = (value: Json | undefined): value is Exclude<Json, null> =>
  value !== undefined && value !== null;

/** Text that is equal exactly for equal values, whatever the order of an object's members. */
export function fingerprint(value: Json): string {
  if (isArray(value)) return `[${value.map(fingerprint).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((key) => `${JSON.stringify(key)}:${fingerprint(value[key] ?? null)}`).join(',')}}`;
}

export const sameJson = (a: Json | undefined, b: Json | undefined): boolean =>
  fingerprint(a ?? null) === fingerprint(b ?? null);

/** The same items without repeats, in an order that depends on nothing but the items. */
export function asSet(items: readonly Json[]): readonly Json[] {
  const byText = new Map(items.map((item) => [fingerprint(item), item]));
  return [...byText.keys()].sort().map((text) => byText.get(text) ?? null);
}
