import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { basename, dirname } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { reconcilePart } from '../../src/agent/reconcile-part.ts';
import type { StartPart } from '../../src/agent/part.ts';
import { shapingPart } from '../../src/agent/shaping.ts';
import type { Usage } from '../../src/core/shape-usage.ts';
import { keys } from '../../src/ledger/keys.ts';
import { editLimits } from '../../src/ledger/limit-edit.ts';
import { records } from '../../src/ledger/records.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { NODE, Rig, soon } from './rig.ts';
import { rateAt } from './shape/stage.ts';
import { OPTIONS } from './watched.ts';

const run = promisify(execFile);
const SUBNET = '192.0.2.0/24';
const GATEWAY = '192.0.2.1';
const POOL = { cidr: SUBNET, gateway: GATEWAY, ranges: ['192.0.2.2-192.0.2.200'] };
const NETWORKS = {
  prod: { pools: ['p'], defaultIn: '200mbit', defaultOut: '100mbit' },
};

/** The shaper works where the rig's dockerd does. */
const shaping: StartPart = (context) => {
  const name = basename(dirname(context.settings.docker.socket));
  return shapingPart({ netns: `/run/netns/${name}` })(context);
};

interface Classes {
  readonly in: string;
  readonly out: string;
}

describe('limits of real containers', () => {
  let rig: Rig;
  const started: ChildProcess[] = [];

  before(async () => {
    rig = await Rig.start({
      pools: { p: POOL },
      networks: NETWORKS,
      agent: { answerWithinMs: 15_000 },
      parts: [reconcilePart(OPTIONS), shaping],
    });
    await rig.made('prod', SUBNET);
  });
  after(() => rig.stop());
  afterEach(async () => {
    for (const one of started.splice(0)) one.kill('SIGKILL');
    await rig.clear();
    await until('nothing is left in the kernel', async () => (await ours()).length === 0);
    assert.deepEqual(await rig.findings(), []);
  });

  const netns = (): string => `/run/netns/${rig.dockerd.place.name}`;
  const tc = async (...words: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await run('nsenter', [`--net=${netns()}`, 'tc', ...words]);
    return stdout.split('\n').filter((line) => line !== '');
  };
  const links = async (): Promise<readonly string[]> => {
    const { stdout } = await run('nsenter', [`--net=${netns()}`, 'ip', '-j', 'link', 'show']);
    return (JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname);
  };
  /** Interfaces of ours, and HTB trees wherever they are. */
  const ours = async (): Promise<readonly string[]> => {
    const trees = (await tc('qdisc', 'show')).filter((line) => line.startsWith('qdisc htb '));
    return [...(await links()).filter((name) => name.startsWith('corral-')), ...trees];
  };
  const limitsAt = async (address: string): Promise<Classes | undefined> => {
    const entry = await rig.store.get(keys.limit(NODE, address), soon());
    if (!entry) return undefined;
    const minor = records.limit.decode(entry).classMinor.toString(16);
    const found: { in?: string; out?: string } = {};
    for (const dev of await links()) {
      const classes = await tc('class', 'show', 'dev', dev).catch(() => []); // gone meanwhile
      const mine = classes.find((line) => line.includes(`:${minor} `));
      const ceil = mine && / ceil (\S+) /.exec(mine)?.[1];
      if (ceil) found[dev.startsWith('corral-') ? 'out' : 'in'] = ceil;
    }
    return found.in && found.out ? { in: found.in, out: found.out } : undefined;
  };
  const limited = (address: string, wanted: Classes): Promise<void> =>
    until(`${address} is limited to ${wanted.in} and ${wanted.out} `, async () => {
      const now = await limitsAt(address);
      return now?.in === wanted.in && now.out === wanted.out;
    });
  const addressOf = (id: string): Promise<string> => rig.dockerd.addressOf(id, 'prod');
  const statusOf = async (address: string): Promise<string | undefined> => {
    const entry = await rig.store.get(keys.limitStatus(NODE, address), soon());
    return entry && records.limitStatus.decode(entry).state;
  };
  const edit = (address: string, netInKbit: number, netOutKbit: number) =>
    editLimits(
      rig.store,
      { node: NODE, addresses: [address], wish: { netInKbit, netOutKbit }, who: 'test', by: 'cli' },
      { clock, signal: soon(), random: () => randomBytes(4).toString('hex') },
    );
  const onAgent = async (path: string): Promise<unknown> => {
    const argv = ['-s', '--unix-socket', rig.settings.socket, `http://agent${path}`];
    const { stdout } = await run('curl', argv);
    return JSON.parse(stdout) as unknown;
  };
  /** A program in the network of a container. */
  const inside = async (id: string, ...argv: readonly string[]): Promise<readonly string[]> => {
    const pid = await rig.dockerd.must('inspect', '-f', '{{.State.Pid}}', id);
    return [`--net=/proc/${pid}/ns/net`, ...argv];
  };

  it("reads a container's environment, and the network's default where it says nothing", async () => {
    const asked = await rig.dockerd.run('prod', '-e', 'net_in=30mbit', '-e', 'net_out=20000');
    const silent = await rig.dockerd.run('prod');
    await limited(await addressOf(asked), { in: '30Mbit', out: '20Mbit' });
    await limited(await addressOf(silent), { in: '200Mbit', out: '100Mbit' });
  });

  it('holds a hostile environment to the default', async () => {
    const envs = ['10;rm -rf /', '-5mbit', '1e30', '$(reboot)', '0'];
    const ids = await Promise.all(
      envs.map((text) => rig.dockerd.run('prod', '-e', `net_in=${text}`, '-e', 'net_out=9mbit')),
    );
    for (const id of ids) await limited(await addressOf(id), { in: '200Mbit', out: '9Mbit' });
  });

  it('limits a container that comes back with another interface, and one that may mount', async () => {
    const id = await rig.dockerd.run('prod', '--cap-add', 'SYS_ADMIN', '-e', 'net_in=40mbit');
    await limited(await addressOf(id), { in: '40Mbit', out: '100Mbit' });
    await rig.dockerd.must('restart', '-t', '0', id);
    await limited(await addressOf(id), { in: '40Mbit', out: '100Mbit' });
  });

  it('changes a limit under load: no connection drops, and the kernel is what the ledger says', async () => {
    const id = await rig.dockerd.run('prod', '-e', 'net_in=50mbit', '-e', 'net_out=50mbit');
    const other = await rig.dockerd.run('prod', '-e', 'net_in=70mbit');
    const address = await addressOf(id);
    await limited(address, { in: '50Mbit', out: '50Mbit' });
    await limited(await addressOf(other), { in: '70Mbit', out: '100Mbit' });
    const serving = await inside(id, 'iperf3', '-s', '--forceflush');
    const server = spawn('nsenter', [...serving], { stdio: ['ignore', 'pipe', 'ignore'] });
    started.push(server);
    await once(server.stdout, 'data'); // it listens
    server.stdout.resume();
    const client = spawn(
      'nsenter',
      [`--net=${netns()}`, 'iperf3', '-c', address, '-P', '4', '-t', '10', '-J'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    started.push(client);
    const ended = once(client, 'close');
    let text = '';
    client.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await wait(2_000);
    await edit(address, 20_000, 50_000);
    await limited(address, { in: '20Mbit', out: '50Mbit' });
    await wait(500);
    const pid = Number(await rig.dockerd.must('inspect', '-f', '{{.State.Pid}}', id));
    const after = await rateAt({ pid }, 2_000);
    assert.ok(after <= 20 * 1.05, `${after} Mbit/s after the change`);
    const [code] = (await ended) as [number];
    assert.equal(code, 0, text.slice(-500));
    const { end } = JSON.parse(text) as Iperf;
    assert.equal(end.streams.length, 4);
    assert.ok(
      end.streams.every(({ receiver: { bytes } }) => bytes > 0),
      'each connection carried something to its end',
    );
    await until('the status says so', async () => (await statusOf(address)) === 'enforced');
    await limited(await addressOf(other), { in: '70Mbit', out: '100Mbit' });
  });

  it('leaves limits when the agent stops, and catches up with what changed meanwhile', async () => {
    const kept = await rig.dockerd.run('prod', '-e', 'net_in=30mbit');
    const gone = await rig.dockerd.run('prod', '-e', 'net_in=31mbit');
    const [address, leaving] = [await addressOf(kept), await addressOf(gone)];
    await limited(address, { in: '30Mbit', out: '100Mbit' });
    await limited(leaving, { in: '31Mbit', out: '100Mbit' });
    await rig.stopAgent();
    assert.equal((await limitsAt(address))?.in, '30Mbit');
    await edit(address, 12_000, 100_000);
    await rig.startAgent();
    await rig.dockerd.remove(gone);
    await limited(address, { in: '12Mbit', out: '100Mbit' });
    await until('the other one left nothing', async () => (await ours()).length === 3);
  });

  it('tells who uses what', async () => {
    const id = await rig.dockerd.run('prod', '-e', 'net_in=30mbit');
    const address = await addressOf(id);
    await limited(address, { in: '30Mbit', out: '100Mbit' });
    const containers = async () => {
      const answer = await onAgent('/v1/containers');
      return (answer as { containers: (Usage & { container: string })[] }).containers;
    };
    await containers();
    await run('nsenter', [`--net=${netns()}`, 'ping', '-c', '5', '-i', '0.2', '-q', address]);
    await wait(600);
    const used = (await containers()).find((one) => one.container === id);
    assert.ok((used?.netIn.packets ?? 0) >= 5 && (used?.netOut.packets ?? 0) >= 5);
    const figure = `corral_agent_container_bytes_total{address="${address}",direction="in"}`;
    assert.ok((await rig.figure(figure)) > 0);
    const argv = ['-sN', '--unix-socket', rig.settings.socket];
    const stream = spawn('curl', [...argv, 'http://agent/v1/containers/stream']);
    started.push(stream);
    let text = '';
    stream.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const events = () => text.split('\n').filter((line) => line === 'event: usage').length;
    await until('usage is told again and again', () => Promise.resolve(events() >= 2));
  });
});

interface Iperf {
  readonly end: { readonly streams: readonly { readonly receiver: { readonly bytes: number } }[] };
}

async function until(
  what: string,
  isSo: () => Promise<boolean>,
  withinMs = 180_000,
): Promise<void> {
  const by = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > by) throw new Error(`it did not come to pass: ${what}`);
    await wait(50);
  }
}
