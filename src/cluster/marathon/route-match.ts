import type { Query } from './query.ts';
import type { Route } from './route.ts';

/** A request in one reading of its path. */
export interface Asked {
  readonly method: string;
  readonly segments: readonly string[];
  readonly query: Query;
  /** Joins segments and gives the text that Marathon would take for an id. */
  readonly decode: (segments: readonly string[]) => string;
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

export const isReading = (method: string): boolean => READS.has(method);

export const sameRoute = (a: Route, b: Route): boolean => JSON.stringify(a) === JSON.stringify(b);
