import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { PlanShape } from '../../console/shapes/plan.ts';
import { askConsole } from '../console-client.ts';
import type { CliDeps } from '../deps.ts';
import { facts, json, table } from '../table.ts';
import { BadFile } from '../topology-errors.ts';

interface PlanFlags {
  readonly console?: string;
  readonly json?: true;
}

/** The answers that mean "not all of it now": exit code 1 for scripts. */
const SHORT = new Set<PlanShape['answer']>(['refuse', 'hold']);

/** `corral plan app.json`: where it could go, and why not elsewhere. */
export function registerPlan(
  program: Command,
  deps: CliDeps,
  { consoleUrl, fail }: { consoleUrl: () => string; fail: () => void },
): void {
  program
    .command('plan')
    .description('tell where an app, pod or group could go, and why not elsewhere; nothing is sent')
    .argument('<file>', 'the definition as Marathon takes it, JSON; - for standard input')
    .option('--console <url>', 'the console port of a running gate')
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      '\nExample:\n  corral plan app.json\n\nExit code 1 when it would not be admitted whole.',
    )
    .action(async (file: string, flags: PlanFlags) => {
      const body = await contentOf(file);
      const url = flags.console ?? consoleUrl();
      const call = { url, path: '/v1/plan', body, signal: deps.signal };
      const plan = (await askConsole(call)) as PlanShape;
      deps.out(flags.json ? json(plan) : text(plan));
      if (SHORT.has(plan.answer)) fail();
    });
}

async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file === '-' ? '/dev/stdin' : file, 'utf8');
  } catch (fault) {
    throw new BadFile(file, fault instanceof Error ? fault.message : String(fault));
  }
}

function text({ answer, message, remedy, apps, nodes, moreNodes = 0 }: PlanShape): string {
  const head = facts([
    ['answer', answer],
    ['why', message],
    ...(remedy === undefined ? [] : [['way out', remedy] as const]),
  ]);
  const places = apps.flatMap((app) =>
    Object.entries(app.nodes).map(([node, count]) => [app.app, node, count] as const),
  );
  const added = apps
    .filter(({ inject }) => inject.length > 0)
    .map(({ app, inject }) => `${app} gets the constraints ${JSON.stringify(inject)}`);
  const parts = [head];
  if (places.length > 0) parts.push(table(['app', 'node', 'instances'], places, ''));
  if (added.length > 0) parts.push(added.join('\n'));
  if (nodes.length > 0) parts.push(reasons(nodes));
  if (moreNodes > 0) parts.push(`${moreNodes} more nodes, none of which holds more`);
  return parts.join('\n\n');
}

export const reasons = (nodes: PlanShape['nodes']): string =>
  table(
    ['node', 'fits', 'first short of'],
    nodes.map(({ node, fits, short }) => [node, fits, short ?? '-']),
    '',
  );
