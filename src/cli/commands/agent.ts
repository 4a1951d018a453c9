import type { Command } from 'commander';
import { startAgentService } from '../agent-service.ts';
import { Closers } from '../closers.ts';
import { type CliContext, untilStopped } from '../context.ts';
import { openLedgerBeside } from '../ledger.ts';

/** `corral agent`: the node's side of Corral. */
export function registerAgent(program: Command, context: CliContext): void {
  program
    .command('agent')
    .description("answer this node's Docker for addresses, and keep the ledger equal to what runs")
    .addHelpText(
      'after',
      '\nRun it as root, one on each node, started before dockerd.' +
        '\n\nExample:\n  corral agent --config /etc/corral/corral.yaml' +
        '\n  docker network create --ipam-driver corral --ipam-opt network=prod ...',
    )
    .action(() => agent(context));
}

async function agent(context: CliContext): Promise<void> {
  const { clock, log, signal, out } = context;
  const settings = context.settings();
  const closers = new Closers(log);
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
