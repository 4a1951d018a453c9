import { scalarText } from './constraint-scalar.ts';
import { patternOf } from './regex.ts';

/** Marathon's placement operators (reference: src/main/scala/mesosphere/mesos/Constraints.scala). */
export type Operator = 'LIKE' | 'UNLIKE' | 'IS' | 'CLUSTER' | 'UNIQUE' | 'MAX_PER' | 'GROUP_BY';

export interface Constraint {
  /** `hostname` (also spelled `@hostname`), `@region`, `@zone`, or an attribute's name. */
  readonly field: string;
  readonly operator: Operator;
  readonly value?: string;
}

/** What constraints look at: a node, or where an instance was launched. */
export interface Site {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly region?: string;
  readonly zone?: string;
}

export type FieldReader = (site: Site) => string | undefined;

/** The text that a field has on a site. An attribute called "hostname" cannot be reached. */
export function fieldReader(field: string): FieldReader {
  if (isHostname(field)) return ({ name }) => name;
  if (field === '@region') return ({ region }) => region;
  if (field === '@zone') return ({ zone }) => zone;
  return ({ attributes }) => (Object.hasOwn(attributes, field) ? attributes[field] : undefined);
}

export const isHostname = (field: string): boolean => field === 'hostname' || field === '@hostname';

/** True for admitted, false for refused, undefined when only Marathon itself can tell. */
export type Test = (site: Site) => boolean | undefined;

/**
 * The test of a constraint that looks at the node alone: LIKE, UNLIKE, IS, CLUSTER with a value.
 * Undefined for one that counts instances (see groups.ts).
 */
export function nodeTest(constraint: Constraint): Test | undefined {
  const read = fieldReader(constraint.field);
  const { operator, value = '' } = constraint;
  if (operator === 'LIKE' || operator === 'UNLIKE') return patternTest(read, operator, value);
  if (operator === 'IS') return equality(read, comparable(value));
  if (operator === 'CLUSTER' && value !== '') return equality(read, value);
  return undefined;
}

/** UNLIKE alone admits a site that lacks the field; an empty pattern refuses whatever has it. */
function patternTest(read: FieldReader, operator: 'LIKE' | 'UNLIKE', value: string): Test {
  const { matches } = patternOf(value);
  const wanted = operator === 'LIKE';
  return (site) => {
    const text = read(site);
    if (text === undefined) return !wanted;
    if (value === '') return false;
    const match = matches(text);
    return match === undefined ? undefined : match === wanted;
  };
}

const equality =
  (read: FieldReader, wanted: string): Test =>
  (site) =>
    read(site) === wanted;

/** IS writes a value that looks like a number the way scalars are written, whatever the field's type. */
const comparable = (value: string): string =>
  /^[0-9]+(?:\.[0-9]+)?$/.test(value) ? scalarText(Number(value)) : value;

const JAVA_INT = /^[+-]?\d+$/;

/** A whole number as Java's Integer.parseInt reads it, or undefined. */
export function javaInt(text: string): number | undefined {
  const number = JAVA_INT.test(text) ? Number(text) : NaN;
  return number >= -(2 ** 31) && number < 2 ** 31 ? number : undefined;
}

/**
 * Why Corral cannot judge a constraint, whatever the node; undefined when it can. GROUP_BY without a
 * number of groups makes Marathon 1.11 divide by zero, so nothing says where it would launch.
 */
export function whyUnjudged({ operator, value = '' }: Constraint): string | undefined {
  if (operator === 'MAX_PER' && javaInt(value) === undefined)
    return `MAX_PER needs a whole number, not "${value}"`;
  if (operator === 'GROUP_BY' && groupsOf(value) < 1)
    return 'GROUP_BY without a number of groups makes Marathon fail';
  return undefined;
}

/** The number of groups that a GROUP_BY asks for; 0 when it states none. */
export const groupsOf = (value: string): number =>
  value === 'inf' ? 2 ** 31 - 1 : Math.max(0, javaInt(value) ?? 0);

/** A constraint as Marathon's JSON spells it. */
export const spelled = ({ field, operator, value }: Constraint): readonly string[] =>
  value === undefined ? [field, operator] : [field, operator, value];

/** Whether any constraint looks at a region or zone, which lets an app leave the master's region. */
export const leavesHome = (constraints: readonly Constraint[]): boolean =>
  constraints.some(({ field }) => field === '@region' || field === '@zone');
