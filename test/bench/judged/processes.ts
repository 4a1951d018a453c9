import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';

/** Benches run from the top of the project. */
const ROOT = process.cwd();

export interface Gate {
  readonly url: string;
  readonly console: string;
  readonly process: ChildProcess;
  readonly startedAt: number;
}

type Settings = Readonly<Record<string, string>>;

/** `corral gate` as it is shipped, on ports of its own. Not ready yet when this resolves. */
export async function startGate(settings: Settings, flags: readonly string[] = []): Promise<Gate> {
  const startedAt = performance.now();
  const own = {
    CORRAL_GATE_LISTEN_PORT: '0',
    CORRAL_CONSOLE_LISTEN_PORT: '0',
    CORRAL_LOG_LEVEL: 'error',
  };
  const child = spawn(process.execPath, [...flags, join(ROOT, 'dist/cli/main.js'), 'gate'], {
    cwd: ROOT,
    env: { ...process.env, ...own, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const urls: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [url] = /http:\/\/[\d.]+:\d+/.exec(line) ?? [];
    if (url !== undefined) urls.push(url);
    if (urls.length === 2) break;
  }
  const [url, consoleUrl] = urls;
  if (url === undefined || consoleUrl === undefined) throw new Error('the gate did not start');
  return { url, console: consoleUrl, process: child, startedAt };
}

/** Resolves with the milliseconds from the start of the process to its being ready. */
export async function ready(gate: Gate, withinMs = 120_000): Promise<number> {
  for (;;) {
    const answer = await fetch(`${gate.console}/ready`).catch(() => undefined);
    const took = performance.now() - gate.startedAt;
    if (answer?.status === 200) return took;
    if (took > withinMs) throw new Error(`not ready: ${await answer?.text()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The smallest Marathon, as a process of its own. */
export async function startMarathon(): Promise<{ url: string; process: ChildProcess }> {
  const file = join(import.meta.dirname, `marathon${extname(import.meta.filename)}`);
  const child = spawn(process.execPath, [file], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return { url: `http://127.0.0.1:${port.toString().trim()}`, process: child };
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

/** Resident memory of a process now and at its highest, MiB. */
export function memoryOf({ pid }: ChildProcess): { now: number; most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): number =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
  return { now: of('VmRSS'), most: of('VmHWM') };
}
