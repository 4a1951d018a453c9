import { BadBody } from '../errors.ts';
import { member, type JsonObject } from './json.ts';

/** Largest 32-bit integer: Marathon's own limit for counts. */
export const MOST_INSTANCES = 2 ** 31 - 1;

export interface Figure {
  /** Taken when the member is absent or null. */
  readonly otherwise: number;
  /** 0 unless told. */
  readonly least?: number;
  /** 2^53 - 1 unless told. */
  readonly most?: number;
  readonly whole?: boolean;
}

/**
 * A number that our sums rest on. What Marathon would refuse too is refused here, so that no sum is
 * ever made of it.
 *
 * @param path  place of `of` in the body, '' for the body itself
 * @throws      BadBody naming the path
 */
export function figureAt(of: JsonObject, key: string, path: string, figure: Figure): number {
  const value = member(of, key) ?? figure.otherwise;
  const fault = faultIn(value, figure);
  if (fault !== undefined) throw new BadBody([{ path: `${path}/${key}`, errors: [fault] }]);
  return value as number;
}

function faultIn(value: unknown, { least = 0, most, whole = false }: Figure): string | undefined {
  const ceiling = most ?? Number.MAX_SAFE_INTEGER;
  if (typeof value !== 'number') return 'must be a number';
  if (!(value >= least)) return `must be at least ${least}, but is ${value}`;
  if (value > ceiling) return `must be at most ${ceiling}, but is ${value}`;
  if (whole && !Number.isInteger(value)) return `must be a whole number, but is ${value}`;
  return undefined;
}

/** Sum of decimal figures without the dust of binary fractions: 0.1 + 0.2 is 0.3. */
export const sumOf = (figures: readonly number[]): number =>
  Number(figures.reduce((sum, figure) => sum + figure, 0).toFixed(6));
