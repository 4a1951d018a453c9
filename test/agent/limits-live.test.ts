import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { basename, dirname } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { reconcilePart } from '../../src/agent/reconcile-part.ts';
import type { StartPart } from '../../src/agent/part.ts';
import { shapingPart } from '../../src/agent/shaping.ts';
import type { LimitWish } from '../../src/core/limit-edit.ts';
import { keys } from '../../src/ledger/keys.ts';
import { editLimits } from '../../src/ledger/limit-edit.ts';
import { listLimits, type LimitSeen } from '../../src/ledger/limit-list.ts';
import { records } from '../../src/ledger/records.ts';
import { outcomeOf } from '../../src/ledger/limit-wait.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { NODE, Rig, soon } from './rig.ts';

const exec = promisify(execFile);

/** The namespace of a rig's dockerd is named as its directory is. */
const netnsOf = (socket: string): string => `/run/netns/${basename(dirname(socket))}`;
const shaping: StartPart = (context) =>
  shapingPart({ netns: netnsOf(context.settings.docker.socket) })(context);

const FACTS = { rates: { in: 'net_in', out: 'net_out' }, app: [], task: [] };

describe('a limit changed in the ledger, on a real dockerd, etcd and kernel', () => {
  let rig: Rig;
  let container: string;
  let address: string;
  before(async () => {
    rig = await Rig.start({
      pools: { wide: { cidr: '10.86.0.0/24', gateway: '10.86.0.1' } },
      parts: [reconcilePart({ factNames: FACTS }), shaping],
    });
    await rig.made('lan', '10.86.0.0/24');
    container = await rig.dockerd.run('lan', '-e', 'net_in=20mbit', '-e', 'net_out=10mbit');
    address = await rig.dockerd.addressOf(container, 'lan');
  });
  after(() => rig.stop());

  /** Rates of all classes of the node's and of the container's namespace, Mbit/s. */
  async function rates(): Promise<ReadonlySet<number>> {
    const pid = await rig.dockerd.must('inspect', '-f', '{{.State.Pid}}', container);
    const texts = await Promise.all(
      [netnsOf(rig.dockerd.socket), `/proc/${pid}/ns/net`].map(async (netns) => {
        const links = await exec('nsenter', [`--net=${netns}`, 'ip', '-o', 'link']);
        const names = [...links.stdout.matchAll(/^\d+: ([^:@]+)/gm)].map(([, name = '']) => name);
        const shown = await Promise.all(
          names.map((dev) =>
            // an interface may go between the two
            exec('nsenter', [`--net=${netns}`, 'tc', 'class', 'show', 'dev', dev]).catch(
              () => undefined,
            ),
          ),
        );
        return shown.map((one) => one?.stdout ?? '').join('');
      }),
    );
    const found = [...texts.join('').matchAll(/ceil (\d+)([KMG])bit/g)];
    const unit = { K: 0.001, M: 1, G: 1000 } as const;
    return new Set(found.map(([, rate, by]) => Number(rate) * unit[by as keyof typeof unit]));
  }

  async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
    for (const late = soon(); !(await holds()); await wait(50))
      assert(!late.aborted, `it did not come to pass: ${what}`);
  }

  const inKernel = (...mbit: readonly number[]): Promise<void> =>
    until(
      async () => {
        const found = await rates();
        return mbit.every((one) => found.has(one));
      },
      `the kernel shows ${mbit.join(' and ')} Mbit/s`,
    );

  async function edit(wish: LimitWish | 'reset') {
    const asked = { node: NODE, addresses: [address], wish, who: 'alice', by: 'cli' } as const;
    const random = (): string => '1';
    const [edited] = await editLimits(rig.store, asked, { clock, random, signal: soon() });
    assert(edited?.edit !== undefined);
    const waiting = { clock, signal: soon(), withinMs: 120_000 };
    return outcomeOf(rig.store, { node: NODE, address, edit: edited.edit }, waiting);
  }

  const etcdctl = (value: string) =>
    exec('etcdctl', ['--endpoints', rig.etcd.only.url, 'put', keys.limit(NODE, address), value], {
      env: { PATH: process.env['PATH'], ETCDCTL_API: '3' },
    });
  const seen = async (): Promise<LimitSeen | undefined> =>
    (await listLimits(rig.store, { node: NODE }, soon())).limits.find(
      (limit) => limit.address === address,
    );

  /** What the agent's own socket says of it. */
  async function used(): Promise<{ readonly forced?: boolean } | undefined> {
    const url = 'http://agent/v1/containers';
    const { stdout } = await exec('curl', ['-sS', '--unix-socket', rig.settings.socket, url]);
    const { containers } = JSON.parse(stdout) as {
      containers: { address: string; forced?: boolean }[];
    };
    return containers.find((one) => one.address === address);
  }

  it('is what the environment asked for at first', async () => {
    await inKernel(20, 10);
    assert.deepEqual((await seen())?.lease.asked, { netInKbit: 20_000, netOutKbit: 10_000 });
    assert.deepEqual(await rig.findings(), []);
  });

  it('is enforced when it was edited, and said to be', async () => {
    assert.deepEqual(await edit({ netInKbit: 40_000, netOutKbit: 30_000 }), { state: 'enforced' });
    await inKernel(40, 30);
    assert(!(await rates()).has(20), 'the former one is gone');
  });

  it('is enforced when etcdctl wrote it', async () => {
    await etcdctl('{"netInKbit":"60mbit"}');
    await inKernel(60, 30);
    await until(async () => (await seen())?.state === 'enforced', 'the status says so');
    assert.deepEqual(await rig.findings(), []);
  });

  it('stays when etcdctl wrote rubbish, or more than the link takes', async () => {
    await etcdctl('10;rm -rf /');
    await until(async () => (await seen())?.state === 'invalid', 'the status says so');
    await etcdctl('{"netInKbit":"2gbit"}');
    await until(async () => (await seen())?.state === 'failed', 'the status says so');
    assert.match((await seen())?.reason ?? '', /make them 2 Gbit\/s, and the link takes 950 Mbit/);
    await inKernel(60, 30);
    assert.deepEqual(await rig.findings(), []);
  });

  it('shows that it was forced past the link wherever it shows', async () => {
    const forced = () => rig.figure('corral_agent_forced_limits');
    assert.equal(await forced(), 0);
    const wish = { netInKbit: 2_000_000, force: true } as const;
    assert.deepEqual(await edit(wish), { state: 'enforced' });
    assert.equal((await seen())?.counted?.forced, true);
    const status = await rig.store.get(keys.limitStatus(NODE, address), soon());
    assert.equal(status && records.limitStatus.decode(status).forced, true);
    assert.equal(await forced(), 1);
    await until(async () => (await used())?.forced === true, 'the agent says so with the usage');
    assert.deepEqual(await edit({ netInKbit: 60_000 }), { state: 'enforced' });
    assert.equal(await forced(), 0);
    await until(async () => (await used())?.forced === undefined, 'and not any more');
    assert.deepEqual(await rig.findings(), []);
  });

  it('goes back to what was asked for, and outlives the agent', async () => {
    assert.deepEqual(await edit('reset'), { state: 'enforced' });
    await inKernel(20, 10);
    await rig.stopAgent();
    await etcdctl('{"netInKbit":70000}');
    await inKernel(20, 10);
    await rig.startAgent();
    await inKernel(70, 10);
    await until(async () => (await seen())?.state === 'enforced', 'the status says so');
    assert.deepEqual(await rig.findings(), []);
  });
});
