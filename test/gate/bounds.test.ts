import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, type Server, createServer } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createPermits, readBody } from '../../src/gate/bounds.ts';
import type { Refusal } from '../../src/core/errors.ts';
import { speak, startGate } from './forward-rig.ts';
import { startUpstream } from '../fakes/upstream.ts';

describe('readBody', () => {
  let server: Server;
  let waiting: ((req: IncomingMessage) => void)[] = [];
  before(async () => {
    server = createServer((req, res) => {
      waiting.shift()?.(req);
      req.on('end', () => res.end('read'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const sent = async (bytes: string): Promise<{ req: IncomingMessage; socket: Socket }> => {
    const arrived = new Promise<IncomingMessage>((resolve) => waiting.push(resolve));
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.write(bytes);
    return { req: await arrived, socket };
  };
  const post = (headers: string, body: string) =>
    `POST / HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${body}`;
  const codeOf = (code: string) => (fault: Refusal) => fault.code === code;

  for (const { says, headers, body, gives } of [
    {
      says: 'reads exact bytes by length',
      headers: 'Content-Length: 5',
      body: '{"a"}',
      gives: '{"a"}',
    },
    {
      says: 'reads exact bytes in chunks',
      headers: 'Transfer-Encoding: chunked',
      body: '2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n',
      gives: 'abcde',
    },
    { says: 'reads nothing as nothing', headers: 'X: y', body: '', gives: '' },
    {
      says: 'takes a body of just the limit',
      headers: 'Content-Length: 10',
      body: '0123456789',
      gives: '0123456789',
    },
  ]) {
    it(says, async () => {
      const { req, socket } = await sent(post(headers, body));
      assert.equal((await readBody(req, { maxBytes: 10, withinMs: 180_000 })).toString(), gives);
      socket.destroy();
    });
  }

  it('refuses an announced length over the limit before the body comes', async () => {
    const { req, socket } = await sent(post('Content-Length: 11', ''));
    await assert.rejects(
      readBody(req, { maxBytes: 10, withinMs: 180_000 }),
      codeOf('body-too-large'),
    );
    socket.destroy();
  });

  it('refuses chunks that add up to more than the limit, and reads the rest away', async () => {
    const { req, socket } = await sent(post('Transfer-Encoding: chunked', '6\r\nabcdef\r\n6\r\n'));
    const refused = assert.rejects(readBody(req, { maxBytes: 10, withinMs: 180_000 }), {
      message: 'the body is over the limit of 10 bytes',
    });
    socket.write('ghijkl\r\n0\r\n\r\n');
    await refused;
    await once(req, 'end');
    socket.destroy();
  });

  it('refuses a body that stops coming', async () => {
    const { req, socket } = await sent(post('Content-Length: 9', 'abc'));
    await assert.rejects(readBody(req, { maxBytes: 10, withinMs: 50 }), {
      message: 'the body was not complete within 50 ms: 3 bytes had come',
    });
    socket.destroy();
  });

  it('tells a client that left from one that is slow', async () => {
    const { req, socket } = await sent(post('Content-Length: 9', 'abc'));
    const refused = assert.rejects(
      readBody(req, { maxBytes: 10, withinMs: 180_000 }),
      codeOf('client-left'),
    );
    socket.destroy();
    await refused;
  });
});

describe('createPermits', () => {
  it('gives as many places as there are, and each back once', () => {
    const permits = createPermits(2);
    const first = permits.take();
    permits.take();
    assert.throws(() => permits.take(), { code: 'too-many-at-once', retryAfterSeconds: 1 });
    first();
    first();
    assert.equal(permits.taken, 1);
    permits.take();
    assert.throws(() => permits.take(), {
      message: '2 changes are being judged already, which is the limit',
    });
  });
});

describe('a server with bounds', () => {
  const status = (answer: string) => Number(answer.split(' ', 2)[1]);
  const get = (headers: string, target = '/') =>
    `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`;

  for (const { says, bytes, gives, ...wishes } of [
    {
      says: 'refuses headers over the size Node reads',
      bytes: get(`X: ${'y'.repeat(40_000)}\r\n`),
      gives: 431,
    },
    { says: 'refuses a request without Host', bytes: 'GET / HTTP/1.1\r\n\r\n', gives: 400 },
    { says: 'refuses what is not HTTP', bytes: 'hello\r\n\r\n', gives: 400 },
    {
      says: 'answers a slow head with 408',
      bytes: 'GET / HTTP/1.1\r\nHost: x\r\n',
      gives: 408,
      headWithinMs: 300,
    },
  ] as { says: string; bytes: string; gives: number; headWithinMs?: number }[]) {
    it(says, async () => {
      const upstream = await startUpstream((_, res) => res.end());
      const gate = await startGate([upstream.url], wishes);
      const answer = await speak(gate, bytes);
      assert.equal(status(answer), gives);
      assert.deepEqual(upstream.seen, []);
      await gate.close();
      await upstream.close();
    });
  }

  it('refuses too long a target and too many headers with codes for 414 and 431', async () => {
    const { checkHead } = await import('../../src/gate/bounds.ts');
    const limits = { maxTarget: 10, maxHeaders: 2 };
    const head = (url: string, rawHeaders: string[]) => ({ url, rawHeaders }) as IncomingMessage;
    checkHead(head('/123456789', ['a', '1', 'b', '2']), limits);
    assert.throws(() => checkHead(head('/1234567890', []), limits), { code: 'target-too-long' });
    assert.throws(() => checkHead(head('/', ['a', '1', 'b', '2', 'c', '3']), limits), {
      message: 'the request has 3 headers, over the limit of 2',
    });
  });

  it('counts every header that was sent, however many', async () => {
    const upstream = await startUpstream((_, res) => res.end());
    const gate = await startGate([upstream.url]);
    const many = Array.from({ length: 2100 }, (_, at) => `h${at}: 1\r\n`).join('');
    await speak(gate, get(many));
    assert.equal(upstream.seen[0]?.raw.filter((name) => /^h\d+$/.test(name)).length, 2100);
    await gate.close();
    await upstream.close();
  });
});
