import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, it, type TestContext } from 'node:test';
import { createMesosClient, type MesosClient } from '../../../src/cluster/mesos/client.ts';
import { takeInventory } from '../../../src/cluster/mesos/inventory.ts';
import { clientOf, json, master, sendTo, status } from './master.ts';

const patience = () => AbortSignal.timeout(180_000);
const CALL = { type: 'GET_AGENTS' };
const PATH = ['get_agents', 'agents'];

/** What `each` hands out and leaves. */
async function each(client: MesosClient, signal = patience()) {
  const seen: unknown[] = [];
  const visit = (element: Buffer): void => void seen.push(JSON.parse(element.toString()));
  const rest = await client.each(CALL, [{ path: PATH, visit }], signal);
  return { seen, rest };
}

/** Talks TCP by hand: what is written after the request, and whether the connection ends then. */
async function raw(
  t: TestContext,
  talk: (socket: Socket) => void,
  withinMs = 180_000,
): Promise<MesosClient> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => talk(socket));
  });
  await new Promise<void>((ready) => void server.listen(0, '127.0.0.1', ready));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const client = createMesosClient({ masters: [`http://127.0.0.1:${port}`], withinMs });
  t.after(() => client.close());
  return client;
}

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';

describe('an answer in elements', () => {
  it('comes from the leader, wherever it is, with what is around', async (t) => {
    const leader = await master(t, json({ type: 'GET_AGENTS', get_agents: { agents: [1, 2] } }));
    const other = await master(t, sendTo(leader));
    const away = await master(t, status(503));
    const { seen, rest } = await each(clientOf(t, [away, other]));
    assert.deepEqual(seen, [1, 2]);
    assert.deepEqual(rest, { type: 'GET_AGENTS', get_agents: { agents: [] } });
  });

  it('may be compressed', async (t) => {
    const text = JSON.stringify({ get_agents: { agents: [{ a: 'x'.repeat(100_000) }, 2] } });
    const leader = await master(t, (response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync(text));
    });
    assert.equal((await each(clientOf(t, [leader]))).seen.length, 2);
  });

  for (const [code, text] of [
    [403, 'Forbidden'],
    [400, 'no such call'],
  ] as const)
    it(`${code} is refused in Mesos' words`, async (t) => {
      const client = clientOf(t, [await master(t, status(code, text))]);
      await assert.rejects(each(client), { code: 'mesos-refused', status: code, answer: text });
    });

  it('that breaks off is no answer, and is not asked for twice', async (t) => {
    let asked = 0;
    const client = await raw(t, (socket) => {
      asked += 1;
      socket.end(`${HEAD}Content-Length: 500\r\n\r\n{"get_agents":{"agents":[1,2,`);
    });
    await assert.rejects(each(client), { code: 'mesos-unreachable' });
    assert.equal(asked, 1);
  });

  it('that stops coming is given up, one that comes slowly is not', async (t) => {
    const slow = await raw(
      t,
      (socket) => {
        const parts = [...'{"get_agents":{"agents":[1,2]}}'].map((one) => `1\r\n${one}\r\n`);
        socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
        const timer = setInterval(() => {
          const part = parts.shift();
          if (part !== undefined) socket.write(part);
          else {
            socket.end('0\r\n\r\n');
            clearInterval(timer);
          }
        }, 140);
      },
      4_000, // all of it takes longer, a machine that stands still now and then does not
    );
    assert.deepEqual((await each(slow)).seen, [1, 2]);
    const stuck = await raw(
      t,
      (socket) =>
        void socket.write(`${HEAD}Content-Length: 500\r\n\r\n{"get_agents":{"agents":[1,`),
      200,
    );
    await assert.rejects(each(stuck), { code: 'mesos-unreachable' });
    const silent = await raw(t, () => undefined, 200);
    await assert.rejects(each(silent), { code: 'mesos-unreachable' });
  });

  it('with an element that is too long is not read on', async (t) => {
    const agents = [1, 'x'.repeat(5_000_000)];
    const leader = await master(t, json({ get_agents: { agents } }));
    await assert.rejects(each(clientOf(t, [leader])), { code: 'bad-mesos-answer' });
  });

  it('ends with the caller', async (t) => {
    const stop = new AbortController();
    const client = await raw(t, (socket) => {
      socket.write(`${HEAD}Content-Length: 500\r\n\r\n{"get_agents":{"agents":[1,`);
      setTimeout(() => stop.abort(new Error('enough')), 50);
    });
    await assert.rejects(each(client, stop.signal), /enough/);
  });

  it('whose reader fails is a bug and stays one', async (t) => {
    const leader = await master(t, json({ get_agents: { agents: [1] } }));
    const visit = (): void => {
      throw new TypeError('a bug');
    };
    await assert.rejects(
      clientOf(t, [leader]).each(CALL, [{ path: PATH, visit }], patience()),
      TypeError,
    );
  });
});

describe('an inventory that was taken before', () => {
  it('keeps what is told in the same words, and reads the rest anew', async (t) => {
    const agent = (name: string, cpus: number) => ({
      agent_info: { hostname: name },
      active: true,
      total_resources: [{ name: 'cpus', scalar: { value: cpus } }],
    });
    const answer = (...agents: object[]) =>
      json({ type: 'GET_AGENTS', get_agents: { agents }, get_master: { master_info: {} } });
    const leader = await master(t, answer(agent('node-1', 1), agent('node-2', 2)));
    const client = clientOf(t, [leader]);
    const roles = ['*'];
    const before = await takeInventory(client, { roles }, patience());
    leader.answer = answer(agent('node-2', 2), agent('node-1', 4), agent('node-3', 3));
    const after = await takeInventory(client, { roles, before }, patience());
    assert.equal(after.facts.get('node-2'), before.facts.get('node-2'));
    assert.deepEqual(
      ['node-1', 'node-2', 'node-3'].map((name) => after.facts.get(name)?.cpus),
      [4, 2, 3],
    );
    leader.answer = answer(agent('node-1', 4));
    const last = await takeInventory(client, { roles, before: after }, patience());
    assert.deepEqual([last.facts.size, last.read.size], [1, 1]);
  });
});
