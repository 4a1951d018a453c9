import type { Leaf } from './leaves.ts';

/** The value at a path, its variable, and the text it had. */
export interface Override {
  readonly path: readonly string[];
  readonly variable: string;
  readonly value: string | readonly string[];
}

export interface Overrides {
  readonly overrides: readonly Override[];
  readonly faults: readonly string[];
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`);

/** `gate.listen.port` is CORRAL_GATE_LISTEN_PORT, `gate.decideWithinMs` CORRAL_GATE_DECIDE_WITHIN_MS. */
export const variableOf = ({ path }: Pick<Leaf, 'path'>): string =>
  ['corral', ...path.map(snake)].join('_').toUpperCase();

/**
 * Settings that the environment states. Variables of other programs are not looked at; one that
 * starts with CORRAL_ and a section's name must be a setting. Lists are divided by commas; an empty
 * text is an empty list.
 */
export function overridesIn(
  environment: Readonly<Record<string, string | undefined>>,
  leaves: readonly Leaf[],
): Overrides {
  const known = new Map(leaves.map((leaf) => [variableOf(leaf), leaf]));
  const sections = new Set(
    leaves.map(({ path: [section = ''] }) => `CORRAL_${section.toUpperCase()}_`),
  );
  const overrides: Override[] = [];
  const faults: string[] = [];
  for (const [variable, text] of Object.entries(environment).sort()) {
    const leaf = known.get(variable);
    if (leaf && text !== undefined) {
      overrides.push({ path: leaf.path, variable, value: valueOf(leaf, text) });
    } else if ([...sections].some((start) => variable.startsWith(start))) {
      faults.push(`${variable} is not a setting`);
    }
  }
  return { overrides, faults };
}

const valueOf = ({ type }: Leaf, text: string): string | readonly string[] => {
  if (type !== 'array') return text;
  return text.trim() === '' ? [] : text.split(',').map((item) => item.trim());
};
