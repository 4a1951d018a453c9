import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startShaper, type Shaper } from '../../../src/agent/shape/shaper.ts';
import type { Wanted } from '../../../src/agent/shape/asks.ts';
import { systemClock } from '../../../src/plumbing/clock.ts';
import { silentLog } from '../../../src/plumbing/log.ts';

const run = promisify(execFile);

/** Runs a program to its end; its output. */
export async function sh(line: string): Promise<string> {
  const [program = '', ...words] = line.split(' ');
  const { stdout } = await run(program, words, { maxBuffer: 64e6, timeout: 180_000 });
  return stdout;
}

export interface Container {
  readonly name: string;
  readonly address: string;
  readonly hostInterface: string;
  readonly netns: string;
  /** A process that lives in its namespace. */
  readonly pid: number;
}

export interface Stage {
  /** The host's namespace: a bridge, and the host's end of each veth. */
  readonly netns: string;
  readonly host: string;
  readonly peer: Container;
  add(octet: number): Promise<Container>;
  /** Makes the veth pair of a container; the former goes with its address. */
  wire(container: Container): Promise<void>;
  tc(words: string): Promise<string>;
  ip(words: string): Promise<string>;
  down(): Promise<void>;
}

const GATEWAY = '192.0.2.254';

/** A host with a bridge in a namespace of its own, and one container that is never limited. */
export async function stage(name: string): Promise<Stage> {
  const host = `cs-${name}-${process.pid}`;
  const spaces = [host];
  const anchors: ChildProcess[] = [];
  await sh(`ip netns add ${host}`);
  const ip = (words: string): Promise<string> => sh(`ip -n ${host} ${words}`);
  await ip('link set lo up');
  await ip('link add br0 type bridge');
  await ip('link set br0 up');
  await ip(`addr add ${GATEWAY}/24 dev br0`);
  const wire = async ({ hostInterface, address, name: space }: Container): Promise<void> => {
    await ip(`link add ${hostInterface} type veth peer name eth0 netns ${space}`);
    await ip(`link set ${hostInterface} master br0 up`);
    await sh(`ip -n ${space} addr add ${address}/24 dev eth0`);
    await sh(`ip -n ${space} link set eth0 up`);
  };
  const add = async (octet: number): Promise<Container> => {
    const space = `${host}-${octet}`;
    spaces.push(space);
    await sh(`ip netns add ${space}`);
    const anchor = spawn('nsenter', [`--net=/run/netns/${space}`, 'sleep', 'infinity']);
    anchors.push(anchor);
    const container = {
      pid: anchor.pid ?? 0,
      name: space,
      address: `192.0.2.${octet}`,
      hostInterface: `v${octet}`,
      netns: `/run/netns/${space}`,
    };
    await wire(container);
    await sh(`ip -n ${space} link set lo up`);
    return container;
  };
  return {
    host,
    netns: `/run/netns/${host}`,
    peer: await add(250),
    add,
    wire,
    tc: (words) => sh(`tc -n ${host} ${words}`),
    ip,
    down: async () => {
      for (const anchor of anchors) anchor.kill('SIGKILL');
      for (const space of spaces.reverse()) await sh(`ip netns del ${space}`);
    },
  };
}

export const UPLINK = { linkInKbit: 10e6, linkOutKbit: 10e6, overcommit: 1, headroom: 1 };

export const askFor = (
  { address, hostInterface }: Container,
  classMinor: number,
  mbit: number,
  outMbit = mbit,
): Wanted['asks'][number] => ({
  address,
  classMinor,
  netInKbit: mbit * 1000,
  netOutKbit: outMbit * 1000,
  at: { hostInterface },
});

/** A shaper that looks only when told to. */
export interface Told {
  readonly shaper: Shaper;
  set(wanted: Wanted): void;
  settle(): Promise<ReturnType<Shaper['state']>>;
}

export function shaperOn(netns: string, first: Wanted = { asks: [], uplink: UPLINK }): Told {
  let wanted = first;
  const shaper = startShaper({
    wanted: () => wanted,
    clock: systemClock,
    log: silentLog,
    everyMs: 600_000,
    netns,
  });
  return {
    shaper,
    set: (next) => {
      wanted = next;
    },
    settle: () => shaper.settle(AbortSignal.timeout(180_000)),
  };
}

export interface Flow {
  /** Mbit/s at the receiver: the whole run, and second by second. */
  readonly mbit: number;
  readonly seconds: readonly number[];
  /** Connections that were there to the end. */
  readonly streams: number;
  /** That each of them carried. */
  readonly bytes: readonly number[];
  /** Share of the time that sender and receiver waited for a CPU; 0 where the kernel does not tell. */
  readonly waited: number;
}

interface IperfReport {
  readonly error?: string;
  readonly intervals: readonly { readonly sum: { readonly bits_per_second: number } }[];
  readonly end: {
    readonly streams: readonly { readonly receiver: { readonly bytes: number } }[];
    readonly sum?: { readonly bits_per_second: number; readonly lost_percent: number };
    readonly sum_received: { readonly bits_per_second: number };
  };
}

const inside = (space: string, words: string): string[] => [
  `--net=/run/netns/${space}`,
  ...words.split(' '),
];

const RUNS_AHEAD = run('chrt', ['-r', '10', 'true']).then(
  () => true,
  () => false,
);

/**
 * What is put before a program that measures, so that it comes before all that shares the CPUs: at a load of 19
 * on 2 of them TCP at 1000 Mbit/s came to 880 to 957 without it, and to 956 and 957 with it. Nothing where that
 * is not allowed. A client of iperf3 spins while it waits for its server: two of them, first in first out, kept
 * the servers off both CPUs for ever. So clients take turns, and a server comes before them. See sched(7).
 */
const AHEAD = RUNS_AHEAD.then((allowed) => (allowed ? 'chrt -r 10 ' : ''));
const SERVED_AHEAD = RUNS_AHEAD.then((allowed) => (allowed ? 'chrt -f 11 ' : ''));

let port = 20_000;

/** Starts an iperf3 server and gives its end when it has served one client. */
async function serve(space: string, onPort: number): Promise<ChildProcess> {
  const words = `${await SERVED_AHEAD}iperf3 -s -1 -p ${onPort} --forceflush`;
  const server = spawn('nsenter', inside(space, words));
  await new Promise<void>((resolve, reject) => {
    server.stdout.on('data', (text: Buffer) => {
      if (text.includes('listening')) resolve();
    });
    server.on('close', () => reject(new Error('iperf3 did not listen')));
  });
  return server;
}

/** Traffic from one container to another. `words` as iperf3 takes them. */
export async function flow(from: Container, to: Container, words: string): Promise<Flow> {
  const onPort = (port += 1);
  const server = await serve(to.name, onPort);
  const waits = new Waits();
  try {
    const command = `${await AHEAD}iperf3 -c ${to.address} -p ${onPort} -J ${words}`;
    const running = run('nsenter', inside(from.name, command), {
      timeout: 300_000,
      maxBuffer: 64e6,
    });
    waits.follow(server.pid, running.child.pid);
    const { stdout } = await running;
    const report = JSON.parse(stdout) as IperfReport;
    assert.equal(report.error, undefined);
    return {
      waited: waits.share(),
      mbit: report.end.sum_received.bits_per_second / 1e6,
      seconds: report.intervals.map(({ sum }) => sum.bits_per_second / 1e6),
      streams: report.end.streams.length,
      bytes: report.end.streams.map(({ receiver }) => receiver.bytes),
    };
  } finally {
    waits.end();
    server.kill('SIGKILL');
  }
}

/** How long processes waited for a CPU. @see kernel, Documentation/scheduler/sched-stats.rst */
class Waits {
  readonly #ms = new Map<number, number>();
  readonly #began = performance.now();
  #looks: NodeJS.Timeout | undefined;

  follow(...pids: readonly (number | undefined)[]): void {
    const known = pids.filter((pid) => pid !== undefined);
    this.#looks = setInterval(() => {
      for (const pid of known) this.#look(pid);
    }, 50);
  }

  #look(pid: number): void {
    try {
      const [, waitedNs] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
      this.#ms.set(pid, Number(waitedNs) / 1e6);
    } catch {
      // it has ended, or this kernel does not tell
    }
  }

  share(): number {
    const sum = [...this.#ms.values()].reduce((all, ms) => all + ms, 0);
    return sum / (performance.now() - this.#began);
  }

  end(): void {
    clearInterval(this.#looks);
  }
}

/** Sends datagrams as fast as it can: 64 sockets, for each may have only so much in queues. */
const FLOOD = `
const [to, bytes, ms] = process.argv.slice(1);
const datagram = Buffer.alloc(Number(bytes));
const until = Date.now() + Number(ms);
for (let left = 64; left > 0; left -= 1) {
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('error', () => {});
  const send = () => (Date.now() < until ? socket.send(datagram, send) : process.exit());
  socket.connect(9, to, () => { for (let at = 0; at < 4; at += 1) send(); });
}
`;

/**
 * UDP from one container to another, in datagrams of `bytes`.
 *
 * @returns Mbit/s that left the sender, and the share of the time that it waited for a CPU
 */
export async function flood(
  from: Container,
  to: Container,
  bytes: number,
): Promise<Pick<Flow, 'mbit' | 'waited'>> {
  const [idle, began] = [sentBytes(from), performance.now()];
  const ahead = (await AHEAD).split(' ').filter((word) => word !== '');
  const argv = [...ahead, process.execPath, '-e', FLOOD, to.address, String(bytes), '3000'];
  const waits = new Waits();
  try {
    const space = `--net=/run/netns/${from.name}`;
    const running = run('nsenter', [space, ...argv], { timeout: 180_000 });
    waits.follow(running.child.pid);
    await running;
    const mbit = ((sentBytes(from) - idle) * 8) / 1e3 / (performance.now() - began);
    return { mbit, waited: waits.share() };
  } finally {
    waits.end();
  }
}

/** What is asked of a flow whose programs waited for a CPU: less by that share, and never less than half. */
export const excused = (mbit: number, { waited }: Pick<Flow, 'waited'>): number =>
  mbit * (1 - Math.min(0.5, waited));

/** Round trips in ms, sorted; `count` echoes, 100 a second. */
export async function roundTrips(from: Container, to: Container, count: number): Promise<number[]> {
  const words = `${await AHEAD}ping -n -i 0.01 -c ${count} -w 120 ${to.address}`;
  const { stdout } = await run('nsenter', inside(from.name, words), { timeout: 180_000 });
  return [...stdout.matchAll(/time=([\d.]+)/g)].map(([, ms]) => Number(ms)).sort((a, b) => a - b);
}

/** Echoes 100 times a second, and how many of them no answer came to. */
export async function echoes(
  from: Container,
  to: Container,
  count: number,
): Promise<{ readonly sent: number; readonly lost: number }> {
  const words = `${await AHEAD}ping -n -q -i 0.01 -c ${count} -W 10 ${to.address}`;
  const { stdout } = await run('nsenter', inside(from.name, words), { timeout: 180_000 });
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
  return { sent: Number(sent), lost: Number(sent) - Number(received) };
}

/** Mbit/s that arrive at the interface of a container in the time to come. */
export async function rateAt(container: Pick<Container, 'pid'>, withinMs: number): Promise<number> {
  const began = performance.now();
  const before = receivedBytes(container);
  await wait(withinMs);
  const after = receivedBytes(container);
  return ((after - before) * 8) / 1e3 / (performance.now() - began);
}

export const median = (sorted: readonly number[]): number => sorted[sorted.length >> 1] ?? NaN;

/** Bytes that arrived at the interface of a container. */
export function receivedBytes({ pid }: Pick<Container, 'pid'>): number {
  const [, received] = /eth0:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/net/dev`, 'utf8')) ?? [];
  return Number(received ?? NaN);
}

/** Bytes that left the interface of a container. */
export function sentBytes({ pid }: Container): number {
  const device = readFileSync(`/proc/${pid}/net/dev`, 'utf8');
  return Number(/eth0:\s*(?:\d+\s+){8}(\d+)/.exec(device)?.[1] ?? NaN);
}

/** Mbit/s at the interface of a container in the second from the first packets of a flow on. */
export async function firstSecond(container: Container): Promise<number> {
  const idle = receivedBytes(container);
  const patience = performance.now() + 5000;
  // the last moment at which it had not begun: who is late to see it must not count more than a second's bytes
  let began = performance.now();
  for (let next = began; receivedBytes(container) - idle < 20_000 && next < patience;) {
    began = next;
    await wait(1);
    next = performance.now();
  }
  await wait(1000);
  return ((receivedBytes(container) - idle) * 8) / 1e3 / (performance.now() - began);
}

/**
 * Up to five tries to reach some Mbit/s. Where none did, one must have come so near that what is missing is no
 * more than its programs waited for a CPU, and never more than half. What must not be passed the caller
 * asserts of each try.
 */
export async function reached(
  what: string,
  wanted: number,
  attempt: () => Promise<readonly Pick<Flow, 'mbit' | 'waited'>[]>,
): Promise<void> {
  const tries: (readonly Pick<Flow, 'mbit' | 'waited'>[])[] = [];
  for (let left = 5; left > 0; left -= 1) {
    const flows = await attempt();
    if (flows.every(({ mbit }) => mbit >= wanted)) return;
    tries.push(flows);
    await wait(500);
  }
  const isExcused = tries.some((flows) => flows.every((one) => one.mbit >= excused(wanted, one)));
  const told = tries.map((flows) =>
    flows.map(({ mbit, waited }) => `${mbit.toFixed(1)}, waiting ${(waited * 100).toFixed(0)} %`),
  );
  assert.ok(isExcused, `${what}: only ${told.join('; ')}`);
}

/** What `tc monitor` tells of changes in a namespace while something is done. */
export async function changesIn(
  netns: string,
  what: () => Promise<void>,
): Promise<readonly string[]> {
  const argv = [`--net=${netns}`, 'stdbuf', '-oL', 'tc', 'monitor'];
  const monitor = spawn('nsenter', argv, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  monitor.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const enter = (words: string) => run('nsenter', [`--net=${netns}`, ...words.split(' ')]);
  // once it tells of a change of one's own it has told of all before
  const heard = async (probe: string): Promise<void> => {
    for (let tries = 0; !text.includes(probe); tries += 1) {
      assert.ok(tries < 200, 'tc monitor tells nothing');
      await enter(`tc qdisc replace dev ${probe} root pfifo`);
      await wait(50);
    }
  };
  const probes = ['probe-1', 'probe-2'] as const;
  try {
    for (const probe of probes) await enter(`ip link add ${probe} type ifb`);
    await heard(probes[0]);
    await what();
    await heard(probes[1]);
    return text.split('\n').filter((line) => line !== '' && !line.includes('probe-'));
  } finally {
    monitor.kill('SIGKILL');
    for (const probe of probes) await enter(`ip link del ${probe}`);
  }
}

/** The best of up to five tries: a busy machine can slow a flow down, never speed it up. */
export async function bestOf<T>(what: () => Promise<T>, good: (outcome: T) => boolean): Promise<T> {
  for (let left = 4; ; left -= 1) {
    const outcome = await what();
    if (good(outcome) || left === 0) return outcome;
    await wait(200);
  }
}
