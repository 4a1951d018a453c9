import { UnreadableKernel } from './shape-errors.ts';

/** One object of tc's or ip's JSON; fields that we do not know are left alone. */
export type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws UnreadableKernel when it is not an array of objects; torn output is not */
export function objectsIn(json: string, command: string): readonly Fields[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause: unknown) {
    throw new UnreadableKernel(command, 'it is no JSON', { cause });
  }
  if (!Array.isArray(value)) throw new UnreadableKernel(command, 'it is no list');
  // ip prints {} for what a filter left out.
  return value.filter(isFields);
}

export const fieldsAt = (fields: Fields, key: string): Fields => {
  const value = fields[key];
  return isFields(value) ? value : {};
};

export const textAt = (fields: Fields, key: string): string | undefined => {
  const value = fields[key];
  return typeof value === 'string' ? value : undefined;
};

export const numberAt = (fields: Fields, key: string): number | undefined => {
  const value = fields[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
};

/** Hexadecimal text with or without 0x, or a number. */
export const hexAt = (fields: Fields, key: string): number | undefined => {
  const value = fields[key];
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^(0x)?[0-9a-f]{1,8}$/i.test(value)
    ? parseInt(value, 16)
    : undefined;
};
