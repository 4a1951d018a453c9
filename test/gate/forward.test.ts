import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  type Behaviour,
  type Upstream,
  startRaw,
  startTcp,
  startUpstream,
} from '../fakes/upstream.ts';
import {
  type Gate,
  type GateWishes,
  answerTo,
  ask,
  speak,
  startGate,
  until,
} from './forward-rig.ts';

/** Whatever a test started, ended after it. */
const started: { close(): Promise<void> }[] = [];
const kept = <T extends { close(): Promise<void> }>(one: T): T => (started.push(one), one);
afterEach(async () => {
  for (const one of started.splice(0).reverse()) await one.close();
});

async function between(upstream: Upstream, wishes: GateWishes = {}): Promise<Gate> {
  kept(upstream);
  return kept(await startGate([upstream.url], wishes));
}
const behind = async (behave: Behaviour, wishes: GateWishes = {}) => {
  const upstream = await startUpstream(behave);
  return { upstream, gate: await between(upstream, wishes) };
};
const text = ({ body }: { body: Buffer }) => body.toString();
const said = (reply: { body: Buffer }) => (JSON.parse(text(reply)) as { message: string }).message;

describe('an answer on its way to the client', () => {
  it('keeps status, reason, headers and bytes', async () => {
    const { gate } = await behind((_, res) => {
      res.writeHead(418, 'Short and Stout', [
        'X-Odd',
        'a',
        'x-odd',
        'b',
        'Set-Cookie',
        'a=1',
        'Set-Cookie',
        'b=2',
      ]);
      res.end('tea');
    });
    const res = await answerTo(gate, '/');
    assert.equal(res.statusMessage, 'Short and Stout');
    const raw = (name: string) =>
      res.rawHeaders.filter((_, at) => at % 2 && res.rawHeaders[at - 1] === name);
    assert.deepEqual(
      [raw('X-Odd'), raw('x-odd'), raw('Set-Cookie')],
      [['a'], ['b'], ['a=1', 'b=2']],
    );
    res.resume();
  });

  it('leaves gzip as it is', async () => {
    const packed = gzipSync('x'.repeat(10_000));
    const { gate } = await behind((_, res) => {
      res.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': packed.length });
      res.end(packed);
    });
    const reply = await ask(gate, '/', { headers: { 'Accept-Encoding': 'gzip' } });
    assert.deepEqual(reply.body, packed);
    assert.equal(reply.headers['content-encoding'], 'gzip');
  });

  it('passes chunks of unknown length', async () => {
    const { gate } = await behind((_, res) => {
      res.write('one ');
      setImmediate(() => res.end('two'));
    });
    const reply = await ask(gate, '/');
    assert.equal(text(reply), 'one two');
    assert.equal(reply.headers['transfer-encoding'], 'chunked');
  });

  for (const { says, method, status, length } of [
    { says: 'has no body for HEAD, but its length', method: 'HEAD', status: 200, length: '12345' },
    { says: 'has no body for 204', method: 'DELETE', status: 204, length: undefined },
    { says: 'has no body for 304', method: 'GET', status: 304, length: '12345' },
  ]) {
    it(says, async () => {
      const { gate } = await behind((_, res) => {
        res.writeHead(status, length ? { 'Content-Length': length } : {}).end();
      });
      const reply = await ask(gate, '/', { method });
      assert.deepEqual([reply.status, reply.body.length], [status, 0]);
      assert.equal(reply.headers['content-length'], length);
      assert.equal((await ask(gate, '/', { method })).status, status);
    });
  }

  it('leaves out interim answers', async () => {
    const { gate } = await behind((_, res) => {
      res.writeEarlyHints({ link: '</x>; rel=preload' });
      res.end('final');
    });
    assert.equal(text(await ask(gate, '/')), 'final');
  });

  it('cannot carry header lines of its own making', async () => {
    const gate = await between(
      await startTcp((socket) =>
        socket.once('data', () =>
          socket.write('HTTP/1.1 200 OK\r\nX-A: b\x7f\r\nContent-Length: 0\r\n\r\n', 'latin1'),
        ),
      ),
    );
    const reply = await ask(gate, '/');
    assert.equal(reply.status, 502);
    assert.match(said(reply), /broke off the answer: it is not proper HTTP/);
  });

  it('is a 502 when it is not HTTP', async () => {
    const gate = await between(
      await startTcp((socket) => socket.once('data', () => socket.end('what?\r\n'))),
    );
    assert.equal((await ask(gate, '/', { method: 'POST' })).status, 502);
  });
});

describe('server-sent events', () => {
  it('come one by one, head first, and end with the client', async () => {
    let stream: ServerResponse | undefined;
    const { gate, upstream } = await behind((_, res) => {
      stream = res;
      res.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
    });
    const res = await answerTo(gate, '/v2/events', { headers: { Accept: 'text/event-stream' } });
    for (const event of ['event: a\ndata: 1\n\n', 'event: b\ndata: 2\n\n']) {
      stream?.write(event); // the next is written only when this one has arrived
      assert.equal(String((await once(res, 'data'))[0]), event);
    }
    res.destroy();
    await until('marathon is told that the client left', () => upstream.sockets.size === 0);
  });

  const standby =
    (leader: URL): Behaviour =>
    (_, res) => {
      res.writeHead(302, { Location: `${leader.origin}/v2/events` }).end('go there');
    };
  const events: Behaviour = (_, res) =>
    res.writeHead(200, { 'Content-Type': 'text/event-stream' }).end('data: 1\n\n');

  it('trap 31: of a standby are fetched from the leader, with query and Authorization', async () => {
    const leader = kept(await startUpstream(events));
    const { gate } = await behind(standby(leader.url));
    const headers = { Accept: 'text/event-stream', Authorization: 'token=x' };
    const reply = await ask(gate, '/v2/events?event_type=a', { headers });
    assert.deepEqual([reply.status, text(reply)], [200, 'data: 1\n\n']);
    assert.equal(leader.seen[0]?.target, '/v2/events?event_type=a');
    assert.equal(leader.seen[0]?.headers.authorization, 'token=x');
  });

  it('are not chased round in circles', async () => {
    const { gate, upstream } = await behind((_, res) => {
      res.writeHead(302, { Location: `${upstream.url.origin}/v2/events` }).end();
    });
    const reply = await ask(gate, '/v2/events');
    assert.deepEqual([reply.status, reply.headers.location], [302, '/v2/events']);
    assert.equal(upstream.seen.length, 4);
  });

  it('have connections of their own, so that reads go on beside them', async () => {
    const { gate } = await behind(
      (req, res) => (req.url === '/v2/events' ? res.write('data: 1\n\n') : res.end('pong')),
      { connections: 1, eventConnections: 1 },
    );
    const held = await answerTo(gate, '/v2/events');
    assert.equal(text(await ask(gate, '/ping')), 'pong');
    const refused = await ask(gate, '/v2/events');
    assert.equal(refused.status, 503);
    assert.equal(
      said(refused),
      'all 1 event streams to marathon are in use; try again in a second',
    );
    held.destroy();
  });
});

describe('Location', () => {
  const created: Behaviour = (req, res) => {
    res.writeHead(201, {
      Location: `http://${req.headers.host}/v2/apps//x`,
      'X-Marathon-Leader': 'http://192.0.2.9:8080',
    });
    res.end();
  };
  for (const { says, wishes, gives } of [
    { says: 'of Marathon leads back to the gate', wishes: {}, gives: '/v2/apps//x' },
    {
      says: 'names the public base when set',
      wishes: { publicBase: 'https://gate.example.org' },
      gives: 'https://gate.example.org/v2/apps//x',
    },
  ]) {
    it(says, async () => {
      const { gate } = await behind(created, wishes);
      const reply = await ask(gate, '/v2/apps', { method: 'POST', body: '{}' });
      assert.equal(reply.headers.location, gives);
      assert.equal(reply.headers['x-marathon-leader'], 'http://192.0.2.9:8080');
    });
  }

  it('trap 31: of the leader behind a standby leads back too, and the leader can be hidden', async () => {
    const { gate } = await behind(
      (_, res) => {
        res
          .writeHead(201, {
            Location: 'http://192.0.2.9:8080/x',
            'X-Marathon-Leader': 'http://192.0.2.9:8080',
          })
          .end();
      },
      { hideUpstream: true },
    );
    const { headers } = await ask(gate, '/v2/apps', { method: 'POST', body: '{}' });
    assert.deepEqual([headers.location, headers['x-marathon-leader']], ['/x', undefined]);
  });

  it('is left alone where it is an app id', async () => {
    const { gate } = await behind((_, res) => res.writeHead(201, { Location: '/shop//x' }).end());
    assert.equal((await ask(gate, '/')).headers.location, '/shop//x');
  });
});

describe('a request on its way to Marathon', () => {
  const echo: Behaviour = (_, res, { body }) => res.end(body);

  it('keeps method, target and headers, less those of the connection', async () => {
    const { gate, upstream } = await behind(echo);
    const target = '/v2/apps//a/../b;m=1/%2Fc?x=%20&x=y';
    await ask(gate, target, {
      headers: {
        Host: 'gate.example.org',
        'X-Marathon-Via': 'me',
        Connection: 'close, x-hop',
        'X-Hop': '1',
        TE: 'trailers',
      },
    });
    const { headers, ...seen } = upstream.seen[0]!;
    assert.equal(seen.target, target);
    assert.equal(headers.host, upstream.url.host);
    assert.equal(headers['x-forwarded-host'], 'gate.example.org');
    assert.equal(headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(headers['x-marathon-via'], 'me');
    assert.deepEqual([headers['x-hop'], headers.te], [undefined, undefined]);
  });

  it('goes below the path Marathon is mounted under', async () => {
    const upstream = kept(await startUpstream((_, res) => res.end()));
    const gate = kept(await startGate([new URL('/service/marathon/', upstream.url)]));
    await ask(gate, '/v2/info');
    assert.equal(upstream.seen[0]?.target, '/service/marathon/v2/info');
  });

  for (const { says, method, body } of [
    { says: 'DELETE without a body has none', method: 'DELETE', body: undefined },
    { says: 'DELETE with a body keeps it', method: 'DELETE', body: '{"a":1}' },
    { says: 'PUT keeps its body', method: 'PUT', body: '{"a":1}' },
    { says: 'POST of nothing says so', method: 'POST', body: '' },
  ]) {
    it(says, async () => {
      const { gate, upstream } = await behind(echo);
      await ask(gate, '/', {
        method,
        ...(body !== undefined && { body }),
      });
      const { headers, body: arrived } = upstream.seen[0]!;
      assert.equal(arrived.toString(), body ?? '');
      assert.equal(headers['content-length'], body === undefined ? undefined : `${body.length}`);
      assert.equal(headers['transfer-encoding'], undefined);
    });
  }

  it('gets a Content-Length for small chunked bodies, which a standby would lose', async () => {
    const { gate, upstream } = await behind(echo);
    const reply = await ask(gate, '/', {
      method: 'POST',
      headers: { 'Transfer-Encoding': 'chunked' },
      body: 'abc',
    });
    assert.equal(text(reply), 'abc');
    assert.equal(upstream.seen[0]?.headers['content-length'], '3');
  });

  it('streams a long chunked body, first bytes included', async () => {
    const { gate, upstream } = await behind(echo);
    const body = Buffer.from(Array.from({ length: 300_000 }, (_, at) => `${at} `).join(''));
    const reply = await ask(gate, '/', {
      method: 'POST',
      headers: { 'Transfer-Encoding': 'chunked' },
      body,
    });
    assert(reply.body.equals(body));
    assert.equal(upstream.seen[0]?.headers['transfer-encoding'], 'chunked');
  });

  it('is told to go on when it asks with Expect', async () => {
    const { gate, upstream } = await behind(echo);
    const req = request({
      port: gate.port,
      method: 'PUT',
      path: '/',
      agent: false,
      headers: { Expect: '100-continue', 'Content-Length': 3 },
    });
    req.flushHeaders();
    await once(req, 'continue');
    req.end('abc');
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    assert.equal(res.statusCode, 200);
    assert.equal(upstream.seen[0]?.headers.expect, undefined);
    res.resume();
  });

  it('may be answered before its body has come, and the connection serves the next', async () => {
    const gate = await between(await startRaw((_, res) => res.writeHead(401).end('who?')));
    const socket = connect(gate.port, '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    socket.write('POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\nbegin');
    await until('the answer is there', () => heard.includes('who?'));
    socket.write('y'.repeat(299_995));
    socket.write('POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    await until('the second answer is there', () => heard.split('who?').length === 3);
    socket.destroy();
  });

  it('ends with its client while it waits for an answer', async () => {
    const { gate, upstream } = await behind(() => undefined);
    const req = request({ port: gate.port, path: '/', agent: false }).on('error', () => undefined);
    req.end();
    await until('marathon has it', () => upstream.seen.length === 1);
    req.destroy();
    await until('marathon is told', () => upstream.sockets.size === 0);
    await until('the exchange is over', () => gate.results.length === 1);
    assert.equal(gate.results[0]?.outcome, 'unknown');
  });

  it('ends with its client while its body comes', async () => {
    let arrived = 0;
    const upstream = await startRaw((req) =>
      req.on('data', (chunk: Buffer) => (arrived += chunk.length)),
    );
    const gate = await between(upstream);
    const req = request({
      port: gate.port,
      method: 'POST',
      path: '/',
      agent: false,
      headers: { 'Content-Length': 10 },
    });
    req.on('error', () => undefined).write('abc');
    await until('the first bytes arrive', () => arrived === 3);
    req.destroy();
    await until('marathon is told', () => upstream.sockets.size === 0);
  });

  for (const { says, bytes, status } of [
    {
      says: 'with a length and chunks is refused',
      bytes:
        'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      status: 400,
    },
    {
      says: 'with two lengths is refused',
      bytes: 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
      status: 400,
    },
    {
      says: 'with two equal lengths is refused',
      bytes: 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc',
      status: 400,
    },
    {
      says: 'with a folded header is refused',
      bytes: 'GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c: d\r\n\r\n',
      status: 400,
    },
    {
      says: 'with chunks that are not last is refused',
      bytes: 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
      status: 400,
    },
    {
      says: 'with a space before the colon is refused',
      bytes: 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc',
      status: 400,
    },
    {
      says: 'with a bare CR in a header is refused',
      bytes: 'GET / HTTP/1.1\r\nHost: x\r\nX-A: b\rX-B: c\r\n\r\n',
      status: 400,
    },
    {
      says: 'with a length that is no number is refused',
      bytes: 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc',
      status: 400,
    },
    {
      says: 'with a URL for a target is refused',
      bytes: 'GET http://192.0.2.1/v2/apps HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      status: 400,
    },
    {
      says: 'with a star for a target is refused',
      bytes: 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      status: 400,
    },
  ]) {
    it(says, async () => {
      const { gate, upstream } = await behind((_, res) => res.end());
      const answer = await speak(gate, bytes);
      assert.equal(Number(answer.split(' ', 2)[1]), status, answer);
      assert.deepEqual(upstream.seen, []);
    });
  }

  it('two in one packet stay two', async () => {
    const { gate, upstream } = await behind(echo);
    await speak(
      gate,
      'POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcPOST /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nd',
    );
    assert.deepEqual(
      upstream.seen.map(({ target, body }) => `${target} ${body.toString()}`),
      ['/1 abc', '/2 d'],
    );
  });
});
