import type { Command } from 'commander';
import { type CliContext, untilStopped } from '../context.ts';
import { startConsole } from '../console-service.ts';
import { failuresTold, playDemo } from '../demo.ts';
import { watchFence } from '../demo-fence.ts';
import type { Settings } from '../../config/settings.ts';
import type { Store } from '../../ledger/store.ts';
import type { Sim } from '../../sim/sim.ts';
import { type GateService, startGateService } from '../gate-service.ts';
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
  const { clock, log, signal } = context;
  const stated = context.settings();
  const settings = stated.gate.marathon.length > 0 ? stated : fencing(stated);
  const closers = new Closers(log);
  try {
    const store = await openLedger(settings.ledger, { clock, log });
    closers.add('ledger', () => store.close());
    const cluster = await clusterFor(context, { settings, store, closers });
    const gate = await startGateService({ settings, ...cluster, store, clock, log });
    closers.add('gate', () => gate.stop());
    const console = await startConsole({ settings, store, gate, log });
    closers.add('console', async () => {
      await console.close(2_000);
    });
    tell(context, { settings, gate, cluster, consolePort: console.port });
    if (cluster.sim && demo) await show(context, { gate, sim: cluster.sim, ...cluster });
    await untilStopped(signal);
  } catch (fault) {
    if (!signal.aborted) throw fault; // what was under way when the process was told to stop
  } finally {
    await closers.close();
  }
}

/** Nobody else's nodes are at stake on a simulated cluster, so the fence shows itself there. */
const fencing = (settings: Settings): Settings =>
  settings.fence.mode === 'watch'
    ? { ...settings, fence: { ...settings.fence, mode: 'on' } }
    : settings;

/** The Marathon and Mesos in front of which the gate stands; simulated when none is configured. */
interface Cluster {
  readonly marathonUrls: readonly string[];
  readonly mesosUrls: readonly string[];
  readonly sim?: Sim;
}

interface Starting {
  readonly settings: Settings;
  readonly store: Store;
  readonly closers: Closers;
}

/** How long a released address rests in the demo, ms: short, so that there is something to see. */
const DEMO_COOL_DOWN_MS = 5_000;

async function clusterFor(
  { clock, log }: CliContext,
  { settings, store, closers }: Starting,
): Promise<Cluster> {
  const { marathon: marathonUrls, mesos: mesosUrls } = settings.gate;
  if (marathonUrls.length > 0) return { marathonUrls, mesosUrls };
  await loadDemoTopology(store, clock);
  const coolDownMs = DEMO_COOL_DOWN_MS;
  const sim = createSimulation({ settings: settings.sim, store, clock, log, coolDownMs });
  const { marathonUrl, mesosUrl } = await sim.start();
  closers.add('simulated cluster', () => sim.stop());
  return { marathonUrls: [marathonUrl], mesosUrls: [mesosUrl], sim };
}

interface Running {
  readonly settings: Settings;
  readonly gate: GateService;
  readonly cluster: Cluster;
  readonly consolePort: number;
}

function tell({ out }: CliContext, { settings, gate, cluster, consolePort }: Running): void {
  const { marathonUrls, mesosUrls, sim } = cluster;
  out(`gate     ${gate.url}, in front of ${marathonUrls.join(', ')}`);
  out(`console  http://${settings.console.listen.host}:${consolePort}/ready`);
  if (sim)
    out(
      `Marathon and Mesos (${mesosUrls.join(', ')}) are simulated: gate.marathon names no Marathon`,
    );
}

async function show(
  { clock, out, signal }: CliContext,
  { gate, sim, mesosUrls }: { gate: GateService; sim: Sim; mesosUrls: readonly string[] },
): Promise<void> {
  await gate.opened;
  const pass = (ms: number): Promise<void> => clock.sleep(ms, signal);
  const fence = gate.fence && watchFence(gate.fence.book, out);
  await playDemo({ sim, marathonUrl: gate.url, mesosUrl: mesosUrls[0] ?? '', out, pass });
  fence?.end();
  out(`\n${failuresTold({ sim })}`);
  for (const line of fence?.told() ?? []) out(line);
  out('\nyour turn: the README has three requests to try; stop with Ctrl-C');
}
