import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

/** Settings as the environment spells them, without `CORRAL_`. */
export type Environment = Readonly<Record<string, string>>;

const MAIN = ['--import', 'tsx', 'src/cli/main.ts'];

const environmentOf = (settings: Environment): NodeJS.ProcessEnv => ({
  ...process.env,
  ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`CORRAL_${name}`, value])),
});

/** `corral agent` as systemd starts it. */
export interface AgentProcess {
  readonly logged: readonly string[];
  /** Kill -9: nothing is undone. */
  kill(): Promise<void>;
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number | null>;
}

/** Starts it and waits until its own socket is there. */
export async function startAgentProcess(settings: Environment): Promise<AgentProcess> {
  const child = spawn(process.execPath, [...MAIN, 'agent'], {
    env: environmentOf(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // in a session of its own
  });
  const exited = once(child, 'exit');
  const logged: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => logged.push(line));
  const told: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => told.push(line));
  for (const until = Date.now() + 180_000; !told.some((line) => line.startsWith('agent '));) {
    if (child.exitCode !== null || Date.now() > until)
      throw new Error(`the agent did not start: ${[...told, ...logged].join('\n')}`);
    await wait(20);
  }
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
    return child.exitCode;
  };
  return {
    logged,
    kill: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
  };
}

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One `corral` command, to its end. */
export function corral(settings: Environment, ...argv: readonly string[]): Promise<Said> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...MAIN, ...argv],
      { env: environmentOf(settings), timeout: 240_000 },
      (fault, out, err) => {
        const code = fault === null ? 0 : typeof fault.code === 'number' ? fault.code : -1;
        resolve({ code, out: out.trim(), err: err.trim() });
      },
    );
  });
}
