import { readFile, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { parse, YAMLParseError } from 'yaml';
import { readTopology } from '../../core/topology-read.ts';
import { applySteps, applyTopology } from '../../ledger/topology.ts';
import type { CliDeps } from '../deps.ts';
import { withStore } from '../deps.ts';
import { stepText } from '../step-text.ts';
import { json } from '../table.ts';
import { BadFile } from '../topology-errors.ts';

interface ApplyFlags {
  readonly file: string;
  readonly dryRun?: true;
  readonly prune?: true;
  readonly json?: true;
}

const MOST_BYTES = 16_000_000;

/** `corral apply -f topology.yaml`: prints the difference, then makes the ledger so. */
export function registerApply(program: Command, deps: CliDeps): void {
  program
    .command('apply')
    .description('make networks, pools and nodes what a file says; saying it twice changes nothing')
    .requiredOption('-f, --file <file>', 'the topology, YAML or JSON')
    .option('--dry-run', 'only print the difference')
    .option('--prune', 'remove what the file does not name')
    .option('--json', 'the difference for programs')
    .addHelpText('after', '\nExample:\n  corral apply -f config/topology.example.yaml --dry-run')
    .action((flags: ApplyFlags) => apply(deps, flags));
}

async function apply(deps: CliDeps, flags: ApplyFlags): Promise<void> {
  const wanted = readTopology(await contentOf(flags.file));
  const { signal, clock } = deps;
  await withStore(deps, async (store) => {
    const options = { signal, clock, prune: flags.prune === true };
    const { steps, faults } = await applyTopology(store, wanted, { ...options, dryRun: true });
    for (const fault of faults) deps.err(`warning: ${fault.message}`);
    if (flags.json) deps.out(json(steps));
    else deps.out(steps.length === 0 ? 'nothing to change' : steps.map(stepText).join('\n'));
    if (flags.dryRun || steps.length === 0) return;
    await applySteps(store, steps, options);
    if (!flags.json) deps.out(`applied ${steps.length} changes`);
  });
}

async function contentOf(file: string): Promise<unknown> {
  try {
    const { size } = await stat(file);
    if (size > MOST_BYTES) throw new BadFile(file, `${size} bytes are over ${MOST_BYTES}`);
    return parse(await readFile(file, 'utf8')) ?? {};
  } catch (fault) {
    if (fault instanceof YAMLParseError || (fault instanceof Error && 'code' in fault))
      throw fault instanceof BadFile ? fault : new BadFile(file, firstLine(fault.message));
    throw fault;
  }
}

const firstLine = (text: string): string => text.split('\n')[0] ?? text;
