import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { IMAGE } from '../fakes/dockerd.ts';
import { type AgentProcess, startAgentProcess } from './agent-process.ts';
import { Drain, sending } from './flood.ts';
import { NODE, Rig } from './rig.ts';

const POOL = { cidr: '198.51.100.0/24', gateway: '198.51.100.1' };
const CONTAINERS = 100;
/** What the network gives to a container of which nothing is known, and what each asks for. */
const DEFAULT_KBIT = 2_000;
const ASKED_KBIT = 1_000;
const FLOODS_S = 5;
const ATTEMPTS = 3;
/** No further attempt after that: one takes minutes on a machine that has much to do. */
const LAST_BEGUN_MS = 180_000;
/** What a class lets go at once, and one packet of segmentation offload, bytes. */
const BURST = 25_000 + 65_536;

const bytesIn = (kbit: number, ms: number): number => (kbit * ms) / 8;
const sorted = (values: readonly number[]): readonly number[] => [...values].sort((a, b) => a - b);

describe(`${CONTAINERS} containers that start at once and flood from their first packet on`, () => {
  let rig: Rig;
  let agent: AgentProcess;
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'corral-burst-'));
    const kbit = `${DEFAULT_KBIT}kbit`;
    rig = await Rig.start({
      pools: { s: POOL },
      networks: { slow: { pools: ['s'], defaultIn: kbit, defaultOut: kbit } },
      agent: { answerWithinMs: 15_000 },
    });
    await rig.stopAgent();
    agent = await startAgentProcess(environment(rig));
    const { code, err } = await rig.network(
      ...['slow', '--subnet', POOL.cidr, '--gateway', POOL.gateway],
      ...['--ipam-opt', 'network=slow', '--opt', 'com.docker.network.bridge.name=slow0'],
    );
    assert.equal(code, 0, err);
  });
  after(async () => {
    await rig.clear().catch(() => undefined);
    await agent.stop();
    await rig.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const start = (): Promise<string> =>
    rig.dockerd.must(
      ...['run', '-d', '--network', 'slow', '-e', `net_out=${ASKED_KBIT}kbit`, IMAGE],
      ...sending(POOL.gateway, FLOODS_S),
    );

  /** Bytes of each within its first second, and within the three after it, sorted. */
  async function measured(attempt: number): Promise<readonly (readonly number[])[]> {
    const netns = `/run/netns/${rig.dockerd.place.name}`;
    const drain = await Drain.open(netns, 'slow0', join(directory, `pcap-${attempt}`));
    await Promise.all(Array.from({ length: CONTAINERS }, start));
    await wait(FLOODS_S * 1_000);
    const sent = await drain.close([0, 1_000], [1_000, 4_000]);
    await rig.clear();
    await rig.holds(0);
    assert.equal(sent.size, CONTAINERS);
    return [0, 1].map((window) =>
      sorted([...sent.values()].map(({ bytes }) => bytes[window] ?? NaN)),
    );
  }

  it('none ever has more than its network gives, and each what it asked for within a second', async (t) => {
    const began = performance.now();
    // A machine that stands still for a moment may let packets pass before their limit, never hold them back.
    for (let attempt = 1; ; attempt += 1) {
      const [first = [], then = []] = await measured(attempt);
      const own = first.filter((bytes) => bytes <= bytesIn(ASKED_KBIT, 1_000) + BURST).length;
      t.diagnostic(`in the first second: median ${first[50]} bytes, most ${first.at(-1)}`);
      t.diagnostic(`in the three after it: median ${then[50]} bytes, most ${then.at(-1)}`);
      t.diagnostic(
        `${own} of ${CONTAINERS} had no more than they asked for from the first packet on`,
      );
      try {
        assert.ok((first.at(-1) ?? NaN) <= bytesIn(DEFAULT_KBIT, 1_000) + BURST);
        assert.ok((then.at(-1) ?? NaN) <= bytesIn(ASKED_KBIT, 3_000) + BURST);
        assert.ok((then[0] ?? NaN) > 0, 'they went on sending');
        return;
      } catch (fault) {
        if (attempt === ATTEMPTS || performance.now() - began > LAST_BEGUN_MS) throw fault;
      }
    }
  });
});

/** `corral agent`, whole, beside the rig's dockerd and ledger. */
const environment = ({ settings, etcd, dockerd }: Rig): Readonly<Record<string, string>> => ({
  LEDGER_KIND: 'etcd',
  LEDGER_HOSTS: etcd.urls.join(','),
  AGENT_NODE: NODE,
  AGENT_PLUGIN: settings.plugin,
  AGENT_PLUGIN_DIRECTORY: settings.pluginDirectory,
  AGENT_DOCKER_SOCKET: dockerd.socket,
  AGENT_STATE_DIRECTORY: settings.stateDirectory,
  AGENT_SOCKET: settings.socket,
  AGENT_ANSWER_WITHIN_MS: '15000',
  AGENT_SHAPE_NETNS: `/run/netns/${dockerd.place.name}`,
});
