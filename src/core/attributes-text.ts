/**
 * Mesos' own spelling of agent attributes, as far as it is safe: what would end the agent at its start
 * (LOG(FATAL)), or would be read as something else than was meant, is a fault here.
 *
 * @see Mesos docs/attributes-resources.md; src/common/attributes.cpp, src/common/values.cpp
 */
export type AttributeType = 'SCALAR' | 'RANGES' | 'TEXT';

/** The alphabet of Mesos' documented grammar. */
const WORD = /^[A-Za-z0-9_./-]+$/;
const PLAIN_NUMBER = /^\d+(\.\d+)?$/;
const RANGES = /^\[\d+-\d+(,\d+-\d+)*\]$/;
const LONGEST = 255;

/** Why Mesos would not take a name; undefined when it does. */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name.length > LONGEST) return `it has over ${LONGEST} characters`;
  if (!WORD.test(name)) return 'it has other characters than letters, digits, _ . / -';
  if (name === 'hostname') return 'Marathon cannot reach an attribute of that name';
  return undefined;
}

/** Why Mesos would not take a value as it is meant; undefined when it does. */
export function valueFault(value: string): string | undefined {
  if (value === '') return 'it is empty, and Mesos would not start';
  if (value.length > LONGEST) return `it has over ${LONGEST} characters`;
  if (value.startsWith('{')) return 'it is a set, and Mesos would not start';
  if (value.startsWith('[')) return rangesFault(value);
  if (!WORD.test(value)) return 'it has other characters than letters, digits, _ . / -';
  if (!PLAIN_NUMBER.test(value) && Number.isFinite(Number(value)) && !value.startsWith('-'))
    return 'it may be read as a number: write it as a plain decimal';
  return undefined;
}

function rangesFault(value: string): string | undefined {
  if (!RANGES.test(value)) return 'its ranges do not read: write [from-to,from-to]';
  return spansOf(value).some(([from, to]) => from > to)
    ? 'a range ends before it begins'
    : undefined;
}

/** What Mesos makes of a value that has no fault. */
export const typeOf = (value: string): AttributeType =>
  value.startsWith('[') ? 'RANGES' : PLAIN_NUMBER.test(value) ? 'SCALAR' : 'TEXT';

type Span = readonly [number, number];

/** Of ranges without a fault: in order, those that touch joined. */
export function spansOf(value: string): readonly Span[] {
  const spans = value
    .slice(1, -1)
    .split(',')
    .map((text): Span => {
      const [from = NaN, to = NaN] = text.split('-').map(Number);
      return [from, to];
    })
    .sort(([one], [other]) => one - other);
  const joined: [number, number][] = [];
  for (const [from, to] of spans) {
    const last = joined.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

/** Whether two values of one type are the same to Mesos. */
export function sameValue(one: string, other: string): boolean {
  const type = typeOf(one);
  if (type !== typeOf(other)) return false;
  if (type === 'SCALAR') return Number(one) === Number(other);
  return type === 'TEXT'
    ? one === other
    : JSON.stringify(spansOf(one)) === JSON.stringify(spansOf(other));
}

/** Whether two sets of attributes without faults are the same to Mesos, in whatever order. */
export const sameAttributes = (
  one: ReadonlyMap<string, string>,
  other: ReadonlyMap<string, string>,
): boolean =>
  one.size === other.size &&
  [...one].every(([name, value]) => sameValue(value, other.get(name) ?? ''));

/** Whether ranges hold all of other ranges. */
export const holds = (wide: string, narrow: string): boolean =>
  spansOf(narrow).every(([from, to]) =>
    spansOf(wide).some(([low, high]) => low <= from && to <= high),
  );

export interface AttributesText {
  /** In the order written. Of a name that is there twice, the first. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Why Mesos would not start with it, line by line. */
  readonly faults: readonly string[];
}

/** What stands in a file for `--attributes=file://…`: pairs by line or `;`, divided at the first colon. */
export function parseAttributes(text: string): AttributesText {
  const attributes = new Map<string, string>();
  const faults: string[] = [];
  const pairs = text
    .split(/[;\n]/)
    .map((pair) => pair.replace(/\s/g, ''))
    .filter((pair) => pair !== '');
  for (const pair of pairs) {
    const colon = pair.indexOf(':');
    const [name, value] = colon < 0 ? [pair, ''] : [pair.slice(0, colon), pair.slice(colon + 1)];
    const fault = nameFault(name) ?? valueFault(value);
    if (fault !== undefined) faults.push(`"${pair.slice(0, 100)}": ${fault}`);
    else if (attributes.has(name)) faults.push(`"${name}" is there twice`);
    else attributes.set(name, value);
  }
  return { attributes, faults };
}

/** The text of such a file, in order of name. */
export const renderAttributes = (attributes: ReadonlyMap<string, string>): string =>
  [...attributes]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}:${value}\n`)
    .join('');
