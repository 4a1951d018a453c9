import type { Command } from 'commander';
import { comeFirst } from '../../agent/priority.ts';
import { cleanKernel } from '../../agent/shape/shaper.ts';
import { startAgentService } from '../agent-service.ts';
import { Closers } from '../closers.ts';
import { type CliContext, untilStopped } from '../context.ts';
import { openLedgerBeside } from '../ledger.ts';

/** `corral agent`: the node's side of Corral. */
export function registerAgent(program: Command, context: CliContext): void {
  program
    .command('agent')
    .description("answer this node's Docker for addresses, and keep the ledger equal to what runs")
    .option('--clean', "take Corral's limits out of this node's kernel, and do nothing else")
    .addHelpText(
      'after',
      '\nRun it as root, one on each node, started before dockerd.' +
        '\nThe limits of running containers stay when it stops; --clean takes them out.' +
        '\n\nExample:\n  corral agent --config /etc/corral/corral.yaml' +
        '\n  docker network create --ipam-driver corral --ipam-opt network=prod ...',
    )
    .action(({ clean }: { clean?: true }) => (clean ? cleanUp(context) : agent(context)));
}

/** Limits outlive the agent by design: this is how they go. */
async function cleanUp({ out, signal, settings }: CliContext): Promise<void> {
  const { netns } = settings().agent.shape;
  const steps = await cleanKernel(signal, netns);
  out(
    steps === 0
      ? 'nothing of Corral was in the kernel'
      : `taken out of the kernel: ${steps} qdiscs, filters and interfaces of Corral`,
  );
}

async function agent(context: CliContext): Promise<void> {
  const { clock, log, signal, out } = context;
  const settings = context.settings();
  const closers = new Closers(log);
  comeFirst(settings.agent.nice, log);
  try {
    const store = await openLedgerBeside(settings.ledger, { clock, log });
    closers.add('ledger', () => store.close());
    const service = await startAgentService({ settings, store, clock, log });
    closers.add('agent', () => service.stop());
    out(`node     ${service.context.node}`);
    out(`driver   ${service.pluginSocket}, ${settings.agent.plugin} for docker`);
    out(`agent    ${settings.agent.socket}: /ready, /metrics`);
    await untilStopped(signal);
  } catch (fault) {
    if (!signal.aborted) throw fault; // what was under way when the process was told to stop
  } finally {
    await closers.close();
  }
}
