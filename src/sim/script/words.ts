import { BadScriptLine } from '../errors.ts';

/** One line of a script: `command argument key=value …`. */
export interface Line {
  readonly text: string;
  readonly command: string;
  /** Words without `=`. */
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, string>>;
}

/** Words are split at blanks; "double quotes" keep blanks together. */
export const parseLine = (text: string): Line => {
  const words = [...text.matchAll(/(?:[^\s"]|"[^"]*")+/g)].map(([word]) =>
    word.replaceAll('"', ''),
  );
  const [command = '', ...rest] = words;
  const options = rest
    .filter((word) => word.includes('='))
    .map((word): [string, string] => [
      word.slice(0, word.indexOf('=')),
      word.slice(word.indexOf('=') + 1),
    ]);
  return {
    text,
    command,
    args: rest.filter((word) => !word.includes('=')),
    options: Object.fromEntries(options),
  };
};

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `30s`, `10m`, `500ms`, `1h` in ms. @throws BadScriptLine */
export const durationOf = (line: Line, word: string | undefined): number => {
  const [, count, unit] = /^(\d+)(ms|s|m|h)$/.exec(word ?? '') ?? [];
  if (count === undefined || unit === undefined)
    throw new BadScriptLine(line.text, `"${word ?? ''}" is no duration such as 30s`);
  return Number(count) * (UNITS[unit] ?? 1);
};

/** @throws BadScriptLine when the argument is missing */
export const argument = (line: Line, index: number, what: string): string => {
  const found = line.args[index];
  if (found === undefined) throw new BadScriptLine(line.text, `it lacks ${what}`);
  return found;
};

/** @throws BadScriptLine when a number is no number */
export const numberOption = (line: Line, name: string): number | undefined => {
  const word = line.options[name];
  if (word === undefined) return undefined;
  const value = Number(word);
  if (word === '' || Number.isNaN(value))
    throw new BadScriptLine(line.text, `${name}=${word} is no number`);
  return value;
};
