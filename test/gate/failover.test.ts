import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import type { ForwardResult } from '../../src/gate/forward.ts';
import { inTurn } from '../../src/gate/upstream.ts';
import { closedPort, startTcp, startUpstream } from '../fakes/upstream.ts';
import { type GateWishes, ask, startGate, until } from './forward-rig.ts';

const started: { close(): Promise<void> }[] = [];
const kept = <T extends { close(): Promise<void> }>(one: T): T => (started.push(one), one);
afterEach(async () => {
  for (const one of started.splice(0).reverse()) await one.close();
});
const gateTo = async (urls: URL[], wishes: GateWishes = {}) => kept(await startGate(urls, wishes));
const answering = async (text: string) => kept(await startUpstream((_, res) => res.end(text)));
/** Takes a request and closes the connection without a word. */
const hangingUp = async () =>
  kept(await startTcp((socket) => socket.once('data', () => socket.destroy())));
const said = ({ body }: { body: Buffer }) =>
  (JSON.parse(body.toString()) as { message: string }).message;

describe('endpoints in turn', () => {
  it('stay with one until it fails, and blame only the one in use', () => {
    const [a, b] = [new URL('http://192.0.2.1'), new URL('http://192.0.2.2')];
    const endpoints = inTurn([a, b]);
    endpoints.failed(b);
    assert.equal(endpoints.current(), a);
    endpoints.failed(a);
    endpoints.failed(a);
    assert.equal(endpoints.current(), b);
    endpoints.failed(b);
    assert.equal(endpoints.current(), a);
  });
});

describe('when an endpoint does not listen', () => {
  for (const { method, body } of [
    { method: 'GET', body: undefined },
    { method: 'POST', body: 'abc' },
    { method: 'DELETE', body: undefined },
  ]) {
    it(`${method} goes to the next one: nothing was sent`, async () => {
      const there = await answering('here');
      const gate = await gateTo([await closedPort(), there.url]);
      const reply = await ask(gate, '/x', { method, ...(body !== undefined && { body }) });
      assert.deepEqual([reply.status, reply.body.toString()], [200, 'here']);
      assert.equal(there.seen[0]?.body.toString(), body ?? '');
      await ask(gate, '/y');
      assert.deepEqual(
        there.seen.map(({ target }) => target),
        ['/x', '/y'],
      );
    });
  }

  it('the answer names every endpoint tried', async () => {
    const [a, b] = [await closedPort(), await closedPort()];
    const gate = await gateTo([a, b]);
    const reply = await ask(gate, '/');
    assert.equal(reply.status, 502);
    assert.equal(reply.headers['content-type'], 'application/json');
    assert.equal(
      said(reply),
      `marathon is unreachable: tried ${a.host}, ${b.host} (connection refused); ` +
        'check that Marathon runs and that the gate can reach it, then try again',
    );
    assert.equal(gate.results[0]?.outcome, 'refused-before-sending');
  });

  it('the answer names none when they are to stay hidden', async () => {
    const gate = await gateTo([await closedPort()], { hideUpstream: true });
    assert.match(said(await ask(gate, '/')), /tried endpoint 1 \(connection refused\)/);
  });
});

describe('when an endpoint hangs up before it answers', () => {
  it('a GET is asked once more, elsewhere', async () => {
    const there = await answering('here');
    const gate = await gateTo([(await hangingUp()).url, there.url]);
    assert.equal((await ask(gate, '/')).body.toString(), 'here');
  });

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    it(`${method} is not: marathon may have acted`, async () => {
      const there = await answering('here');
      const gate = await gateTo([(await hangingUp()).url, there.url]);
      const reply = await ask(gate, '/', { method, body: '{}' });
      assert.equal(reply.status, 502);
      assert.match(
        said(reply),
        /broke off the answer: the connection was closed; look at the deployments/,
      );
      assert.deepEqual(there.seen, []);
      assert.equal(gate.results[0]?.outcome, 'unknown');
    });
  }
});

describe('when an endpoint breaks off its answer', () => {
  for (const { says, head } of [
    { says: 'of a known length', head: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n' },
    { says: 'in chunks', head: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n32\r\n' },
  ]) {
    for (const version of ['1.1', '1.0']) {
      it(`${says}, an HTTP/${version} client sees a broken transfer`, async () => {
        const dying = kept(
          await startTcp((socket) => {
            socket.once('data', () => socket.write(`${head}begin`, () => socket.destroy()));
          }),
        );
        const gate = await gateTo([dying.url]);
        const socket = connect(gate.port, '127.0.0.1');
        let heard = '';
        const broken = new Promise<string>((resolve) => {
          socket.on('error', () => resolve('reset')).on('end', () => resolve('ended'));
        });
        socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
        socket.write(`GET / HTTP/${version}\r\nHost: x\r\n\r\n`);
        const how = await broken;
        // where only the end of the connection ends a body, a clean end would be a lie
        assert.equal(how, version === '1.0' && says === 'in chunks' ? 'reset' : 'ended');
        assert(!heard.endsWith('0\r\n\r\n'));
        assert.deepEqual(
          gate.results.map((result) => result.outcome === 'answered' && result.complete),
          [false],
        );
      });
    }
  }
});

describe('when an endpoint is silent', () => {
  it('the answer is 504 and says that marathon may have acted', async () => {
    const mute = kept(await startUpstream(() => undefined));
    const gate = await gateTo([mute.url], { headersWithinMs: 2_000 });
    const reply = await ask(gate, '/', { method: 'POST', body: '{}' });
    assert.equal(reply.status, 504);
    assert.match(said(reply), /did not answer within 2000 ms; look at the deployments/);
    assert.equal(gate.results[0]?.outcome, 'unknown');
    assert.equal(mute.seen.length, 1);
  });

  it('requests in line for a connection are told after the same time, and not sent later', async () => {
    const mute = kept(await startUpstream(() => undefined));
    const gate = await gateTo([mute.url], { connections: 1, waiting: 1, headersWithinMs: 2_000 });
    const statuses = Promise.all(['/1', '/2'].map(async (path) => (await ask(gate, path)).status));
    await until('one is with marathon', () => mute.seen.length === 1);
    assert.deepEqual((await statuses).sort(), [503, 504]);
    assert.equal(mute.seen.length, 1);
  });

  it('requests beyond the line are told at once', async () => {
    const mute = kept(await startUpstream(() => undefined));
    const gate = await gateTo([mute.url], { connections: 1, waiting: 0 });
    const first = request({ port: gate.port, agent: false }).on('error', () => undefined);
    first.end();
    await until('one is with marathon', () => mute.seen.length === 1);
    const reply = await ask(gate, '/');
    assert.deepEqual([reply.status, reply.headers['retry-after']], [503, '1']);
    first.destroy();
  });
});

describe('a judged request', () => {
  const judged = async (
    urls: URL[],
    judge: NonNullable<GateWishes['judge']> = {},
    more: GateWishes = {},
  ) => gateTo(urls, { judge, ...more });
  const post = {
    method: 'POST',
    body: '{"id": "/x"}',
    headers: { 'Transfer-Encoding': 'chunked', 'Content-Type': 'a/b' },
  };

  it('is sent once, plain, with the judged bytes and their length, to the judged target', async () => {
    const upstream = await answering('ok');
    const gate = await judged([upstream.url], {
      target: '/v2/apps//x',
      body: Buffer.from('judged'),
    });
    await ask(gate, '/v2/apps/%2Fx', {
      ...post,
      headers: { ...post.headers, 'Content-Encoding': 'identity', Expect: '100-continue' },
    });
    const [seen, ...more] = upstream.seen;
    assert.deepEqual(more, []);
    assert.deepEqual([seen?.target, seen?.body.toString()], ['/v2/apps//x', 'judged']);
    const { headers = {} } = seen ?? {};
    assert.deepEqual([headers['content-length'], headers['content-type']], ['6', 'a/b']);
    for (const gone of ['transfer-encoding', 'content-encoding', 'expect'])
      assert.equal(headers[gone], undefined);
  });

  it('trap 30: gets the answer as it is, and headers of ours', async () => {
    const upstream = kept(
      await startUpstream((_, res) =>
        res.writeHead(201, { 'Marathon-Deployment-Id': 'd' }).end('{"id":"/x"}'),
      ),
    );
    const gate = await judged([upstream.url], { added: ['X-Corral-Verdict', 'admit'] });
    const reply = await ask(gate, '/', post);
    assert.deepEqual([reply.status, reply.body.toString()], [201, '{"id":"/x"}']);
    assert.deepEqual(
      [reply.headers['marathon-deployment-id'], reply.headers['x-corral-verdict']],
      ['d', 'admit'],
    );
  });

  for (const { says, status, body } of [
    { says: 'an answer with a body', status: 409, body: '{"message":"locked"}' },
    { says: 'an answer without one', status: 204, body: '' },
  ]) {
    it(`tells the judge of ${says} before its last byte goes out`, async () => {
      const order: string[] = [];
      const upstream = kept(await startUpstream((_, res) => res.writeHead(status).end(body)));
      let release = (): void => undefined;
      const settled = new Promise<void>((resolve) => (release = resolve));
      const onAnswer = async (result: ForwardResult) => {
        order.push(
          result.outcome === 'answered' ? `judge ${result.status} ${String(result.body)}` : '',
        );
        setImmediate(release);
        await settled;
        order.push('settled');
      };
      const gate = await judged([upstream.url], { onAnswer });
      assert.equal((await ask(gate, '/', post)).status, status);
      order.push('client');
      assert.deepEqual(order, [`judge ${status} ${body}`, 'settled', 'client']);
    });
  }

  it('reaches the client although settling failed', async () => {
    const upstream = await answering('ok');
    const gate = await judged([upstream.url], {
      onAnswer: () => Promise.reject(new Error('no ledger')),
    });
    assert.equal((await ask(gate, '/', post)).body.toString(), 'ok');
  });

  it('keeps a copy of the first MiB only, and passes all of it', async () => {
    const upstream = kept(await startUpstream((_, res) => res.end(Buffer.alloc(3_000_000, 'x'))));
    const gate = await judged([upstream.url]);
    assert.equal((await ask(gate, '/', post)).body.length, 3_000_000);
    const [result] = gate.results;
    assert.equal(result?.outcome === 'answered' && result.body?.length, 1024 * 1024);
  });

  it('runs to its outcome when the client leaves', async () => {
    let answer = (): void => undefined;
    const upstream = kept(
      await startUpstream((_, res) => {
        answer = () => res.writeHead(201).end('late');
      }),
    );
    const gate = await judged([upstream.url]);
    const left = once(gate.server, 'connection').then(([socket]) =>
      once(socket as Socket, 'close'),
    );
    const req = request({ port: gate.port, method: 'POST', agent: false }).on(
      'error',
      () => undefined,
    );
    req.end('{}');
    await until('marathon has it', () => upstream.seen.length === 1);
    req.destroy();
    await left;
    answer();
    await until('the outcome is known', () => gate.results.length === 1);
    const [result] = gate.results;
    assert.deepEqual(result?.outcome === 'answered' && [result.status, String(result.body)], [
      201,
      'late',
    ]);
  });

  it('is not sent when the client left before', async () => {
    const upstream = await answering('ok');
    const gate = await judged([upstream.url]);
    const { forwarder } = gate;
    const leaving = createServer((req, res) => {
      const send = () => forwarder.send(req, res, { target: '/', body: Buffer.from('{}') });
      res.on('close', () => void send().then((result) => gate.results.push(result)));
      req.socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(leaving, 'listening');
    const { port } = leaving.address() as AddressInfo;
    await assert.rejects(ask({ port }, '/'));
    await until('the exchange is over', () => gate.results.length === 1);
    leaving.close();
    assert.equal(gate.results[0]?.outcome, 'refused-before-sending');
    assert.deepEqual(upstream.seen, []);
  });

  it('that an endpoint hung up on is unknown, and never sent again', async () => {
    let asked = 0;
    const rude = kept(
      await startTcp((socket) =>
        socket.once('data', () => {
          asked += 1;
          socket.destroy();
        }),
      ),
    );
    const gate = await judged([rude.url, rude.url]);
    assert.equal((await ask(gate, '/', post)).status, 502);
    assert.deepEqual([asked, gate.results[0]?.outcome], [1, 'unknown']);
  });

  it('whose answer broke off after its head has a known outcome, and the judge hears it', async () => {
    const dying = kept(
      await startTcp((socket) => {
        socket.once('data', () =>
          socket.write('HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\nbegin', () =>
            socket.destroy(),
          ),
        );
      }),
    );
    const heard: boolean[] = [];
    const onAnswer = async (result: ForwardResult) =>
      void heard.push(result.outcome === 'answered' && result.complete);
    const gate = await judged([dying.url], { onAnswer });
    await assert.rejects(ask(gate, '/', post));
    await until('the outcome is known', () => gate.results.length === 1);
    const [result] = gate.results;
    assert.deepEqual(result?.outcome === 'answered' && [result.status, result.complete], [
      201,
      false,
    ]);
    assert.deepEqual(heard, [false]);
  });
});
