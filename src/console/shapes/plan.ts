import type { Grant, Verdict } from '../../core/verdict.ts';
import type { NodeReason } from '../../core/verdict-record.ts';

/** What the gate would say to a definition, with nothing reserved and nothing sent. */
export interface PlanShape {
  readonly answer: Verdict['answer'];
  readonly message: string;
  /** What to try when the answer is refuse. */
  readonly remedy?: string;
  readonly apps: readonly PlannedShape[];
  /** When the answer is refuse: why not, by node. */
  readonly nodes: readonly NodeReason[];
  /** Nodes beyond those, which hold no more than the last of them; absent when there are none. */
  readonly moreNodes?: number;
}

export interface PlannedShape {
  readonly app: string;
  readonly instances: number;
  /** Most instances at once. */
  readonly target: number;
  /** Where they fit: one proof, by node and by pool. */
  readonly nodes: Readonly<Record<string, number>>;
  readonly pools: Readonly<Record<string, number>>;
  /** Constraints that the gate would add. */
  readonly inject: readonly (readonly string[])[];
}

const plannedShape = ({ claim, instances, target, witness, inject }: Grant): PlannedShape => ({
  app: claim.app,
  instances,
  target,
  nodes: Object.fromEntries(witness.nodes),
  pools: Object.fromEntries(witness.pools),
  inject,
});

export function planShape(verdict: Verdict): PlanShape {
  const { answer, message } = verdict;
  if (verdict.answer !== 'refuse')
    return { answer, message, apps: verdict.grants.map(plannedShape), nodes: [] };
  const { remedy, nodes, moreNodes } = verdict;
  return { answer, message, remedy, apps: [], nodes, ...(moreNodes > 0 && { moreNodes }) };
}
