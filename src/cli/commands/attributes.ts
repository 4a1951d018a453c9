import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { applyAttributes } from '../../agent/attributes-apply.ts';
import { NoAttributesFile } from '../../agent/attributes-errors.ts';
import { type AttributesLook, lookAtAttributes } from '../../agent/attributes-file.ts';
import type { Ran } from '../../agent/run-tool.ts';
import {
  type AttributeChange,
  attributeChanges,
  mayWrite,
  PROCEDURE,
} from '../../core/attributes-diff.ts';
import { renderAttributes } from '../../core/attributes-text.ts';
import { nodeNameOf } from '../agent-service.ts';
import type { CliContext } from '../context.ts';
import { withStore } from '../deps.ts';
import { agentAtMaster } from '../mesos-agent.ts';
import { json, table } from '../table.ts';
import { BadOption } from '../topology-errors.ts';

interface NodeFlags {
  readonly node?: string;
  readonly file?: string;
}
interface RenderFlags extends NodeFlags {
  readonly format: string;
}
interface DiffFlags extends NodeFlags {
  readonly json?: true;
}
interface ApplyFlags extends NodeFlags {
  readonly restartCommand: string;
  readonly incompatible?: true;
}

/** `corral attributes render|diff|apply`. */
export function registerAttributes(program: Command, context: CliContext): void {
  const group = program
    .command('attributes')
    .description("what Mesos' agents are told about networks: pools, uplink, rack");
  const ofNode = (command: Command): Command =>
    command
      .option('--node <name>', 'default: this one')
      .option('--file <path>', "the agent's file, default agent.attributes.file");
  ofNode(group.command('render'))
    .description("a node's attributes as the ledger has them")
    .option('--format <format>', 'mesos: for --attributes=file://...; json', 'mesos')
    .addHelpText('after', '\nExample:\n  corral attributes render --node node-1.example.org')
    .action((flags: RenderFlags) => render(context, flags));
  ofNode(group.command('diff'))
    .description(
      'what differs from the file and from what the master has, and how it can be changed',
    )
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  corral attributes diff')
    .action((flags: DiffFlags) => diff(context, flags));
  ofNode(group.command('apply'))
    .description('write the file, restart the Mesos agent of this node, and see that it comes back')
    .requiredOption(
      '--restart-command <command>',
      'divided at spaces, or a JSON array; run without a shell',
    )
    .option('--incompatible', 'try what no restart brings about for an agent that keeps its id')
    .addHelpText(
      'after',
      '\nExample:\n  corral attributes apply --restart-command "systemctl restart mesos-slave"',
    )
    .action((flags: ApplyFlags) => apply(context, flags));
}

interface Where {
  readonly node: string;
  readonly path: string | undefined;
}

const whereOf = ({ settings }: CliContext, flags: NodeFlags): Where => {
  const { agent } = settings();
  const own = nodeNameOf(agent);
  const node = flags.node ?? own;
  // the file of the settings is that of this machine
  return { node, path: flags.file ?? (node === own ? agent.attributes.file : undefined) };
};

const look = (context: CliContext, where: Where): Promise<AttributesLook> =>
  withStore(context, (store) => lookAtAttributes(store, where, context.signal));

async function render(context: CliContext, flags: RenderFlags): Promise<void> {
  const { wanted, faults } = await look(context, whereOf(context, flags));
  if (flags.format === 'json') {
    context.out(json({ attributes: Object.fromEntries([...wanted].sort()), faults }));
    return;
  }
  if (flags.format !== 'mesos') throw new BadOption('--format', flags.format, 'give mesos or json');
  for (const fault of faults) context.err(`warning: ${fault}`);
  context.out(renderAttributes(wanted).trimEnd());
}

async function diff(context: CliContext, flags: DiffFlags): Promise<void> {
  const { policy } = context.settings().agent.attributes;
  const where = whereOf(context, flags);
  const seen = await look(context, where);
  const registered = await atMaster(context, where.node);
  const behind = registered && behindOf(registered, seen);
  if (flags.json) {
    context.out(
      json({ ...where, policy, changes: seen.changes, atMaster: behind, faults: seen.faults }),
    );
    return;
  }
  for (const fault of seen.faults) context.err(`warning: ${fault}`);
  const told = seen.changes.map((change) => [
    change.says,
    mayWrite(policy, change)
      ? 'by itself'
      : change.additive
        ? 'under additive, at a restart'
        : 'with a new agent id',
  ]);
  context.out(table(['change of the file', 'how'], told, 'the file is as the ledger has the node'));
  if (behind !== undefined && behind.length > 0)
    context.out(`\nthe master still has: ${behind.map(({ says }) => says).join('; ')}`);
  if (seen.changes.some((change) => !mayWrite(policy, change))) context.out(`\n${PROCEDURE}`);
}

/** What the master does not have as the ledger has it. */
const behindOf = (
  registered: Readonly<Record<string, string>>,
  { wanted }: AttributesLook,
): readonly AttributeChange[] => attributeChanges(new Map(Object.entries(registered)), wanted);

/** What the master has the node with; undefined when it cannot be asked, or does not list it. */
async function atMaster(
  { settings, signal, err }: CliContext,
  node: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  const master = agentAtMaster(settings().gate, node);
  try {
    return (await master?.registered(signal))?.attributes;
  } catch (fault) {
    signal.throwIfAborted();
    err(`warning: ${fault instanceof Error ? fault.message : String(fault)}`);
    return undefined;
  } finally {
    master?.close();
  }
}

async function apply(context: CliContext, flags: ApplyFlags): Promise<void> {
  const argv = argvOf(flags.restartCommand);
  const where = whereOf(context, flags);
  const { path } = where;
  if (path === undefined) throw new NoAttributesFile();
  const seen = await look(context, where);
  const registered = await atMaster(context, where.node);
  const isBehind = registered !== undefined && behindOf(registered, seen).length > 0;
  if (seen.changes.length === 0 && !isBehind) {
    context.out(`${path} is as the ledger has ${where.node}: nothing to do`);
    return;
  }
  const master = agentAtMaster(context.settings().gate, where.node);
  try {
    const { changes, confirmed } = await applyAttributes(
      {
        ...{ path, look: seen, clock: context.clock, incompatible: flags.incompatible ?? false },
        restart: (signal) => runArgv(argv, signal),
        ...(master && { registered: (signal: AbortSignal) => master.registered(signal) }),
      },
      context.signal,
    );
    for (const { says } of changes) context.out(says);
    context.out(
      confirmed
        ? 'the mesos agent is back under its id, with these attributes'
        : 'the restart command went well; no master could be asked whether the agent is back',
    );
  } finally {
    master?.close();
  }
}

/** @throws BadOption */
function argvOf(command: string): readonly string[] {
  const wrong = 'give a command, its words divided by spaces, or a JSON array of words';
  const bad = (): BadOption => new BadOption('--restart-command', command, wrong);
  if (!command.startsWith('[')) {
    const words = command.split(/\s+/).filter((word) => word !== '');
    if (words.length === 0) throw bad();
    return words;
  }
  try {
    const words: unknown = JSON.parse(command);
    if (Array.isArray(words) && words.length > 0 && words.every((word) => typeof word === 'string'))
      return words;
  } catch {
    // told below
  }
  throw bad();
}

const MOST_CHARACTERS = 100_000;

/** As runTool of the agent, but for as long as the signal lets it. */
const runArgv = ([program = '', ...argv]: readonly string[], signal: AbortSignal): Promise<Ran> =>
  new Promise((resolve) => {
    const child = spawn(program, argv, {
      signal,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { out: '', err: '' };
    const keep = (what: 'out' | 'err') => (text: string) => {
      said[what] = (said[what] + text).slice(0, MOST_CHARACTERS);
    };
    child.stdout.setEncoding('utf8').on('data', keep('out'));
    child.stderr.setEncoding('utf8').on('data', keep('err'));
    child.on('error', (fault) =>
      resolve({ code: signal.aborted ? 124 : 127, ...said, err: said.err || fault.message }),
    );
    child.on('exit', (code) => resolve({ code: code ?? 124, ...said }));
  });
