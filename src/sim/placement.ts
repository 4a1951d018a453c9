import { createContext, Script } from 'node:vm';
import type { SimNode } from './nodes.ts';
import type { Constraint } from './specs/spec.ts';

/** What constraints look at: the offer's node, the nodes of placed instances, and how many to place. */
export interface Placement {
  readonly node: SimNode;
  readonly placed: readonly SimNode[];
  /** Instance count of the first placed instance's definition; 1 when none is placed. */
  readonly instances: number;
}

/**
 * A scalar as Mesos writes it: at most three decimals, half-even on the exact binary value.
 * `toFixed` rounds ties away from zero, so exact ties are found with three more digits.
 */
export const scalarText = (value: number): string => {
  const scaled = Math.abs(value) * 1000;
  const floor = Math.floor(scaled);
  const tie = scaled - floor === 0.5;
  const thousandths = tie ? floor + (floor % 2) : Math.round(scaled);
  const text = (thousandths / 1000).toFixed(3).replace(/\.?0+$/, '');
  return value < 0 ? `-${text}` : text;
};

/** Attributes of a node as Mesos writes them. */
export const attributesOf = ({ attributes }: SimNode): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      typeof value === 'number' ? scalarText(value) : value,
    ]),
  );

/** The value of a field on a node; undefined when the node lacks it. */
export const fieldOf = (node: SimNode, field: string): string | undefined => {
  if (field === 'hostname' || field === '@hostname') return node.name;
  if (field === '@region') return node.region;
  if (field === '@zone') return node.zone;
  const value = node.attributes[field];
  return typeof value === 'number' ? scalarText(value) : value;
};

/** Longest that one pattern may take on one value, ms: a hostile one must not stop the cluster. */
const PATTERN_MS = 500;
const MOST_REMEMBERED = 20_000;

const CONTEXT = createContext({});
const MATCH = new Script('new RegExp(`^(?:${pattern})$`).test(value)');

/**
 * What was found before: offers ask the same again and again, and an answer must not depend on how busy
 * the machine is at the moment.
 */
const remembered = new Map<string, boolean>();

const fullMatch = (pattern: string, value: string): boolean => {
  const asked = JSON.stringify([pattern, value]);
  const known = remembered.get(asked);
  if (known !== undefined) return known;
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  const found = matches(pattern, value);
  remembered.set(asked, found);
  return found;
};

const matches = (pattern: string, value: string): boolean => {
  try {
    Object.assign(CONTEXT, { pattern, value });
    return MATCH.runInContext(CONTEXT, { timeout: PATTERN_MS }) as boolean;
  } catch {
    return false;
  }
};

const numeric = (value: string): string =>
  /^-?\d+(?:\.\d+)?$/.test(value) ? scalarText(Number(value)) : value;

const groupBy = (
  value: string,
  limit: string | undefined,
  { placed, instances }: Placement,
  field: string,
): boolean => {
  const counts = new Map<string | undefined, number>();
  for (const node of placed)
    counts.set(fieldOf(node, field), (counts.get(fieldOf(node, field)) ?? 0) + 1);
  // Without a figure current Marathon divides by zero; balancing on what is there is what older ones did.
  const groups = Number(limit ?? 0) || Math.max(1, counts.size);
  const mine = counts.get(value);
  if (mine === undefined) return limit === undefined || counts.size < groups;
  const share = Math.floor(instances / groups);
  const used = [...counts.values()].filter((count) => count > share).length;
  return mine < share || (mine === share && used < instances % groups);
};

type Operator = (value: string, asked: string | undefined, at: Placement, field: string) => boolean;

const sameAs = (value: string, { placed }: Placement, field: string): number =>
  placed.filter((node) => fieldOf(node, field) === value).length;

const OPERATORS: Readonly<Record<string, Operator>> = {
  LIKE: (value, asked) => fullMatch(asked ?? '', value),
  UNLIKE: (value, asked) => asked !== undefined && asked !== '' && !fullMatch(asked, value),
  IS: (value, asked) => value === numeric(asked ?? ''),
  CLUSTER: (value, asked, { placed }, field) => {
    const [first] = placed;
    if (asked !== undefined && asked !== '') return value === asked;
    return first === undefined || fieldOf(first, field) === value;
  },
  UNIQUE: (value, _asked, at, field) => sameAs(value, at, field) === 0,
  // A group that is still empty takes one even at MAX_PER 0.
  MAX_PER: (value, asked, at, field) => sameAs(value, at, field) < Math.max(1, Number(asked)),
  GROUP_BY: (value, asked, at, field) => groupBy(value, asked, at, field),
};

/** Whether one constraint accepts the node of an offer; a node without the field only suits UNLIKE. */
export const accepts = ({ field, operator, value }: Constraint, at: Placement): boolean => {
  const own = fieldOf(at.node, field);
  if (own === undefined) return operator === 'UNLIKE';
  return OPERATORS[operator]?.(own, value, at, field) ?? false;
};
