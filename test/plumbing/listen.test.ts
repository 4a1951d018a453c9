import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { Agent, get } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { CannotListen } from '../../src/plumbing/errors.ts';
import { listen } from '../../src/plumbing/listen.ts';

const loopback = { host: '127.0.0.1', port: 0 };

/** A server whose answers are ended by the test. */
async function slowServer() {
  const answers: ServerResponse[] = [];
  const listening = await listen((_, answer) => void answers.push(answer), loopback);
  return { ...listening, answers };
}

const answerOf = async (options: object): Promise<string> => {
  const [answer] = await once(get(options), 'response');
  let text = '';
  for await (const part of answer) text += String(part);
  return text;
};

describe('listen', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'corral-listen-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('says which port the system chose', async () => {
    const { port, close } = await listen((_, answer) => answer.end('hello'), loopback);
    assert.equal(await answerOf({ port, agent: false }), 'hello');
    assert.equal(await close(1_000), 0);
  });

  it('serves on a unix socket', async () => {
    const socketPath = join(folder, 'a.sock');
    const { port, close } = await listen((_, answer) => answer.end('hello'), {
      socket: socketPath,
    });
    assert.equal(port, 0);
    assert.equal(await answerOf({ socketPath, agent: false }), 'hello');
    await close(1_000);
  });

  it('takes over a socket whose process was killed', async () => {
    const socket = join(folder, 'dead.sock');
    const script = `require('net').createServer().listen(process.argv[1], () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', script, socket], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const { close } = await listen((_, answer) => answer.end(), { socket });
    await close(1_000);
  });

  it('leaves a socket alone that somebody answers on', async () => {
    const socket = join(folder, 'live.sock');
    const other = createServer().listen(socket);
    await once(other, 'listening');
    await assert.rejects(
      listen(() => undefined, { socket }),
      (thrown) => {
        assert.ok(thrown instanceof CannotListen);
        assert.equal(thrown.message, `cannot listen on ${socket}`);
        return true;
      },
    );
    other.close();
  });

  it('refuses a port in use by name', async () => {
    const first = await listen(() => undefined, loopback);
    await assert.rejects(
      listen(() => undefined, { host: '127.0.0.1', port: first.port }),
      new RegExp(`cannot listen on 127.0.0.1:${first.port}`),
    );
    await first.close(1_000);
  });

  it('lets a request under way end, then its kept-alive connection too', async () => {
    const { server, port, close, answers } = await slowServer();
    const agent = new Agent({ keepAlive: true });
    const text = answerOf({ port, agent });
    await once(server, 'request');
    const closed = close(60_000);
    answers[0]?.end('late');
    assert.equal(await text, 'late');
    assert.equal(await closed, 0);
    agent.destroy();
  });

  it('cuts what does not end within its bound, and says how many', async () => {
    const { server, port, close } = await slowServer();
    const text = answerOf({ port, agent: false });
    const refused = assert.rejects(text, /socket hang up/);
    await once(server, 'request');
    assert.equal(await close(20), 1);
    await refused;
    assert.equal(await close(20), 1);
  });
});
