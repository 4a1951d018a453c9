import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { subjects, upstream } from './subjects.ts';

/**
 * Pass-through beside other proxies: wrk (1 thread, 64 connections) and the upstream on CPU 0, the
 * proxy alone on CPU 1. One round measures each proxy once, so that a busy machine slows all alike;
 * the table gives the median of the rounds. `ROUNDS`, `SECONDS` and `ONLY` change the run.
 */
const rounds = Number(process.env['ROUNDS'] ?? 1);
const seconds = Number(process.env['SECONDS'] ?? 5);
const only = process.env['ONLY'];
const chosen = subjects.filter(({ name }) => only === undefined || name.includes(only));
const sizes = ['1k', '200k'] as const;
type Size = (typeof sizes)[number];

/** Requests per second, and the proxy's CPU time for one of them, microseconds. */
interface Figures {
  readonly rate: number;
  readonly cost: number;
}

const dir = mkdtempSync(join(tmpdir(), 'corral-bench-'));
const measured = new Map<string, Figures[]>();
const origin = await free();
const source = await begin('0', upstream({ dir: join(dir, 'upstream'), port: origin }), origin);
try {
  for (let round = 0; round < rounds; round += 1)
    for (const { name, command } of chosen) await measure(name, command);
  print();
} finally {
  await end(source);
  rmSync(dir, { recursive: true, force: true });
}

async function measure(name: string, command: (typeof subjects)[number]['command']): Promise<void> {
  const port = await free();
  const proxy = await begin(
    '1',
    command({ dir: join(dir, `proxy-${port}`), port, to: origin }),
    port,
  );
  try {
    for (const size of sizes) {
      const url = `http://127.0.0.1:${port}/${size}`;
      await warmUp(url);
      const key = `${name} ${size}`;
      const before = cpuMicroseconds(proxy);
      const { rate, requests } = await wrk(url, seconds);
      // A peer that stops answering after its warm-up has no figure; http-proxy has been seen to.
      if (requests === 0) continue;
      const cost = (cpuMicroseconds(proxy) - before) / requests;
      measured.set(key, [...(measured.get(key) ?? []), { rate, cost }]);
    }
  } finally {
    await end(proxy);
  }
}

/** The JIT gets warm by requests, not by seconds: a busy machine needs more time, within reason. */
async function warmUp(url: string): Promise<void> {
  for (let turn = 0, warmed = 0; warmed < 10_000 && turn < 10; turn += 1)
    warmed += (await wrk(url, 2)).requests;
}

/** Requests answered per second; an answer that is no 2xx, or a broken one, ends the run. */
async function wrk(url: string, duration: number): Promise<{ rate: number; requests: number }> {
  const args = ['-c', '0', 'wrk', '-t1', '-c64', `-d${duration}s`, url];
  const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  await once(child, 'close');
  if (/Non-2xx|connect [1-9]|read [1-9]|write [1-9]/.test(out))
    throw new Error(`${url} did not answer well:\n${out}`);
  const [, rate] = /Requests\/sec:\s+([\d.]+)/.exec(out) ?? [];
  const [, requests] = /(\d+) requests in/.exec(out) ?? [];
  if (!rate || !requests) throw new Error(`wrk said nothing about ${url}:\n${out}`);
  return { rate: Number(rate), requests: Number(requests) };
}

/** CPU time used so far: fields 14 and 15 of proc(5) stat, in ticks of 10 ms. */
function cpuMicroseconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

async function begin(cpu: string, command: readonly string[], port: number): Promise<ChildProcess> {
  const child = spawn('taskset', ['-c', cpu, ...command], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (let turn = 0; turn < 300; turn += 1) {
    if (child.exitCode !== null)
      throw new Error(`${command.join(' ')} ended with ${child.exitCode}`);
    if (await answers(port)) return child;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${command.join(' ')} does not listen on ${port}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

async function free(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function median(name: string, size: Size, figure: keyof Figures): number {
  const all = (measured.get(`${name} ${size}`) ?? []).map((figures) => figures[figure]);
  return all.sort((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
}

/** How much of nginx with large buffers: by requests answered, and by CPU time for each. */
function row(name: string, size: Size): string {
  const best = 'nginx, large buffers';
  const rate = median(name, size, 'rate');
  const cost = median(name, size, 'cost');
  const ofRate = rate / median(best, size, 'rate');
  const ofCost = median(best, size, 'cost') / cost;
  if (Number.isNaN(rate)) return 'no answer | - | - | -';
  return `${Math.round(rate)} | ${ofRate.toFixed(2)} | ${cost.toFixed(0)} | ${ofCost.toFixed(2)}`;
}

function print(): void {
  const busy = loadavg()[0]?.toFixed(1);
  const machine = `${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}, load ${busy}`;
  console.log(`\n### Pass-through: ${machine}, median of ${rounds}\n`);
  for (const size of sizes) {
    console.log(`\n| GET ${size} | req/s | of nginx | CPU us each | of nginx |`);
    console.log('|---|---:|---:|---:|---:|');
    for (const { name } of chosen) console.log(`| ${name} | ${row(name, size)} |`);
  }
}
