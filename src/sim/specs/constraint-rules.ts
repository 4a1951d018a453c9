import type { BodyFault } from '../errors.ts';
import { type JsonObject, listOf, objectOf, textOf } from '../json.ts';
import type { Constraint } from './spec.ts';

const OPERATORS = new Set(['LIKE', 'UNLIKE', 'IS', 'CLUSTER', 'UNIQUE', 'MAX_PER', 'GROUP_BY']);

export const appConstraints = (app: JsonObject): readonly Constraint[] =>
  listOf(app['constraints']).map((raw) => {
    const [field, operator, value] = listOf(raw);
    return {
      field: textOf(field),
      operator: textOf(operator),
      ...(typeof value === 'string' && { value }),
    };
  });

/** A pod's operators may be written in any case. */
export const podConstraints = (pod: JsonObject): readonly Constraint[] =>
  listOf(objectOf(objectOf(pod['scheduling'])['placement'])['constraints']).map((raw) => {
    const { fieldName, operator, value } = objectOf(raw);
    return {
      field: textOf(fieldName),
      operator: textOf(operator).toUpperCase(),
      ...(typeof value === 'string' && { value }),
    };
  });

const isPattern = (value: string): boolean => {
  try {
    return new RegExp(`^(?:${value})$`).source !== '';
  } catch {
    return false;
  }
};

const VALUE_RULES: Readonly<Record<string, (value: string | undefined) => string | undefined>> = {
  LIKE: (value) =>
    value !== undefined && isPattern(value) ? undefined : 'needs a regular expression as its value',
  UNLIKE: (value) =>
    value !== undefined && isPattern(value) ? undefined : 'needs a regular expression as its value',
  IS: (value) =>
    value === undefined || /^[a-zA-Z0-9_/.-]*$/.test(value) ? undefined : 'must be a simple text',
  CLUSTER: () => undefined,
  UNIQUE: (value) => (value === undefined ? undefined : 'must not have a value'),
  MAX_PER: (value) =>
    value !== undefined && /^\d+$/.test(value) ? undefined : 'needs a whole number as its value',
  GROUP_BY: (value) =>
    value === undefined || /^\d+$/.test(value) ? undefined : 'needs a whole number as its value',
};

/** What SchedulingValidation would say. */
export const faultsOfConstraints = (constraints: readonly Constraint[]): BodyFault[] =>
  constraints.flatMap(({ field, operator, value }, index) => {
    const path = `/constraints(${index})`;
    if (field === '') return [{ path, errors: ['Missing field and operator'] }];
    if (!OPERATORS.has(operator))
      return [
        { path, errors: [`operator must be one of the following ${[...OPERATORS].join(', ')}`] },
      ];
    const wrong = VALUE_RULES[operator]?.(value);
    return wrong ? [{ path, errors: [`${operator} ${wrong}`] }] : [];
  });
