#!/usr/bin/env node
import process from 'node:process';
import type { Command } from 'commander';
import { loadSettings } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { systemClock } from '../plumbing/clock.ts';
import { keepHeapTight } from '../plumbing/heap.ts';
import { jsonLog, type Log } from '../plumbing/log.ts';
import { registerAgent } from './commands/agent.ts';
import { registerApply } from './commands/apply.ts';
import { registerAttributes } from './commands/attributes.ts';
import { registerAudit } from './commands/audit.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerFailures } from './commands/failures.ts';
import { registerFence } from './commands/fence.ts';
import { registerHeld } from './commands/held.ts';
import { registerLease } from './commands/lease.ts';
import { registerLedger } from './commands/ledger.ts';
import { registerLimit } from './commands/limit.ts';
import { registerNetwork } from './commands/network.ts';
import { registerNetworkCreate } from './commands/network-create.ts';
import { registerLedgerRebuild } from './commands/ledger-rebuild.ts';
import { registerNodeForget } from './commands/node-forget.ts';
import { registerNode } from './commands/node.ts';
import { registerPlan } from './commands/plan.ts';
import { registerPool } from './commands/pool.ts';
import { registerReport } from './commands/report.ts';
import { registerSim } from './commands/sim.ts';
import { registerGate, registerUp } from './commands/up.ts';
import { registerVerdict } from './commands/verdict.ts';
import type { CliContext } from './context.ts';
import { openLedgerBriefly } from './ledger.ts';
import { editorAt } from './operator.ts';
import { newProgram, run } from './run.ts';

const OWN_FILE = 'config/corral.yaml';

/** Commands that run until they are stopped. */
const SERVING = [registerUp, registerGate, registerAgent, registerSim] as const;

/** Commands that need the ledger and nothing else. */
const PLAIN: readonly ((program: Command, context: CliContext) => void)[] = [
  ...[registerVerdict, registerFailures, registerPool, registerNode, registerNetwork],
  ...[registerLease, registerLedger, registerAudit, registerApply, registerReport],
  ...[
    registerNetworkCreate,
    registerNodeForget,
    registerLedgerRebuild,
    registerDoctor,
    registerAttributes,
  ],
];

function main(): Promise<number> {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stopping.abort(new Error(`stopped by ${name}`)));
  // whoever reads us has seen enough: "corral lease list | head"
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (fault: NodeJS.ErrnoException) => {
      if (fault.code !== 'EPIPE') throw fault;
      process.exit(0);
    });
  const out = (text: string): void => void process.stdout.write(`${text}\n`);
  const err = (text: string): void => void process.stderr.write(`${text}\n`);
  const program = newProgram('corral', { out, err })
    .description('keeps Marathon from launching where the network cannot carry it')
    .option('--config <file>', 'settings, on top of config/corral.yaml; CORRAL_* variables win');
  let loaded: Settings | undefined;
  const settings = (): Settings =>
    (loaded ??= settingsFrom(program.opts<{ config?: string }>().config));
  const log = lazyLog(settings);
  const context: CliContext = {
    settings,
    log,
    openStore: () => openLedgerBriefly(settings().ledger, { clock: systemClock, log }),
    out,
    err,
    clock: systemClock,
    signal: stopping.signal,
  };
  let short = false;
  const fail = (): boolean => (short = true);
  for (const register of SERVING) register(program, context);
  registerPlan(program, context, { consoleUrl: () => urlOf(settings()), fail });
  for (const register of PLAIN) register(program, context);
  for (const register of [registerLimit, registerFence, registerHeld])
    register(program, context, editorAt(process.env, fail));
  return run(program, process.argv.slice(2), context).then((code) =>
    code === 0 && short ? 1 : code,
  );
}

function settingsFrom(file: string | undefined): Settings {
  const files = [
    { path: OWN_FILE, optional: true },
    ...(file === undefined ? [] : [{ path: file }]),
  ];
  return loadSettings({ files, environment: process.env });
}

const urlOf = ({ console: { listen } }: Settings): string => `http://${listen.host}:${listen.port}`;

/** Settings say how much is logged, and they are read only when a command needs them. */
function lazyLog(settings: () => Settings): Log {
  let made: Log | undefined;
  const log = (): Log => (made ??= jsonLog(settings().log.level));
  return {
    debug: (message, fields) => log().debug(message, fields),
    info: (message, fields) => log().info(message, fields),
    warn: (message, fields) => log().warn(message, fields),
    error: (message, fields) => log().error(message, fields),
    with: (fields) => log().with(fields),
  };
}

keepHeapTight();
process.exitCode = await main();
