/**
 * What Mesos says about one node, keyed elsewhere by the node's name (the agent's hostname).
 * Figures are what is free now: total less allocated; resources on offer count as free.
 */
export interface NodeFacts {
  /** Text forms as Marathon compares them (Constraints.getValueString). */
  readonly attributes: Readonly<Record<string, string>>;
  readonly region?: string;
  readonly zone?: string;
  /** False while the agent gets no offers: inactive, deactivated, draining, or not back yet. */
  readonly offered: boolean;
  /** Not offered, and it is our own fence that sees to it. */
  readonly isFenced?: true;
  readonly cpus: number;
  readonly memMiB: number;
  readonly diskMiB: number;
  readonly gpus: number;
  /** Free host ports, inclusive ranges, sorted, disjoint. */
  readonly ports: readonly (readonly [number, number])[];
}

/** Whether two sets of attributes say the same. */
export const sameAttributes = (
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): boolean => {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && one[name] === other[name])
  );
};

const samePorts = (one: NodeFacts['ports'], other: NodeFacts['ports']): boolean =>
  one.length === other.length &&
  one.every(([from, to], at) => from === other[at]?.[0] && to === other[at][1]);

const FIGURES = [
  ...(['region', 'zone', 'offered', 'isFenced'] as const),
  ...(['cpus', 'memMiB', 'diskMiB', 'gpus'] as const),
] as const;

/** Whether nothing a verdict looks at differs, so that an unchanged poll costs no recomputing. */
export const sameFacts = (one: NodeFacts, other: NodeFacts): boolean =>
  FIGURES.every((figure) => one[figure] === other[figure]) &&
  samePorts(one.ports, other.ports) &&
  sameAttributes(one.attributes, other.attributes);
