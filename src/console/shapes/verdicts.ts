import type { NodeReason, VerdictAsk, VerdictRecord } from '../../core/verdict-record.ts';
import { timeText } from './promises.ts';

/** One line of the decision log. */
export interface VerdictShape {
  readonly id: string;
  readonly at: string;
  /** Method and canonical path. */
  readonly change: string;
  readonly apps: readonly string[];
  readonly answer: VerdictRecord['answer'];
  readonly message: string;
}

/** A verdict by itself: what it was computed on and why not elsewhere. */
export interface VerdictDetailShape extends VerdictShape {
  readonly revision: number;
  readonly sequence: number;
  readonly asks: readonly VerdictAsk[];
  readonly nodes: readonly NodeReason[];
}

export const verdictShape = (id: string, record: VerdictRecord): VerdictShape => ({
  id,
  at: timeText(record.atMs),
  change: record.change,
  apps: record.apps,
  answer: record.answer,
  message: record.message,
});

export const verdictDetailShape = (id: string, record: VerdictRecord): VerdictDetailShape => ({
  ...verdictShape(id, record),
  revision: record.revision,
  sequence: record.sequence,
  asks: record.asks,
  nodes: record.nodes,
});
