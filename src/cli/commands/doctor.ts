import { join } from 'node:path';
import type { Command } from 'commander';
import { openEngine } from '../../agent/docker/engine.ts';
import { probe } from '../../agent/doctor-probes.ts';
import { type Finding, findingsOf } from '../../agent/doctor.ts';
import { runTool } from '../../agent/run-tool.ts';
import { deskOf, nodeNameOf } from '../agent-service.ts';
import type { CliContext } from '../context.ts';
import { withStore } from '../deps.ts';
import { fenceDoctor } from '../fence-doctor.ts';
import { NodeUnwell } from '../node-errors.ts';
import { lastSeen } from '../seen-attributes.ts';
import { json } from '../table.ts';

/** `corral doctor --node`. */
export const registerDoctor = (program: Command, context: CliContext): void =>
  void program
    .command('doctor')
    .description('look whether this node can do what is asked of it; ends with 1 when it cannot')
    .option('--node', 'this node: kernel, Docker, the agent, pools and gateways (the default)')
    .option('--cluster', 'which fence the Mesos of the settings can carry, and why')
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      '\nRun it as root for --node.\n\nExample:\n  corral doctor --node\n  corral doctor --cluster',
    )
    .action((flags: Flags) =>
      flags.cluster ? fenceDoctor(context, flags) : doctor(context, flags),
    );

interface Flags {
  readonly json?: true;
  readonly cluster?: true;
}

const doctor = (context: CliContext, flags: { json?: true }): Promise<void> =>
  withStore(context, async (store) => {
    const { clock, log, out, signal } = context;
    const settings = context.settings().agent;
    const { plugin, pluginDirectory, docker, reconcileEveryMs, attributes } = settings;
    const attributesFile = attributes.file;
    const engine = openEngine({ socket: docker.socket });
    const seen = await lastSeen({ agent: settings });
    const desk = deskOf(settings, { store, clock, log, ...seen });
    try {
      const node = nodeNameOf(settings);
      const pluginSocket = join(pluginDirectory, `${plugin}.sock`);
      const facts = await probe(
        {
          ...{ node, engine, store, desk, pluginSocket, reconcileEveryMs, clock },
          ...(attributesFile !== undefined && { attributesFile }),
          run: runTool,
        },
        signal,
      );
      const findings = findingsOf(facts);
      out(flags.json ? json({ node, findings }) : findings.map(textOf).join('\n'));
      const bad = findings.filter(({ level }) => level === 'bad').length;
      if (bad > 0) throw new NodeUnwell(node, bad);
    } finally {
      engine.close();
      await desk.close();
    }
  });

const MARKS = { good: 'ok  ', warn: 'WARN', bad: 'BAD ' } as const;

const textOf = ({ name, level, says, remedy }: Finding): string =>
  [`${MARKS[level]}  ${name}: ${says}`, ...(remedy ? [`      way out: ${remedy}`] : [])].join('\n');
