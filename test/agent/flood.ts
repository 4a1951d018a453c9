import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import process from 'node:process';

const PORT = 9_000;
/** Takes whatever comes. */
const SERVER = `
require('node:net').createServer((socket) => {
  socket.on('error', () => {});
  socket.resume();
}).listen(${PORT}, '0.0.0.0', () => console.log('listening'));
`;

/** What a container runs that sends as fast as it can for some seconds from its first moment on. */
export const sending = (to: string, seconds: number): readonly string[] => [
  ...['sh', '-c', `timeout ${seconds} nc ${to} ${PORT} < /dev/zero; sleep 100000`],
];

/** One packet: who sent it, when by the kernel's clock, ms since the epoch, and its bytes on the wire. */
interface Packet {
  readonly from: string;
  readonly atMs: number;
  readonly bytes: number;
}

/** Where floods end, in the network namespace of a host, and a capture of what came through. */
export class Drain {
  readonly #children: readonly ChildProcess[];
  readonly #file: string;

  private constructor(children: readonly ChildProcess[], file: string) {
    this.#children = children;
    this.#file = file;
  }

  /** @param bridge  the packets that pass it are captured: those of containers after their limits */
  static async open(netns: string, bridge: string, file: string): Promise<Drain> {
    const server = spawn('nsenter', [`--net=${netns}`, process.execPath, '-e', SERVER]);
    await once(server.stdout, 'data');
    const filter = ['tcp', 'dst', 'port', String(PORT)];
    const capture = ['tcpdump', '-i', bridge, '-n', '-s', '64', '-B', '32768', '-w', file];
    const tcpdump = spawn('nsenter', [`--net=${netns}`, ...capture, ...filter]);
    await once(tcpdump.stderr, 'data'); // it listens
    server.stdout.resume();
    for (const { stderr } of [server, tcpdump]) stderr.resume();
    return new Drain([server, tcpdump], file);
  }

  /** @returns bytes that each sent in [from, to) ms after its first packet, by address */
  async close(...windows: readonly (readonly [from: number, to: number])[]) {
    for (const child of this.#children) {
      const ended = once(child, 'exit');
      child.kill('SIGINT'); // tcpdump writes what it has
      await ended;
    }
    const sent = new Map<string, { readonly firstMs: number; readonly bytes: number[] }>();
    for (const { from, atMs, bytes } of packetsIn(readFileSync(this.#file))) {
      const one = sent.get(from) ?? { firstMs: atMs, bytes: windows.map(() => 0) };
      sent.set(from, one);
      for (const [at, [begin, end]] of windows.entries()) {
        const afterMs = atMs - one.firstMs;
        if (afterMs >= begin && afterMs < end) one.bytes[at] = (one.bytes[at] ?? 0) + bytes;
      }
    }
    return sent;
  }
}

const FILE_HEADER = 24;
const PACKET_HEADER = 16;
/** Of the sender's address in an Ethernet frame. */
const SOURCE = 26;

/** @see pcap-savefile(5): seconds, microseconds, bytes kept, bytes on the wire */
function* packetsIn(file: Buffer): Generator<Packet> {
  for (let at = FILE_HEADER; at + PACKET_HEADER <= file.length;) {
    const [seconds = 0, micros = 0, kept = 0, bytes = 0] = [0, 4, 8, 12].map((field) =>
      file.readUInt32LE(at + field),
    );
    const frame = file.subarray(at + PACKET_HEADER, at + PACKET_HEADER + kept);
    at += PACKET_HEADER + kept;
    if (frame.length < SOURCE + 4) return;
    const from = [...frame.subarray(SOURCE, SOURCE + 4)].join('.');
    yield { from, atMs: seconds * 1e3 + micros / 1e3, bytes };
  }
}
