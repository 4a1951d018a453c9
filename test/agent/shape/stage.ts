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
  const { stdout } = await run(program, words, { maxBuffer: 64e6, timeout: 60_000 });
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
    settle: () => shaper.settle(AbortSignal.timeout(30_000)),
  };
}

export interface Flow {
  /** Mbit/s at the receiver: the whole run, and second by second. */
  readonly mbit: number;
  readonly seconds: readonly number[];
  /** Connections that were there to the end. */
  readonly streams: number;
}

interface IperfReport {
  readonly error?: string;
  readonly intervals: readonly { readonly sum: { readonly bits_per_second: number } }[];
  readonly end: {
    readonly streams: readonly unknown[];
    readonly sum?: { readonly bits_per_second: number; readonly lost_percent: number };
    readonly sum_received: { readonly bits_per_second: number };
  };
}

const inside = (space: string, words: string): string[] => [
  `--net=/run/netns/${space}`,
  ...words.split(' '),
];

let port = 20_000;

/** Starts an iperf3 server and gives its end when it has served one client. */
async function serve(space: string, onPort: number): Promise<ChildProcess> {
  const server = spawn('nsenter', inside(space, `iperf3 -s -1 -p ${onPort} --forceflush`));
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
  try {
    const command = `iperf3 -c ${to.address} -p ${onPort} -J ${words}`;
    const { stdout } = await run('nsenter', inside(from.name, command), {
      timeout: 60_000,
      maxBuffer: 64e6,
    });
    const report = JSON.parse(stdout) as IperfReport;
    assert.equal(report.error, undefined);
    return {
      mbit: report.end.sum_received.bits_per_second / 1e6,
      seconds: report.intervals.map(({ sum }) => sum.bits_per_second / 1e6),
      streams: report.end.streams.length,
    };
  } finally {
    server.kill('SIGKILL');
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

/** UDP from one container to another, in datagrams of `bytes`. @returns Mbit/s that left the sender */
export async function flood(from: Container, to: Container, bytes: number): Promise<number> {
  const [idle, began] = [sentBytes(from), performance.now()];
  const argv = [process.execPath, '-e', FLOOD, to.address, String(bytes), '3000'];
  await run('nsenter', [`--net=/run/netns/${from.name}`, ...argv], { timeout: 30_000 });
  return ((sentBytes(from) - idle) * 8) / 1e3 / (performance.now() - began);
}

/** Round trips in ms, sorted; `count` echoes, 100 a second. */
export async function roundTrips(from: Container, to: Container, count: number): Promise<number[]> {
  const words = `ping -n -i 0.01 -c ${count} -w 20 ${to.address}`;
  const { stdout } = await run('nsenter', inside(from.name, words), { timeout: 60_000 });
  return [...stdout.matchAll(/time=([\d.]+)/g)].map(([, ms]) => Number(ms)).sort((a, b) => a - b);
}

export const median = (sorted: readonly number[]): number => sorted[sorted.length >> 1] ?? NaN;

/** Bytes that arrived at the interface of a container. */
export function receivedBytes({ pid }: Container): number {
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
  while (receivedBytes(container) - idle < 20_000 && performance.now() < patience) await wait(1);
  const began = performance.now();
  await wait(1000);
  return ((receivedBytes(container) - idle) * 8) / 1e3 / (performance.now() - began);
}

/** The best of up to five tries: a busy machine can slow a flow down, never speed it up. */
export async function bestOf<T>(what: () => Promise<T>, good: (outcome: T) => boolean): Promise<T> {
  for (let left = 4; ; left -= 1) {
    const outcome = await what();
    if (good(outcome) || left === 0) return outcome;
    await wait(200);
  }
}
