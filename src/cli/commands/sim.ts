import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Store } from '../../ledger/store.ts';
import type { Sim } from '../../sim/sim.ts';
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
  try {
    const store = await openPassingStore(context, closers);
    await loadDemoTopology(store, clock);
    const settings = context.settings().sim;
    const simulated = createSimulation({ settings, store, clock, log, coolDownMs: 5_000 });
    const urls = await simulated.start();
    closers.add('simulated cluster', () => simulated.stop());
    out(`simulated Marathon ${urls.marathonUrl}, Mesos ${urls.mesosUrl}`);
    if (flags.gate) await untilStopped(signal);
    else await playWithout(context, { sim: simulated, ...urls, minutes: flags.minutes });
  } catch (fault) {
    if (!signal.aborted) throw fault; // what was under way when the process was told to stop
  } finally {
    await closers.close();
  }
}

/** A ledger of its own that goes with the process: the installation's is left alone. */
async function openPassingStore({ clock, log }: CliContext, closers: Closers): Promise<Store> {
  const directory = mkdtempSync(join(tmpdir(), 'corral-sim-'));
  closers.add('files', () => {
    rmSync(directory, { recursive: true, force: true });
    return Promise.resolve();
  });
  const store = await openEmbeddedStore({ directory, clock, log });
  closers.add('ledger', () => store.close());
  return store;
}

interface Watched {
  readonly sim: Sim;
  readonly marathonUrl: string;
  readonly mesosUrl: string;
  readonly minutes: string;
}

async function playWithout({ clock, out, signal }: CliContext, watched: Watched): Promise<void> {
  const pass = (ms: number): Promise<void> => clock.sleep(ms, signal);
  await playDemo({ ...watched, out, pass });
  out(`\n# ${watched.minutes} min more: Marathon goes on launching what cannot start`);
  await pass(Math.max(0, Number(watched.minutes) || 0) * 60_000);
  out(failuresTold(watched));
}
