import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';

export interface GateProcessOptions {
  /** Settings as the environment spells them, without `CORRAL_`: `GATE_HOLD: 'always'`. */
  readonly settings: Readonly<Record<string, string>>;
  /** A file of settings, for what the environment cannot say. */
  readonly config?: string;
}

/** `corral gate` as an operator starts it. */
export interface GateProcess {
  readonly url: string;
  readonly consoleUrl: string;
  /** What it logged so far, one JSON object a line. */
  readonly logged: readonly string[];
  /** SIGSTOP: it stands still in the middle of whatever it does, and does not know it. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Kill -9: nothing is undone. */
  kill(): Promise<void>;
  /** As an operator stops it. @returns the exit code */
  stop(): Promise<number | null>;
}

const STARTS_WITHIN_MS = 240_000;

/** Starts a gate process on ports of its own and waits until it is ready. */
export async function startGateProcess({
  settings,
  config,
}: GateProcessOptions): Promise<GateProcess> {
  const env = Object.fromEntries(
    Object.entries({
      GATE_LISTEN_PORT: '0',
      CONSOLE_LISTEN_PORT: '0',
      LOG_LEVEL: 'info',
      ...settings,
    }).map(([name, value]) => [`CORRAL_${name}`, value]),
  );
  const file = config === undefined ? [] : ['--config', config];
  const argv = ['--import', 'tsx', 'src/cli/main.ts', ...file, 'gate'];
  const child = spawn(process.execPath, argv, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const logged: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => logged.push(line));
  const told: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => told.push(line));
  const late = AbortSignal.timeout(STARTS_WITHIN_MS);
  const found = async (what: RegExp): Promise<string> => {
    for (;;) {
      const match = told.map((line) => what.exec(line)?.[1]).find((url) => url !== undefined);
      if (match !== undefined) return match;
      if (late.aborted || child.exitCode !== null)
        throw new Error(`the gate did not start: ${[...told, ...logged].join('\n')}`);
      await wait(10);
    }
  };
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
    return child.exitCode;
  };
  try {
    const url = await found(/^gate +(http:\/\/[^,]+),/);
    const consoleUrl = await found(/^console +(http:\/\/.+)\/ready$/);
    for (let ready = false; !ready; ready = await isReady(consoleUrl)) {
      late.throwIfAborted();
      await wait(20);
    }
    return {
      url,
      consoleUrl,
      logged,
      pause: () => void child.kill('SIGSTOP'),
      resume: () => void child.kill('SIGCONT'),
      kill: async () => void (await end('SIGKILL')),
      stop: () => end('SIGTERM'),
    };
  } catch (fault) {
    await end('SIGKILL');
    throw fault;
  }
}

const isReady = (consoleUrl: string): Promise<boolean> =>
  fetch(`${consoleUrl}/ready`, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
