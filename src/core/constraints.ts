/** Marathon's placement operators (reference: src/main/scala/mesosphere/mesos/Constraints.scala). */
export type Operator = 'LIKE' | 'UNLIKE' | 'IS' | 'CLUSTER' | 'UNIQUE' | 'MAX_PER' | 'GROUP_BY';

export interface Constraint {
  /** `hostname` (also spelled `@hostname`), `@region`, `@zone`, or an attribute's name. */
  readonly field: string;
  readonly operator: Operator;
  readonly value?: string;
}
