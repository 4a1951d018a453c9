import { isHostname, spelled, type Constraint } from './constraints.ts';
import { quoted } from './regex.ts';
import type { NodeRoom } from './room.ts';

/** The one constraint that tells nodes to be kept from nodes to be left out, and how long it is. */
export interface Spelling {
  readonly constraint: Constraint;
  readonly length: number;
}

/** Length of a constraint as it stands in Marathon's JSON. */
const lengthOf = (constraint: Constraint): number => JSON.stringify(spelled(constraint)).length;

const alternation = (texts: Iterable<string>): string => [...texts].sort().map(quoted).join('|');

const spelling = (
  field: string,
  operator: 'LIKE' | 'UNLIKE',
  texts: Iterable<string>,
): Spelling => {
  const constraint: Constraint = { field, operator, value: alternation(texts) };
  return { constraint, length: lengthOf(constraint) };
};

/** Only the nodes of that name. */
export const only = (names: Iterable<string>): Spelling => spelling('hostname', 'LIKE', names);

/**
 * The shortest constraint that admits every node of `keep` and none of `leave`: an attribute when one
 * tells them apart, else names. Nodes in neither are let in or not, whichever is shorter. Regions and
 * zones are never used: naming one lets an app leave the master's region.
 *
 * @returns undefined when it would be longer than `most` characters
 */
export function shortest(
  keep: readonly NodeRoom[],
  leave: readonly NodeRoom[],
  most: number,
): Constraint | undefined {
  const names = (nodes: readonly NodeRoom[]) => nodes.map(({ name }) => name);
  // an attribute can only be used when one side has it to a node, the first included
  const fields = new Set(
    [keep[0], leave[0]].flatMap((node) => Object.keys(node?.attributes ?? {})),
  );
  const candidates = [...fields].sort().flatMap((field) => byField(field, keep, leave));
  // thousands of names are not worth spelling when they are too many already
  if (isWithin(leave, most)) candidates.push(spelling('hostname', 'UNLIKE', names(leave)));
  if (isWithin(keep, most)) candidates.push(only(names(keep)));
  let best: Spelling | undefined;
  for (const next of candidates) if (next.length < (best?.length ?? most + 1)) best = next;
  return best?.constraint;
}

/** Whether the names, which spelling only lengthens, may fit into so many characters. */
function isWithin(nodes: readonly NodeRoom[], most: number): boolean {
  let length = nodes.length;
  for (const { name } of nodes) if ((length += name.length) > most) return false;
  return true;
}

function byField(
  field: string,
  keep: readonly NodeRoom[],
  leave: readonly NodeRoom[],
): readonly Spelling[] {
  if (isHostname(field) || field.startsWith('@')) return [];
  // the few first: most fields tell nobody apart, which shows after a few of the many
  const isFewer = leave.length < keep.length;
  const few = new Set((isFewer ? leave : keep).map((node) => valueOf(field, node)));
  const many = new Set<string | undefined>();
  for (const node of isFewer ? keep : leave) {
    const value = valueOf(field, node);
    if (few.has(value)) return [];
    many.add(value);
  }
  const [left, kept] = isFewer ? [few, many] : [many, few];
  // who lacks the attribute is admitted by UNLIKE and refused by LIKE; an empty pattern matches nothing
  const usable = (values: ReadonlySet<string | undefined>): values is ReadonlySet<string> =>
    values.size > 0 && !values.has(undefined) && !values.has('');
  return [
    ...(usable(left) ? [spelling(field, 'UNLIKE', left)] : []),
    ...(usable(kept) ? [spelling(field, 'LIKE', kept)] : []),
  ];
}

const valueOf = (field: string, { attributes }: NodeRoom): string | undefined =>
  Object.hasOwn(attributes, field) ? attributes[field] : undefined;
