import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import { keys } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { Dockerd, ownPluginName, PLUGINS } from '../fakes/dockerd.ts';
import { EtcdCluster } from '../fakes/etcd.ts';
import { lay } from '../ledger/opened.ts';
import { type AgentProcess, corral, type Environment, startAgentProcess } from './agent-process.ts';
import { soon } from './rig.ts';

describe('corral agent and corral network create, on a node', () => {
  let dockerd: Dockerd;
  let etcd: EtcdCluster;
  let store: Store;
  let directory: string;
  let agent: AgentProcess;
  const plugin = ownPluginName();
  let settings: Environment;
  const alive = async (): Promise<boolean> =>
    (await store.get(keys.alive('node-1'), soon())) !== undefined;
  const get = (path: string): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const socketPath = settings['AGENT_SOCKET'] ?? '';
      const asked = request({ socketPath, path }, (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (text: string) => (body += text));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      });
      asked.on('error', reject).end();
    });
  const until = async (true_: () => Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + 180_000; !(await true_()); await clock.sleep(50, soon()))
      assert(Date.now() < end, 'it did not come true');
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'corral-command-'));
    [dockerd, etcd] = await Promise.all([Dockerd.start(), EtcdCluster.start(1)]);
    store = openEtcdStore({ hosts: etcd.urls, clock, log, callWithinMs: 120_000 });
    await lay(store, {
      pools: {
        r1: { cidr: '10.91.0.0/24', gateway: '10.91.0.1', vlan: 91 },
        r2: { cidr: '10.92.0.0/24', vlan: 92 },
        flat: { cidr: '10.94.0.0/24', gateway: '10.94.0.1' },
        far: { cidr: '10.93.0.0/24', nodes: { names: ['node-2'] } },
        six: { cidr: '2001:db8:92::/64', ranges: ['2001:db8:92::10-2001:db8:92::99'], vlan: 92 },
        lone: { cidr: '2001:db8:99::/64', ranges: ['2001:db8:99::10-2001:db8:99::99'], vlan: 99 },
      },
      networks: {
        prod: { pools: ['r1', 'r2', 'far', 'six', 'lone'] },
        plain: { pools: ['flat'] },
      },
      nodes: { 'node-1': { link: '1gbit' } },
    });
    settings = {
      LEDGER_KIND: 'etcd',
      LEDGER_HOSTS: etcd.urls.join(','),
      AGENT_NODE: 'node-1',
      AGENT_PLUGIN: plugin,
      AGENT_PLUGIN_DIRECTORY: PLUGINS,
      AGENT_DOCKER_SOCKET: dockerd.socket,
      AGENT_STATE_DIRECTORY: join(directory, 'state'),
      AGENT_SOCKET: join(directory, 'agent.sock'),
      AGENT_HEARTBEAT_TTL_MS: '2000',
      AGENT_SPARE: '0',
      AGENT_ANSWER_WITHIN_MS: '15000',
    };
    agent = await startAgentProcess(settings);
  });
  after(async () => {
    await dockerd.stop();
    await agent.stop();
    await store.close();
    await etcd.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('the agent says that the node lives, of which boot it is, and how it fares', async () => {
    await until(alive);
    const entry = await store.get(keys.node('node-1'), soon());
    assert.match((entry && records.node.decode(entry).bootId) ?? '', /^[0-9a-f-]{36}$/);
    await until(async () => (await get('/ready')).status === 200);
    assert.match((await get('/metrics')).body, /corral_agent_held_addresses 0/);
    assert.equal((await get('/nowhere')).status, 404);
  });

  it('networks are made one per pool that the node reaches; twice is as good as once', async () => {
    const dry = await corral(settings, 'network', 'create', 'prod', '--dry-run');
    assert.equal(dry.code, 0, dry.err);
    assert.match(dry.out, /^prod +r1 +would be created$/m);
    assert.match(dry.out, /^left out: pool "lone": docker needs an IPv4 pool of the same VLAN/m);
    assert.equal(await dockerd.must('network', 'ls', '-q', '--filter', 'driver=bridge'), '');
    const made = await corral(settings, 'network', 'create', 'prod', '--json', '--mtu', '1400');
    assert.equal(made.code, 0, made.err);
    assert.deepEqual((JSON.parse(made.out) as { networks: unknown }).networks, [
      { name: 'prod', pools: ['r1'], did: 'created' },
      { name: 'prod-r2', pools: ['r2', 'six'], did: 'created' },
    ]);
    const again = await corral(settings, 'network', 'create', 'prod', '--mtu', '1400');
    assert.equal(again.code, 0, again.err);
    assert.match(again.out, /^prod-r2 +r2,six +is there$/m);
    const one = await dockerd.run('prod');
    const two = await dockerd.run('prod-r2');
    assert.match(await dockerd.must('exec', one, 'ip', 'addr'), /mtu 1400/);
    assert.match(await dockerd.must('exec', one, 'ip', 'route'), /default via 10\.91\.0\.1/);
    assert.match(await dockerd.must('exec', two, 'ip', 'addr'), /2001:db8:92::\S+\/64/);
    // the router has the gateway's address, so the bridge must not
    const bridge = await dockerd.must('network', 'inspect', '-f', '{{.Id}}', 'prod');
    const link = `br-${bridge.slice(0, 12)}`;
    const shown = execFileSync('ip', ['-n', dockerd.place.name, 'addr', 'show', 'dev', link]);
    assert.doesNotMatch(shown.toString(), /inet 10\.91/);
    await dockerd.remove(one, two);
  });

  it('a network that differs is reported with what differs, and stays', async () => {
    const before = await dockerd.must('network', 'inspect', '-f', '{{.Id}}', 'prod');
    const other = await corral(settings, 'network', 'create', 'prod', '--mtu', '9000');
    assert.equal(other.code, 1);
    assert.match(other.err, /docker network "prod" is there and differs: options: .*mtu=1400/);
    assert.match(other.err, /way out: when no container needs it: docker network rm prod/);
    assert.equal(await dockerd.must('network', 'inspect', '-f', '{{.Id}}', 'prod'), before);
    await dockerd.must('network', 'rm', 'prod', 'prod-r2');
  });

  it('macvlan networks hang on the uplink', async () => {
    const ip = (...argv: readonly string[]): Buffer =>
      execFileSync('ip', ['-n', dockerd.place.name, ...argv]);
    ip('link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'up1');
    ip('link', 'set', 'up0', 'up');
    const made = await corral(
      ...([
        settings,
        'network',
        'create',
        'plain',
        '--driver',
        'macvlan',
        '--parent',
        'up0',
      ] as const),
    );
    assert.equal(made.code, 0, made.err);
    const id = await dockerd.run('plain');
    assert.match(await dockerd.must('exec', id, 'ip', 'route'), /default via 10\.94\.0\.1/);
    await dockerd.remove(id);
    await dockerd.must('network', 'rm', 'plain');
  });

  it('an agent that was killed is replaced without a word; one that is told to stop leaves nothing', async () => {
    await agent.kill();
    assert(existsSync(join(PLUGINS, `${plugin}.sock`)));
    agent = await startAgentProcess(settings);
    await until(alive);
    assert.equal(await agent.stop(), 0, agent.logged.join('\n'));
    assert(!existsSync(join(PLUGINS, `${plugin}.sock`)));
    assert(!existsSync(settings['AGENT_SOCKET'] ?? ''));
    await until(async () => !(await alive())); // at once, or with its TTL where the ledger was too busy
  });

  it('the command explains itself', async () => {
    const { code, out } = await corral(settings, 'agent', '--help');
    assert.equal(code, 0);
    assert.match(out, /Example:\n {2}corral agent/);
  });
});
