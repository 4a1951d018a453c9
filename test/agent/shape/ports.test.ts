import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { linkNews, Ports } from '../../../src/agent/shape/ports.ts';
import type { HostLink, LinkNews } from '../../../src/core/shape-links.ts';
import type { Links } from '../../../src/core/shape-read.ts';
import { type Clock, systemClock as clock } from '../../../src/plumbing/clock.ts';
import { silentLog as log } from '../../../src/plumbing/log.ts';
import { sh } from './stage.ts';

const soon = (): AbortSignal => AbortSignal.timeout(180_000);

const port = (index: number, more: Partial<HostLink> = {}): HostLink => ({
  ...{ name: `veth000000${index % 10}`, index, mtu: 1500, up: true, bridge: 'br0' },
  ...more,
});
const came = (link: HostLink): LinkNews => ({ gone: false, link });
const went = (link: HostLink): LinkNews => ({ gone: true, link });
const listOf = (...links: readonly HostLink[]): Links =>
  new Map(links.map((one) => [one.name, one]));
const BRIDGE: HostLink = { name: 'br0', index: 2, mtu: 1500, up: true, kind: 'bridge' };

describe('ports that came or went since all interfaces were listed', () => {
  it('are new once, and stand beside what was listed, as veths', () => {
    const ports = new Ports();
    assert.equal(ports.hear(came(port(7))), true);
    assert.equal(
      ports.hear(came(port(7, { up: false }))),
      false,
      'it is told of again as it changes',
    );
    assert.deepEqual(
      [...ports.over(listOf(BRIDGE)).values()],
      [BRIDGE, { ...port(7, { up: false }), kind: 'veth' }],
    );
  });

  it('are Docker’s on a bridge, and no other interface', () => {
    const ports = new Ports();
    const { bridge: _, ...alone } = port(7);
    for (const link of [alone, port(8, { name: 'eth0' }), port(9, { name: 'veth0' }), BRIDGE])
      assert.equal(ports.hear(came(link)), false, link.name);
    const listed = listOf(BRIDGE);
    assert.equal(ports.over(listed), listed);
  });

  it('do not come back after they went, however late the news of their coming', () => {
    const ports = new Ports();
    ports.hear(came(port(7)));
    ports.hear(went(port(7)));
    assert.equal(ports.hear(came(port(7))), false);
    assert.deepEqual([...ports.over(listOf(BRIDGE, port(7))).keys()], ['br0']);
  });

  it('that went stay away while an older list still has them', () => {
    const ports = new Ports();
    ports.hear(went(port(7)));
    const older = listOf(BRIDGE, port(7));
    ports.listed(older);
    assert.deepEqual([...ports.over(older).keys()], ['br0']);
    ports.listed(listOf(BRIDGE));
    // forgotten by now: an interface in a list is there
    assert.equal(ports.over(older), older);
  });

  it('give way to the list once they are in it: it says more', () => {
    const ports = new Ports();
    ports.hear(came(port(7)));
    const listed = listOf(BRIDGE, port(7, { kind: 'veth', peerIndex: 3 }));
    assert.equal(ports.over(listed).get('veth0000007')?.peerIndex, 3, 'even before it is told');
    ports.listed(listed);
    assert.equal(ports.over(listed), listed);
    assert.equal(ports.hear(came(port(7))), true, 'what is not remembered is new again');
  });

  it('stay when the list was begun before they came', () => {
    const ports = new Ports();
    ports.hear(came(port(7)));
    ports.listed(listOf(BRIDGE));
    assert.deepEqual([...ports.over(listOf(BRIDGE)).keys()], ['br0', 'veth0000007']);
  });

  it('by the same name and another index are others', () => {
    const ports = new Ports();
    ports.hear(went(port(7)));
    assert.equal(ports.hear(came(port(17))), true);
    const [, link] = [...ports.over(listOf(BRIDGE, port(7))).values()];
    assert.equal(link?.index, 17);
  });
});

describe('the news of interfaces', { concurrency: 1 }, () => {
  const space = `cs-ports-${process.pid}`;
  const netns = `/run/netns/${space}`;
  before(async () => {
    await sh(`ip netns add ${space}`);
    await sh(`ip -n ${space} link add br0 type bridge`);
  });
  after(() => sh(`ip netns del ${space}`));

  const add = async (name: string): Promise<void> => {
    await sh(`ip -n ${space} link add ${name} type veth peer name p${name.slice(-7)}`);
    await sh(`ip -n ${space} link set ${name} master br0 up`);
  };
  /** The monitor that this process runs in the namespace. */
  const monitors = (): readonly number[] =>
    readdirSync(`/proc/${process.pid}/task`)
      .flatMap((task) =>
        readFileSync(`/proc/${process.pid}/task/${task}/children`, 'utf8').split(' '),
      )
      .filter((pid) => pid !== '' && commandOf(pid).includes('monitor'))
      .map(Number);
  const commandOf = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return ''; // it ended
    }
  };
  /** The one that listens, and is not `former`: who is killed may linger for a moment. */
  const listening = async (former?: number): Promise<number> => {
    for (const late = soon(); ; await clock.sleep(20, soon())) {
      const [pid] = monitors().filter((one) => one !== former);
      // it listens once it waits for messages of the kernel
      if (pid !== undefined && /recv|skb_wait|wait_for/.test(waitsIn(pid))) return pid;
      assert.ok(!late.aborted, 'no monitor listens');
    }
  };
  const waitsIn = (pid: number): string => {
    try {
      return readFileSync(`/proc/${pid}/wchan`, 'utf8');
    } catch {
      return '';
    }
  };

  /** The first that it is; the others are passed over. */
  async function until(news: AsyncGenerator<LinkNews>, isIt: (news: LinkNews) => boolean) {
    for (let one; (one = await news.next()).done !== true;) if (isIt(one.value)) return one.value;
    return assert.fail('the news ended');
  }

  const drained = async (news: AsyncGenerator<LinkNews>): Promise<void> => {
    while ((await news.next()).done !== true);
  };

  it('tell of a port that comes and of one that goes, and end with their signal', async () => {
    const ending = new AbortController();
    const news = linkNews({ clock, log, netns }, AbortSignal.any([ending.signal, soon()]));
    const first = until(news, ({ gone, link }) => !gone && link.bridge === 'br0');
    await listening();
    await add('veth0000001');
    assert.equal((await first).link.name, 'veth0000001');
    await sh(`ip -n ${space} link del veth0000001`);
    await until(news, ({ gone, link }) => gone && link.name === 'veth0000001');
    const ended = drained(news);
    ending.abort();
    await ended;
    assert.deepEqual(monitors(), [], 'no program is left');
  });

  it('go on after the program that tells them was killed', async () => {
    const ending = new AbortController();
    const news = linkNews({ clock, log, netns }, AbortSignal.any([ending.signal, soon()]));
    const told = until(news, ({ link }) => link.name === 'veth0000003' && link.bridge === 'br0');
    const killed = await listening();
    process.kill(killed, 'SIGKILL');
    const next = await listening(killed);
    await add('veth0000003');
    await told;
    assert.deepEqual(monitors(), [next]);
    ending.abort();
    await drained(news);
  });

  it('are asked for again with pauses that double, up to ten seconds', async () => {
    const pauses: number[] = [];
    const ending = new AbortController();
    const hurried: Clock = {
      now: clock.now,
      sleep: (ms) => {
        pauses.push(ms);
        if (pauses.length === 9) ending.abort();
        return Promise.resolve();
      },
    };
    const nowhere = '/run/netns/there-is-none';
    for await (const one of linkNews({ clock: hurried, log, netns: nowhere }, ending.signal))
      assert.fail(JSON.stringify(one));
    assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  });
});
