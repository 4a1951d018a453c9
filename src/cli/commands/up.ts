import type { Command } from 'commander';
import { type CliContext, untilStopped } from '../context.ts';
import { startConsole } from '../console-service.ts';
import { failuresTold, playDemo } from '../demo.ts';
import { startGateService } from '../gate-service.ts';
import { openLedger } from '../ledger.ts';
import { createSimulation, loadDemoTopology } from '../simulation.ts';
import { Closers } from '../closers.ts';

interface UpFlags {
  readonly demo: boolean;
}

/** `corral up`: everything of one machine in one process. */
export function registerUp(program: Command, context: CliContext): void {
  program
    .command('up')
    .description(
      'run ledger, gate and console; without a Marathon configured, a simulated cluster too',
    )
    .option('--no-demo', 'do not play the script of launches on the simulated cluster')
    .addHelpText('after', '\nExample:\n  corral up --config /etc/corral/corral.yaml')
    .action((flags: UpFlags) => up(context, flags));
}

/** `corral gate`: one of several gates on a shared ledger. */
export function registerGate(program: Command, context: CliContext): void {
  program
    .command('gate')
    .description('run a gate and its console on the ledger and Marathon of the settings')
    .addHelpText(
      'after',
      '\nExample:\n  CORRAL_GATE_MARATHON=http://marathon.example.org:8080 corral gate',
    )
    .action(() => up(context, { demo: false }));
}

async function up(context: CliContext, { demo }: UpFlags): Promise<void> {
  const { clock, out, log, signal } = context;
  const settings = context.settings();
  const closers = new Closers(log);
  try {
    const store = await openLedger(settings.ledger, { clock, log });
    closers.add('ledger', () => store.close());
    const simulated = settings.gate.marathon.length === 0;
    const sim = simulated
      ? createSimulation({ settings: settings.sim, store, clock, log, coolDownMs: 5_000 })
      : undefined;
    if (sim) await loadDemoTopology(store, clock);
    const started = await sim?.start();
    if (sim) closers.add('simulated cluster', () => sim.stop());
    const marathonUrls = started ? [started.marathonUrl] : settings.gate.marathon;
    const mesosUrls = started ? [started.mesosUrl] : settings.gate.mesos;
    const gate = await startGateService({ settings, marathonUrls, mesosUrls, store, clock, log });
    closers.add('gate', () => gate.stop());
    const console = await startConsole({ settings, store, gate, log });
    closers.add('console', async () => void (await console.close(2_000)));
    out(`gate      ${gate.url}   (in front of ${marathonUrls.join(', ')})`);
    out(
      `console   http://${settings.console.listen.host}:${console.port}/v1/nodes /v1/pools /v1/verdicts /ready /metrics`,
    );
    if (started)
      out(
        `simulated Marathon ${started.marathonUrl}, Mesos ${started.mesosUrl}: no Marathon is configured (gate.marathon)`,
      );
    if (sim && started && demo) {
      await gate.opened;
      const stage = { sim, marathonUrl: gate.url, mesosUrl: started.mesosUrl, out };
      await playDemo({ ...stage, pass: (ms) => clock.sleep(ms, signal) });
      out(`\n${failuresTold(stage)}`);
      out('\nyour turn: the README has three requests to try; stop with Ctrl-C');
    }
    await untilStopped(signal);
  } finally {
    await closers.close();
  }
}
