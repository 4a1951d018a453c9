import type { Constraint, Operator } from '../../core/constraints.ts';
import type { Remark } from './demand-context.ts';
import {
  arrayAt,
  isArray,
  isObject,
  objectAt,
  textAt,
  type Json,
  type JsonObject,
} from './json.ts';

/** Whether an operator takes a value, and of what form. */
const VALUES: Readonly<Record<Operator, 'needed' | 'optional' | 'none' | 'count' | 'maybe-count'>> =
  {
    LIKE: 'needed',
    UNLIKE: 'needed',
    IS: 'optional',
    CLUSTER: 'optional',
    UNIQUE: 'none',
    MAX_PER: 'count',
    GROUP_BY: 'maybe-count',
  };
const COUNT = /^[+-]?\d{1,10}$/;

export interface ReadConstraints {
  readonly constraints: readonly Constraint[];
  /** What Marathon will refuse; left out of `constraints`. */
  readonly faults: readonly Remark[];
}

interface Spelled {
  readonly field: unknown;
  readonly operator: unknown;
  readonly value: unknown;
  readonly path: string;
}

/** Constraints of an app, [field, OPERATOR] or [field, OPERATOR, value]; upper case only. */
export function constraintsOfApp(app: JsonObject): ReadConstraints {
  const spelled = (arrayAt(app, 'constraints') ?? []).map((item, index): Spelled => {
    const [field, operator, value, ...rest] = isArray(item) ? item : [];
    const path = `/constraints(${index})`;
    return { field: rest.length > 0 ? undefined : field, operator, value, path };
  });
  return read(spelled);
}

/** Constraints of a pod, { fieldName, operator, value? }; operators in any case. */
export function constraintsOfPod(pod: JsonObject): ReadConstraints {
  const placement = objectAt(objectAt(pod, 'scheduling') ?? {}, 'placement') ?? {};
  const spelled = (arrayAt(placement, 'constraints') ?? []).map((item, index): Spelled => {
    const of = isObject(item) ? item : {};
    return {
      field: textAt(of, 'fieldName'),
      operator: textAt(of, 'operator')?.toUpperCase(),
      value: (of['value'] ?? undefined) satisfies Json | undefined,
      path: `/scheduling/placement/constraints(${index})`,
    };
  });
  return read(spelled);
}

/** Repeats collapse, as in Marathon, which keeps a set. */
function read(spelled: readonly Spelled[]): ReadConstraints {
  const constraints = new Map<string, Constraint>();
  const faults: Remark[] = [];
  for (const item of spelled) {
    const message = faultIn(item);
    if (message !== undefined) faults.push({ path: item.path, message });
    else
      constraints.set(JSON.stringify([item.field, item.operator, item.value]), constraintOf(item));
  }
  return { constraints: [...constraints.values()], faults };
}

/** Checked by `faultIn`. */
const constraintOf = ({ field, operator, value }: Spelled): Constraint => ({
  field: field as string,
  operator: operator as Operator,
  ...(value !== undefined && { value: value as string }),
});

const isOperator = (text: unknown): text is Operator =>
  typeof text === 'string' && Object.hasOwn(VALUES, text);

function faultIn({ field, operator, value }: Spelled): string | undefined {
  if (typeof field !== 'string' || field === '') return 'names no field, or has too many parts';
  if (!isOperator(operator))
    return `has an operator that Marathon does not know: ${JSON.stringify(operator)}`;
  if (value !== undefined && typeof value !== 'string') return 'has a value that is no string';
  return valueFault(operator, value);
}

function valueFault(operator: Operator, value: string | undefined): string | undefined {
  const form = VALUES[operator];
  if (form === 'none') return value === undefined ? undefined : `${operator} takes no value`;
  if (value === undefined)
    return form === 'needed' || form === 'count' ? `${operator} needs a value` : undefined;
  const isCounted = form === 'count' || form === 'maybe-count';
  return isCounted && !COUNT.test(value) ? `${operator} needs a whole number` : undefined;
}
