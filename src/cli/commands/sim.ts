import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { openEmbeddedStore } from '../../ledger/embedded/store.ts';
import { Closers } from '../closers.ts';
import { type CliContext, untilStopped } from '../context.ts';
import { failuresTold, playDemo } from '../demo.ts';
import { createSimulation, loadDemoTopology } from '../simulation.ts';

interface SimFlags {
  readonly gate: boolean;
  readonly minutes: string;
}

/** `corral sim`: the simulated cluster alone, on a ledger that is thrown away. */
export function registerSim(program: Command, context: CliContext): void {
  program
    .command('sim')
    .description(
      'serve a simulated Marathon and Mesos; for a gate elsewhere, or to see them without one',
    )
    .option('--no-gate', 'play the demo script straight on Marathon and count the failed launches')
    .option('--minutes <n>', 'with --no-gate: how long to watch after the script', '1')
    .addHelpText('after', '\nExample:\n  corral sim --no-gate --minutes 2')
    .action((flags: SimFlags) => sim(context, flags));
}

async function sim(context: CliContext, flags: SimFlags): Promise<void> {
  const { clock, out, log, signal } = context;
  const closers = new Closers(log);
  const directory = mkdtempSync(join(tmpdir(), 'corral-sim-'));
  closers.add('files', () => Promise.resolve(rmSync(directory, { recursive: true, force: true })));
  try {
    const store = await openEmbeddedStore({ directory, clock, log });
    closers.add('ledger', () => store.close());
    await loadDemoTopology(store, clock);
    const settings = context.settings().sim;
    const simulated = createSimulation({ settings, store, clock, log, coolDownMs: 5_000 });
    const { marathonUrl, mesosUrl } = await simulated.start();
    closers.add('simulated cluster', () => simulated.stop());
    out(`simulated Marathon ${marathonUrl}, Mesos ${mesosUrl}`);
    if (flags.gate) return await untilStopped(signal);
    const pass = (ms: number): Promise<void> => clock.sleep(ms, signal);
    await playDemo({ sim: simulated, marathonUrl, mesosUrl, out, pass });
    out(`\n# ${flags.minutes} more: Marathon goes on launching what cannot start`);
    await pass(Math.max(0, Number(flags.minutes) || 0) * 60_000);
    out(failuresTold({ sim: simulated }));
  } finally {
    await closers.close();
  }
}
