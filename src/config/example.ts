import { stringify } from 'yaml';
import { type Leaf, leavesOf } from './leaves.ts';
import { variableOf } from './overrides.ts';
import { settingsSchema } from './settings.ts';

const HEAD = `# Every setting of Corral with its meaning, unit, range and default. All are optional.
# Settings are read from config/corral.yaml, then from the file given with --config, then from the
# environment: the variable that overrides a setting stands beside it. Lists in variables are divided
# by commas. Unknown settings are refused.
`;

/** The text of config/corral.example.yaml: the schemas, written out. */
export function exampleText(): string {
  const lines: string[] = [HEAD];
  let open: readonly string[] = [];
  for (const leaf of leavesOf(settingsSchema)) {
    const groups = leaf.path.slice(0, -1);
    groups.forEach((group, depth) => {
      if (groups.slice(0, depth + 1).join('.') !== open.slice(0, depth + 1).join('.')) {
        lines.push(`${depth === 0 ? '\n' : ''}${indent(depth)}${group}:`);
      }
    });
    open = groups;
    lines.push(...settingLines(leaf));
  }
  return `${lines.join('\n').replace(/\n{3,}/g, '\n\n')}\n`;
}

const indent = (depth: number): string => '  '.repeat(depth);

function settingLines(leaf: Leaf): readonly string[] {
  const margin = indent(leaf.path.length - 1);
  const name = leaf.path.at(-1) ?? '';
  const stated =
    leaf.otherwise === undefined
      ? `# ${name}:`
      : stringify(
          { [name]: leaf.otherwise },
          { collectionStyle: 'flow', singleQuote: true, flowCollectionPadding: false },
        ).trim();
  return [
    `${margin}# ${leaf.description}`,
    `${margin}# ${[...limitsOf(leaf), variableOf(leaf)].join('; ')}`,
    `${margin}${stated.replace(/^\{(.*)\}$/, '$1')}`,
  ];
}

function limitsOf({ choices, unit, from, to, type }: Leaf): readonly string[] {
  if (from !== undefined && to !== undefined) return [`${from} to ${to} ${unit ?? ''}`.trim()];
  if (choices.length > 0) return [choices.join(', ')];
  return [type === 'array' ? 'list' : type];
}
