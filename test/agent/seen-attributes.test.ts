import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Agent } from '../../src/agent/service.ts';
import { startAgentService } from '../../src/cli/agent-service.ts';
import type { Settings } from '../../src/config/settings.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { openEmbeddedStore } from '../../src/ledger/embedded/store.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { lay } from '../ledger/opened.ts';
import { call } from './rig.ts';

const SUBNET = '10.88.0.0/24';
/** As a Mesos agent answers GET_AGENT. */
const answerWith = (attributes: readonly object[]): string =>
  JSON.stringify({
    type: 'GET_AGENT',
    get_agent: {
      agent_info: {
        ...{ hostname: 'node-1', port: 5051, id: { value: 'a9ab-S0' }, attributes },
        domain: { fault_domain: { region: { name: 'r' }, zone: { name: 'z' } } },
        resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 2 } }],
      },
    },
  });
const rack = (value: string) => ({ name: 'rack', type: 'TEXT', text: { value } });

describe('a pool of the nodes that have an attribute in Mesos', () => {
  let directory: string;
  let store: Store;
  let settings: Settings;
  let agent: Agent;
  let mesos: Server;
  let answer = answerWith([rack('r2')]);
  const asked: unknown[] = [];

  const start = async (): Promise<void> => {
    agent = await startAgentService({ settings, store, clock, log });
  };
  const ask = async (name: string, body: object): Promise<Record<string, unknown>> =>
    (await call(agent.pluginSocket, `/IpamDriver.${name}`, body)).body;
  const pool = async (): Promise<string> => {
    const subnet = { Pool: SUBNET, Options: { network: 'prod' } };
    const { PoolID, Error: why } = await ask('RequestPool', subnet);
    return String(PoolID ?? why);
  };
  const shows = async (text: string): Promise<void> => {
    for (const until = Date.now() + 180_000; !agent.ready().some(isSeen(text));)
      await clock.sleep(50, AbortSignal.timeout(Math.max(1, until - Date.now())));
  };
  const address = async (): Promise<string> => {
    const given = await ask('RequestAddress', { PoolID: await pool(), Address: '', Options: null });
    return String(given['Address'] ?? given['Error']);
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'corral-seen-'));
    store = await openEmbeddedStore({ directory: join(directory, 'ledger'), clock, log });
    await lay(store, {
      pools: {
        first: { cidr: SUBNET, gateway: '10.88.0.1', nodes: { attributes: { rack: 'r1' } } },
      },
      networks: { prod: { pools: ['first'] } },
      nodes: { 'node-1': { link: '1gbit' } },
    });
    mesos = createServer((request, response) => {
      let text = '';
      request.on('data', (part: Buffer) => (text += part.toString()));
      request.on('end', () => {
        asked.push(`${request.method} ${request.url} ${text}`);
        response.setHeader('content-type', 'application/json').end(answer);
      });
    }).listen(0, '127.0.0.1');
    await once(mesos, 'listening');
    const { value } = settingsSchema.validate({
      agent: {
        node: 'node-1',
        pluginDirectory: join(directory, 'plugins'),
        stateDirectory: join(directory, 'state'),
        socket: join(directory, 'agent.sock'),
        docker: { socket: join(directory, 'no-docker.sock') },
        ...{
          answerWithinMs: 15_000,
          spare: 0,
          coolDownMs: 0,
          pressedCoolDownMs: 0,
          shape: { enabled: false },
        },
        mesos: { url: `http://127.0.0.1:${(mesos.address() as AddressInfo).port}`, everyMs: 1_000 },
      },
    });
    settings = value as Settings;
    await start();
  });
  after(async () => {
    await agent.stop();
    await store.close();
    mesos.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('is not reached by a node that has another', async () => {
    await shows('rack:r2');
    assert.equal(asked[0], 'POST /api/v1 {"type":"GET_AGENT"}');
    assert.match(await pool(), /node "node-1" reaches none of the 1 pools/);
  });

  it('is reached once the Mesos agent has it', async () => {
    answer = answerWith([rack('r1'), { name: 'slots', type: 'SCALAR', scalar: { value: 4 } }]);
    await shows('rack:r1;slots:4');
    assert.match(await address(), /^10\.88\.0\.\d+\/24$/);
  });

  it('is still reached while the Mesos agent is away, by an agent that starts then', async () => {
    await agent.stop();
    mesos.closeAllConnections();
    mesos.close();
    await once(mesos, 'close');
    await start();
    assert.match(await address(), /^10\.88\.0\.\d+\/24$/);
    await shows('as they were seen last');
  });

  it('goes by the file that the Mesos agent is started with where it is not asked', async () => {
    await agent.stop();
    const file = join(directory, 'attributes');
    await writeFile(file, 'rack:r9\n');
    const { attributes } = settings.agent;
    const { everyMs } = settings.agent.mesos;
    const changed = { mesos: { everyMs }, attributes: { ...attributes, file } };
    settings = { ...settings, agent: { ...settings.agent, ...changed } };
    await start();
    await shows('rack:r9');
    assert.match(await pool(), /reaches none of the 1 pools/);
  });
});

const isSeen =
  (text: string) =>
  ({ name, detail }: { readonly name: string; readonly detail: string }): boolean =>
    name === 'mesos attributes' && detail.includes(text);
