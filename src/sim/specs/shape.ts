import { badShape, type BodyFault } from '../errors.ts';
import { isObject } from '../json.ts';

/** Looks at a value and reports what is wrong with its type. */
export type Rule = (value: unknown, path: string) => readonly BodyFault[];

const fault = (path: string, error: string): readonly BodyFault[] => [
  { path: path || '/', errors: [error] },
];

const typed =
  (type: string, error: string): Rule =>
  (value, path) =>
    typeof value === type ? [] : fault(path, error);

export const text = typed('string', 'error.expected.jsstring');
export const flag = typed('boolean', 'error.expected.jsboolean');
export const real = typed('number', 'error.expected.jsnumber');

/** Whole numbers of a Java int; `3.0` is one. */
export const whole: Rule = (value, path) => {
  if (typeof value !== 'number') return fault(path, 'error.expected.jsnumber');
  if (!Number.isInteger(value) || Math.abs(value) > 2 ** 31 - 1)
    return fault(path, 'error.expected.int');
  return [];
};

export const atLeast =
  (low: number, inner: Rule): Rule =>
  (value, path) => {
    const faults = inner(value, path);
    return faults.length === 0 && (value as number) < low ? fault(path, 'error.min') : faults;
  };

export const oneOf =
  (...words: readonly string[]): Rule =>
  (value, path) => {
    const faults = text(value, path);
    const known = words.some((word) => word.toLowerCase() === String(value).toLowerCase());
    return faults.length > 0 || known ? faults : fault(path, `error.unknown.enum.literal`);
  };

export const list =
  (inner: Rule): Rule =>
  (value, path) =>
    Array.isArray(value)
      ? value.flatMap((item: unknown, index) => inner(item, `${path}(${index})`))
      : fault(path, 'error.expected.jsarray');

export const map =
  (inner: Rule): Rule =>
  (value, path) =>
    isObject(value)
      ? Object.entries(value).flatMap(([key, item]) => inner(item, `${path}/${key}`))
      : fault(path, 'error.expected.jsobject');

/** Known fields are looked at, others ignored; null counts as absent unless required. */
export const fields =
  (known: Readonly<Record<string, Rule>>, required: readonly string[] = []): Rule =>
  (value, path) => {
    if (!isObject(value)) return fault(path, 'error.expected.jsobject');
    const missing = required
      .filter((name) => value[name] === undefined || value[name] === null)
      .flatMap((name) => fault(`${path}/${name}`, 'error.path.missing'));
    const wrong = Object.entries(known).flatMap(([name, rule]) =>
      value[name] === undefined || value[name] === null ? [] : rule(value[name], `${path}/${name}`),
    );
    return [...missing, ...wrong];
  };

/** An environment value: a string, or an object that names a secret. */
export const textOrSecret: Rule = (value, path) =>
  typeof value === 'string' || (isObject(value) && typeof value['secret'] === 'string')
    ? []
    : fault(path, 'error.expected.jsobject');

/** @throws ApiRefusal 422 with every fault of the value's types. */
export const checkShape = (rule: Rule, value: unknown): void => {
  const faults = rule(value, '');
  if (faults.length > 0) throw badShape(faults);
};
