import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { type Upstream, startRaw } from '../fakes/upstream.ts';
import { answerTo, until } from './forward-rig.ts';

const MIB = 1024 * 1024;
const SIZE = 100 * MIB;
/** Far below one body of 100 MiB, and far above what a young process needs to settle. */
const MOST_GROWTH = 64 * MIB;
/** Of SIZE: what the kernel may keep of an upload in the sockets of two connections, 37 MB each. */
const KERNELS_MOST = 0.8;

const chunk = Buffer.alloc(64 * 1024, 'x');
const manyBytes = () =>
  Readable.from(
    (function* () {
      for (let sent = 0; sent < SIZE; sent += chunk.length) yield chunk;
    })(),
  );

describe('a body of 100 MiB', () => {
  let upstream: Upstream;
  let child: ChildProcess;
  let gate: { port: number };
  /** Bytes that the upstream has handed to its socket, and bytes of requests it has read. */
  const moved = { down: 0, up: 0 };
  let reads = true;

  before(async () => {
    upstream = await startRaw(async (req, res) => {
      if (req.method === 'GET') {
        const counted = manyBytes().on('data', (bytes: Buffer) => (moved.down += bytes.length));
        await pipeline(counted, res).catch(() => undefined);
        return;
      }
      req.on('data', (bytes: Buffer) => (moved.up += bytes.length)).on('end', () => res.end());
      if (!reads) req.pause();
    });
    const file = join(import.meta.dirname, 'forward-child.ts');
    child = spawn(process.execPath, ['--import', 'tsx', file, upstream.url.href]);
    const [line] = (await once(child.stdout!, 'data')) as [Buffer];
    gate = { port: Number(line) };
    await through('/warm-up'); // code and buffers that stay are in the first figure
    await up();
  });
  after(async () => {
    child.kill();
    await once(child, 'exit');
    await upstream.close();
  });

  const resident = () =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) * 1024;
  async function through(path: string, look = () => undefined as void): Promise<number> {
    let bytes = 0;
    const res = await answerTo(gate, path);
    for await (const part of res) {
      bytes += (part as Buffer).length;
      look();
    }
    return bytes;
  }
  function upload(): { req: ClientRequest; whole: Promise<IncomingMessage> } {
    const headers = { 'Content-Length': SIZE };
    const req = request({ port: gate.port, method: 'POST', path: '/', headers, agent: false });
    const whole = once(req, 'response').then(([res]) => (res as IncomingMessage).resume());
    whole.catch(() => undefined);
    return { req, whole };
  }
  async function up(): Promise<void> {
    const { req, whole } = upload();
    await pipeline(manyBytes(), req);
    assert.equal((await whole).statusCode, 200);
  }

  it('comes down whole at flat memory', async () => {
    const before = resident();
    let most = 0;
    assert.equal(await through('/', () => void (most = Math.max(most, resident()))), SIZE);
    assert(most - before < MOST_GROWTH, `grew by ${most - before} bytes`);
  });

  it('goes up whole at flat memory', async () => {
    const before = resident();
    moved.up = 0;
    await up();
    assert.equal(moved.up, SIZE);
    assert(resident() - before < MOST_GROWTH, `grew by ${resident() - before} bytes`);
  });

  it('waits for a client that does not read', async () => {
    const before = resident();
    moved.down = 0;
    const res = await answerTo(gate, '/');
    res.pause();
    await still(() => moved.down);
    assert(moved.down < SIZE / 2, `marathon was drained of ${moved.down} bytes`);
    assert(resident() - before < MOST_GROWTH, `grew by ${resident() - before} bytes`);
    let rest = 0;
    for await (const part of res) rest += (part as Buffer).length;
    assert.equal(rest, SIZE);
  });

  it('waits for a Marathon that does not read', async () => {
    const before = resident();
    reads = false;
    moved.up = 0;
    const { req } = upload();
    let sent = 0;
    const source = manyBytes().on('data', (bytes: Buffer) => (sent += bytes.length));
    const over = pipeline(source, req).catch(() => undefined);
    await still(() => sent);
    assert(sent < SIZE * KERNELS_MOST, `the client got rid of ${sent} bytes`);
    assert(resident() - before < MOST_GROWTH, `grew by ${resident() - before} bytes`);
    req.destroy();
    await over;
  });
});

/** Until a count has stood still for a while, having moved. */
async function still(count: () => number): Promise<void> {
  let last = -1;
  let same = 0;
  await until('bytes stop moving', () => {
    const now = count();
    same = now === last && now > 0 ? same + 1 : 0;
    last = now;
    return same >= 50;
  });
}
