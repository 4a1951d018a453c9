import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';

/** What one sender has sent, and when it was last heard of, ms since the epoch. */
export interface Heard {
  readonly bytes: number;
  readonly atMs: number;
}

const PORT = 9_000;
/** Takes whatever comes and says each 200 ms how much came from whom. */
const SERVER = `
const heard = {};
require('node:net').createServer((socket) => {
  const from = socket.remoteAddress;
  heard[from] = { bytes: 0, atMs: Date.now() };
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    heard[from] = { bytes: heard[from].bytes + chunk.length, atMs: Date.now() };
  });
}).listen(${PORT}, '0.0.0.0', () => setInterval(() => console.log(JSON.stringify(heard)), 200));
`;

/** What a container runs that sends as fast as it can from its first moment on. */
export const sending = (to: string): readonly string[] => [
  ...['sh', '-c', `while :; do cat /dev/zero | nc ${to} ${PORT}; sleep 0.1; done`],
];

/** Where floods end: in the network namespace of a host. */
export class Drain {
  readonly #server: ChildProcess;
  #heard: Readonly<Record<string, Heard>> = {};

  private constructor(server: ChildProcess) {
    this.#server = server;
    let rest = '';
    server.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      const last = lines.at(-1);
      if (last) this.#heard = JSON.parse(last) as Record<string, Heard>;
    });
  }

  static async open(netns: string): Promise<Drain> {
    const argv = [`--net=${netns}`, process.execPath, '-e', SERVER];
    const server = spawn('nsenter', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    const drain = new Drain(server);
    if (server.stdout) await once(server.stdout, 'data');
    return drain;
  }

  from(address: string): Heard | undefined {
    return this.#heard[address];
  }

  async close(): Promise<void> {
    const ended = once(this.#server, 'exit');
    this.#server.kill('SIGKILL');
    await ended;
  }
}
