import type { Raw } from './things.ts';
import { BadOption } from './topology-errors.ts';

/** For commander: an option that may be given several times. */
export const gathered = (value: string, before: readonly string[] | undefined): string[] => [
  ...(before ?? []),
  value,
];

/** The word that clears a field. */
const NONE = 'none';

const cleared = (value: unknown): unknown =>
  value === NONE || (Array.isArray(value) && value.length === 1 && value[0] === NONE)
    ? undefined
    : value;

/** Options by other names; those that were not given stay away. */
export const renamed = (options: Raw, names: Readonly<Record<string, string>>): Raw =>
  Object.fromEntries(
    Object.entries(names)
      .filter(([option]) => options[option] !== undefined)
      .map(([option, key]) => [key, cleared(options[option])]),
  );

/** `rack=r1` pairs. @throws BadOption */
export function labelsOf(option: string, pairs: unknown): Readonly<Record<string, string>> {
  const texts = (cleared(pairs) ?? []) as readonly string[];
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new BadOption(option, text, `write ${option} name=value`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** A number given on the command line. @throws BadOption */
export const numberOf =
  (option: string) =>
  (text: string): number | string => {
    if (text === NONE) return text;
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value))
      throw new BadOption(option, text, `give ${option} as a number`);
    return value;
  };
