import { readFileSync } from 'node:fs';
import type Joi from 'joi';
import { parseDocument } from 'yaml';
import { BadSettings } from './errors.ts';
import { leavesOf } from './leaves.ts';
import { overridesIn } from './overrides.ts';
import { settingsSchema, type Settings } from './settings.ts';

export interface SettingsFile {
  readonly path: string;
  /** True for a file that need not exist. */
  readonly optional?: boolean;
}

export interface SettingsSources {
  /** Later ones win, setting by setting; lists are replaced whole. */
  readonly files: readonly SettingsFile[];
  /** Wins over every file. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

type Tree = Readonly<Record<string, unknown>>;
/** Settings as one source states them. */
interface Layer {
  readonly source: string;
  readonly tree: Tree;
}

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Checked settings with every default filled in.
 *
 * @throws BadSettings with every fault at once: unreadable files, bad YAML, unknown keys and
 *         variables, values out of range
 */
export function loadSettings({ files, environment }: SettingsSources): Settings {
  const faults: string[] = [];
  const layers = files.flatMap((file) => layerOf(file, faults));
  const found = overridesIn(environment, leavesOf(settingsSchema));
  faults.push(...found.faults);
  for (const { path, variable, value } of found.overrides) {
    layers.push({ source: variable, tree: nested(path, value) as Tree });
  }
  const merged = layers.reduce<Tree>((under, { tree }) => over(under, tree), {});
  const outcome = settingsSchema.validate(merged, {
    abortEarly: false,
    errors: { wrap: { label: false } },
  });
  const invalid: readonly Joi.ValidationErrorItem[] = outcome.error?.details ?? [];
  faults.push(...invalid.map((item) => placed(item) + sourceOf(item.path, layers)));
  if (faults.length > 0) throw new BadSettings(faults);
  return outcome.value as Settings;
}

function layerOf({ path, optional = false }: SettingsFile, faults: string[]): Layer[] {
  const text = readFile(path, optional, faults);
  if (text === undefined) return [];
  const document = parseDocument(text);
  const problems = [...document.errors, ...document.warnings];
  for (const { message } of problems) faults.push(`${path}: ${message.split('\n')[0] ?? message}`);
  if (problems.length > 0) return [];
  const tree: unknown = treeOf(document, path, faults);
  if (tree === null || tree === undefined) return [];
  if (isTree(tree)) return [{ source: path, tree }];
  faults.push(`${path} must hold sections, each with its settings`);
  return [];
}

function treeOf(
  document: ReturnType<typeof parseDocument>,
  path: string,
  faults: string[],
): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (fault) {
    faults.push(`${path}: ${fault instanceof Error ? fault.message : String(fault)}`);
    return undefined;
  }
}

function readFile(path: string, optional: boolean, faults: string[]): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (fault) {
    const isAbsent = fault instanceof Error && 'code' in fault && fault.code === 'ENOENT';
    if (!(optional && isAbsent)) faults.push(`${path} cannot be read: ${String(fault)}`);
    return undefined;
  }
}

const nested = (path: readonly string[], value: unknown): unknown =>
  path.reduceRight((below, key) => ({ [key]: below }), value);

/** `upper` on top of `under`. An empty section in YAML is null and states nothing. */
const over = (under: Tree, upper: Tree): Tree => ({
  ...under,
  ...Object.fromEntries(
    Object.entries(upper)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, merge(under[key], value)]),
  ),
});

const merge = (under: unknown, upper: unknown): unknown =>
  isTree(upper) ? over(isTree(under) ? under : {}, upper) : upper;

/** Joi leaves the way to the section out of some messages. */
const placed = ({ message, path: [section = '', ...rest] }: Joi.ValidationErrorItem): string =>
  message.startsWith(String(section)) ? message : `${[section, ...rest].join('.')}: ${message}`;

/** The source that stated a setting last. */
function sourceOf(path: readonly (string | number)[], layers: readonly Layer[]): string {
  const states = ({ tree }: Layer): boolean => {
    let at: unknown = tree;
    for (const key of path)
      at = typeof at === 'object' && at !== null ? at[key as never] : undefined;
    return at !== undefined;
  };
  const source = layers.findLast(states)?.source;
  return source === undefined ? '' : ` (${source})`;
}
