import type { Answer, VerdictRecord } from '../core/verdict-record.ts';
import type { Asked } from './judge.ts';
import type { Weighed } from './weigh.ts';

/** What a verdict was computed on. */
export interface Seen {
  readonly sequence: number;
  readonly revision: number;
}

export interface Said {
  readonly weighed: Weighed;
  readonly at: Seen;
  readonly answer: Answer;
  readonly message: string;
}

/** Nodes beyond this many are left out of a verdict's record. */
export const NODES_KEPT = 200;

/** One line of the decision log. */
export function verdictOf(
  { route }: Pick<Asked, 'route'>,
  { weighed, at, answer, message }: Said,
  atMs: number,
): VerdictRecord {
  const { verdict, claims } = weighed;
  return {
    v: 1,
    atMs,
    change: `${route.kind} ${route.canonicalTarget}`,
    apps: claims.map(({ app }) => app),
    answer,
    message,
    revision: at.revision,
    sequence: at.sequence,
    asks: claims.map(({ app, instances, demand, constraints }) => ({
      app,
      instances,
      demand,
      constraints,
    })),
    nodes: verdict?.answer === 'refuse' ? verdict.nodes.slice(0, NODES_KEPT) : [],
  };
}
