import type Joi from 'joi';

/** One setting, as its schema describes it. */
export interface Leaf {
  /** From the section down: gate, listen, port. */
  readonly path: readonly string[];
  readonly type: string;
  readonly description: string;
  readonly unit?: string;
  /** Absent when the setting may be left out. */
  readonly otherwise?: unknown;
  readonly choices: readonly unknown[];
  readonly from?: number;
  readonly to?: number;
}

interface Rule {
  readonly name: string;
  readonly args?: { readonly limit?: number };
}

interface Flags {
  readonly default?: unknown;
  readonly description?: string;
  readonly unit?: string;
}

/** Every setting of a schema, sections and groups left out, in the order written. */
export const leavesOf = (schema: Joi.ObjectSchema): readonly Leaf[] => walk(schema.describe(), []);

function walk(described: Joi.Description, path: readonly string[]): readonly Leaf[] {
  const keys = described.keys as Readonly<Record<string, Joi.Description>> | undefined;
  return keys === undefined
    ? [leaf(described, path)]
    : Object.entries(keys).flatMap(([key, below]) => walk(below, [...path, key]));
}

function leaf(described: Joi.Description, path: readonly string[]): Leaf {
  const { default: otherwise, description = '', unit } = (described.flags ?? {}) as Flags;
  return {
    path,
    type: described.type ?? 'any',
    description,
    choices: ((described.allow ?? []) as unknown[]).filter((choice) => typeof choice === 'string'),
    ...(unit !== undefined && { unit }),
    ...(otherwise !== undefined && { otherwise }),
    ...(described.type === 'number' && rangeOf(described)),
  };
}

function rangeOf(described: Joi.Description): Pick<Leaf, 'from' | 'to'> {
  const rules = (described['rules'] ?? []) as readonly Rule[];
  const bound = (name: string) => rules.find((rule) => rule.name === name)?.args?.limit;
  const [from, to] = [bound('min'), bound('max')];
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}
