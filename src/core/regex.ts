import { RE2JS } from 're2js';
import { whyNotJudged } from './regex-dialect.ts';

/** Longest pattern handed to RE2; alternations of plain names may be longer. */
export const LONGEST_PATTERN = 4096;
/** Mesos stops at 100; this is generous and still compiles and runs in well under a millisecond. */
const MOST_PARTS = 1000;
const MOST_PATTERNS = 256;
const MOST_VALUES = 20_000;

/** Whether a value matches a pattern as a whole; undefined when nobody but Java can tell. */
export type Match = boolean | undefined;

export interface Pattern {
  readonly matches: (value: string) => Match;
  /** Why some or all values cannot be judged; worth telling only after an undefined. */
  readonly why: string;
}

/** Patterns come back with every request of the same app; what they gave is worth keeping. */
const known = new Map<string, Pattern>();

/**
 * A pattern as Java's String.matches reads it: anchored at both ends. Runs in time linear in the
 * value, so that no pattern can stall the caller; one that RE2 would read differently from Java, or
 * that is too large, gives undefined for each value.
 */
export function patternOf(source: string): Pattern {
  const seen = known.get(source);
  if (seen !== undefined) return seen;
  const pattern = literal(source) ?? compiled(source);
  if (known.size >= MOST_PATTERNS) known.clear();
  known.set(source, pattern);
  return pattern;
}

/** The pattern that matches exactly this text, for Java and RE2 alike. */
export const quoted = (text: string): string =>
  text.replace(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`);

const PLAIN = /^(?:[^\\^$.|?*+()[\]{}]|\\[^A-Za-z0-9]|\|)*$/u;

function literal(source: string): Pattern | undefined {
  const body = /^\((?:\?:)?([^()]*)\)$/.exec(source)?.[1] ?? source;
  if (!PLAIN.test(body)) return undefined;
  const parts = body.match(/(?:\\[^]|[^|\\])+|\|/gu) ?? [];
  const texts = new Set(alternatives(parts).map((part) => part.replace(/\\([^])/gu, '$1')));
  return { matches: (value) => texts.has(value), why: '' };
}

/** Splits at bars, keeping the empty alternatives between them. */
function alternatives(parts: readonly string[]): readonly string[] {
  const texts = [''];
  for (const part of parts) {
    if (part === '|') texts.push('');
    else texts.push((texts.pop() ?? '') + part);
  }
  return texts;
}

function compiled(source: string): Pattern {
  if (source.length > LONGEST_PATTERN)
    return unjudged(`it has ${source.length} characters, at most ${LONGEST_PATTERN} are judged`);
  const why = whyNotJudged(source, MOST_PARTS);
  if (why !== undefined) return unjudged(why);
  try {
    const program = RE2JS.compile(source);
    if (program.programSize() > 2 * MOST_PARTS) return unjudged('it is too large');
    return remembering((value) => program.testExact(value));
  } catch (error) {
    return unjudged(error instanceof Error ? error.message : String(error));
  }
}

const unjudged = (why: string): Pattern => ({ matches: () => undefined, why });

/** Line ends and letters beyond ASCII are where `.`, `\w` and `(?i)` differ between Java and RE2. */
const BEYOND = /[^\x20-\x7e]/;

function remembering(run: (value: string) => boolean): Pattern {
  const seen = new Map<string, Match>();
  const matches = (value: string): Match => {
    if (seen.has(value)) return seen.get(value);
    const match = BEYOND.test(value) ? undefined : run(value);
    if (seen.size >= MOST_VALUES) seen.clear();
    seen.set(value, match);
    return match;
  };
  return { matches, why: 'a value holds characters outside printable ASCII' };
}
