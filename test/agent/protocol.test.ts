import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { readPoolId, writePoolId } from '../../src/agent/docker/pool-id.ts';
import { type Agent, startAgent } from '../../src/agent/service.ts';
import type { AgentSettings } from '../../src/config/agent.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { parseCidr } from '../../src/core/address.ts';
import { openEmbeddedStore } from '../../src/ledger/embedded/store.ts';
import type { Desk } from '../../src/ledger/desk.ts';
import { openDesk } from '../../src/ledger/open-desk.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { CannotListen } from '../../src/plumbing/errors.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { lay } from '../ledger/opened.ts';
import { call, soon } from './rig.ts';

describe('a pool id', () => {
  const cidr = parseCidr('10.0.0.0/16');
  const within = { from: '10.0.1.0', to: '10.0.1.255' };

  it('says all of it again', () => {
    for (const id of [
      { network: 'prod', pool: 'prod-r1', cidr, nonce: 'a1' },
      { network: 'prod', pool: 'p.2_x', cidr, within, nonce: 'ff' },
      { network: 'six', pool: 'six', cidr: parseCidr('2001:db8::/64'), nonce: 'ff' },
    ])
      assert.deepEqual(readPoolId(writePoolId(id)), id);
  });

  it('that is none of ours is not taken for one', () => {
    for (const text of [
      '',
      'corral1 prod r1 10.0.0.0/16 whole',
      'corral2 prod r1 10.0.0.0/16 whole a1',
      'corral1 prod r1 10.0.0.1/16 whole a1',
      'corral1 prod r1 10.0.0.0/16 10.0.1.9-10.0.1.0 a1',
      'corral1 prod ../r1 10.0.0.0/16 whole a1',
      'corral1 prod r1 10.0.0.0/16 whole A1 ',
    ])
      assert.equal(readPoolId(text), undefined, text);
    fc.assert(fc.property(fc.string({ maxLength: 100 }), (text) => readPoolId(text) === undefined));
  });
});

describe("docker's calls, over the socket without docker", () => {
  let directory: string;
  let store: Store;
  let desk: Desk;
  let agent: Agent;
  let settings: AgentSettings;
  const counter = { next: 0 };
  const start = (): Promise<Agent> =>
    startAgent({
      ...{ settings, node: 'node-1', bootId: 'boot-1', store, desk, clock, log },
      monotonic: () => performance.now(),
      newName: () => `n${(counter.next += 1)}`,
    });
  const ask = async (name: string, body: string | object): Promise<Record<string, unknown>> => {
    const { status, body: said } = await call(agent.pluginSocket, `/IpamDriver.${name}`, body);
    assert.equal(status, 200);
    return said;
  };
  const pool = async (more: object = {}): Promise<string> => {
    const subnet = { Pool: '10.87.0.0/24', Options: { pool: 'a' }, ...more };
    return String((await ask('RequestPool', subnet))['PoolID']);
  };
  const held = async (): Promise<readonly string[]> =>
    (await desk.leases(soon())).map(({ address }) => address);
  /** What was given up is told at once, or a moment later where the ledger was busy. */
  const noneHeld = async (): Promise<void> => {
    for (const late = soon(); (await held()).length > 0; await clock.sleep(20, soon()))
      late.throwIfAborted();
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'corral-protocol-'));
    store = await openEmbeddedStore({ directory: join(directory, 'ledger'), clock, log });
    await lay(store, {
      pools: {
        a: { cidr: '10.87.0.0/24', ranges: ['10.87.0.16-10.87.0.31'], gateway: '10.87.0.1' },
      },
      networks: { prod: { pools: ['a'] } },
      nodes: { 'node-1': { link: '1gbit' } },
    });
    desk = openDesk(store, { node: 'node-1', clock, log, coolDownMs: 0, pressedCoolDownMs: 0 });
    settings = {
      ...(settingsSchema.validate({}).value as { agent: AgentSettings }).agent,
      pluginDirectory: join(directory, 'plugins'),
      stateDirectory: join(directory, 'state'),
      socket: join(directory, 'agent.sock'),
      docker: { socket: join(directory, 'no-docker.sock') },
      spare: 0,
      answerWithinMs: 15_000,
    };
    agent = await start();
  });
  after(async () => {
    await agent.stop();
    await desk.close();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('begin with a handshake', async () => {
    const { pluginSocket } = agent;
    assert.deepEqual((await call(pluginSocket, '/Plugin.Activate', '')).body, {
      Implements: ['IpamDriver'],
    });
    assert.deepEqual(await ask('GetCapabilities', ''), {
      RequiresMACAddress: false,
      RequiresRequestReplay: false,
    });
    assert.deepEqual(Object.keys(await ask('GetDefaultAddressSpaces', '')).sort(), [
      'GlobalDefaultAddressSpace',
      'LocalDefaultAddressSpace',
    ]);
  });

  it('may come twice', async () => {
    const id = await pool();
    const other = await pool();
    assert.notEqual(id, other);
    const gateway = {
      PoolID: id,
      Address: '10.87.0.1',
      Options: { RequestAddressType: 'com.docker.network.gateway' },
    };
    for (const _ of [1, 2])
      assert.equal((await ask('RequestAddress', gateway))['Address'], '10.87.0.1/24');
    const given = await ask('RequestAddress', { PoolID: id, Address: '', Options: null });
    const [address = ''] = String(given['Address']).split('/');
    await ask('ReleaseAddress', { PoolID: other, Address: address });
    assert.deepEqual(await held(), [address], 'the other pool id never had it');
    for (const _ of [1, 2])
      assert.deepEqual(await ask('ReleaseAddress', { PoolID: id, Address: address }), {});
    await noneHeld();
    for (const _ of [1, 2]) assert.deepEqual(await ask('ReleasePool', { PoolID: id }), {});
  });

  it('are understood by a pool id alone, after a restart', async () => {
    const id = await pool({ SubPool: '10.87.0.24/29' });
    await agent.stop();
    agent = await start();
    const given = await ask('RequestAddress', { PoolID: id, Address: '' });
    const [address = ''] = String(given['Address']).split('/');
    assert.ok(Number(address.split('.')[3]) >= 24, address);
    await ask('ReleaseAddress', { PoolID: id, Address: address });
    await noneHeld();
  });

  it('take an address outside the ranges for an auxiliary one only while the network is made', async () => {
    const id = await pool();
    const router = { PoolID: id, Address: '10.87.0.200', Options: null };
    assert.equal((await ask('RequestAddress', router))['Address'], '10.87.0.200/24');
    assert.deepEqual(await held(), []);
    const inside = { ...router, Address: '10.87.0.20' };
    assert.equal((await ask('RequestAddress', inside))['Address'], '10.87.0.20/24');
    assert.equal((await desk.leases(soon()))[0]?.lease.by, 'aux');
    await ask('ReleaseAddress', inside);
    const given = await ask('RequestAddress', { PoolID: id, Address: '' });
    await ask('ReleaseAddress', { PoolID: id, Address: String(given['Address']).split('/')[0] });
    assert.match(
      String((await ask('RequestAddress', router))['Error']),
      /none that pool "a" hands/,
    );
    assert.equal((await ask('RequestAddress', inside))['Address'], '10.87.0.20/24');
    assert.equal((await desk.leases(soon()))[0]?.lease.by, 'docker');
    await ask('ReleaseAddress', inside);
  });

  for (const { says, name, body, error } of [
    { says: 'no JSON', name: 'RequestAddress', body: '{', error: /not usable JSON/ },
    {
      says: 'keys twice',
      name: 'RequestAddress',
      body: '{"PoolID":"a","PoolID":"b"}',
      error: /JSON/,
    },
    { says: 'a list', name: 'RequestPool', body: '[]', error: /cannot be understood/ },
    {
      says: 'depth',
      name: 'RequestPool',
      body: `${'['.repeat(99)}${']'.repeat(99)}`,
      error: /JSON/,
    },
    {
      says: 'a pool id of another',
      name: 'RequestAddress',
      body: { PoolID: 'x' },
      error: /none that/,
    },
    {
      says: 'a number for a text',
      name: 'ReleasePool',
      body: { PoolID: 7 },
      error: /must be a string/,
    },
    { says: 'a long body', name: 'RequestPool', body: ' '.repeat(70_000), error: /longer than/ },
    {
      says: 'an address that is none',
      name: 'RequestAddress',
      body: { PoolID: 'corral1 prod a 10.87.0.0/24 whole a1', Address: '10.87.0.1; rm -rf /' },
      error: /is not an address|BadAddress|four decimal/,
    },
    {
      says: 'an address of another subnet',
      name: 'RequestAddress',
      body: { PoolID: 'corral1 prod a 10.87.0.0/24 whole a1', Address: '10.88.0.1' },
      error: /10\.88\.0\.1 is not in subnet 10\.87\.0\.0\/24/,
    },
  ])
    it(`are refused with a clear error: ${says}`, async () => {
      const said = await ask(name, body);
      assert.match(String(said['Error']), error);
      assert.match(String(said['Error']), /way out: /);
      assert.deepEqual(await held(), []);
    });

  it('that do not exist are not found', async () => {
    assert.equal((await call(agent.pluginSocket, '/IpamDriver.Nowhere', '{}')).status, 404);
  });

  it('whose answer nobody waits for leave nothing taken', async () => {
    const id = await pool();
    for (const delayMs of [undefined, 0, 1, 2, 5]) {
      const asked = request({
        socketPath: agent.pluginSocket,
        path: '/IpamDriver.RequestAddress',
        method: 'POST',
      });
      asked.on('error', () => undefined);
      const sent = new Promise<void>((resolve) =>
        asked.end(JSON.stringify({ PoolID: id, Address: '' }), resolve),
      );
      await sent; // the first line is cut as soon as it has carried the question
      if (delayMs !== undefined) await clock.sleep(delayMs, soon());
      asked.destroy();
    }
    // one whose answer arrived before the line was cut stays, as it would with docker
    for (const until = Date.now() + 10_000; Date.now() < until; await clock.sleep(50, soon()))
      if ((await held()).length === 0) break;
    const left = await held();
    for (const address of left) await ask('ReleaseAddress', { PoolID: id, Address: address });
    assert(left.length < 5, 'at least the first was taken back');
    await noneHeld();
  });

  it('are answered on a socket that only its group reaches, gone with the agent', async () => {
    assert.equal(statSync(agent.pluginSocket).mode & 0o777, 0o660);
    assert.equal(statSync(settings.socket).mode & 0o777, 0o660);
    await agent.stop();
    assert(!existsSync(agent.pluginSocket) && !existsSync(settings.socket));
    const serve = 'require("net").createServer().listen(process.argv[1])';
    const rival = spawn(process.execPath, ['-e', serve, agent.pluginSocket], { stdio: 'ignore' });
    for (const until = Date.now() + 180_000; !existsSync(agent.pluginSocket);)
      await clock.sleep(20, AbortSignal.timeout(Math.max(1, until - Date.now())));
    await assert.rejects(start(), CannotListen, 'a socket that somebody serves is left alone');
    rival.kill('SIGKILL');
    await once(rival, 'exit');
    assert(existsSync(agent.pluginSocket), 'the file of one that was killed is there');
    agent = await start();
    assert.deepEqual((await call(agent.pluginSocket, '/Plugin.Activate', '')).status, 200);
  });

  it('hand out each address of the pool once, however many come together', async () => {
    const id = await pool();
    const asks = Array.from({ length: 24 }, () =>
      ask('RequestAddress', { PoolID: id, Address: '' }),
    );
    const said = await Promise.all(asks);
    const given = said.flatMap(({ Address }) => (typeof Address === 'string' ? [Address] : []));
    assert.equal(given.length, 16);
    assert.equal(new Set(given).size, 16);
    const refused = said.flatMap(({ Error: error }) => (typeof error === 'string' ? [error] : []));
    assert.equal(refused.length, 8);
    for (const words of refused) assert.match(words, /16 held/);
    await Promise.all(
      given.map((address) => ask('ReleaseAddress', { PoolID: id, Address: address.split('/')[0] })),
    );
    await noneHeld();
  });
});
