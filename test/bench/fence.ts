import { withBit, NO_BITS } from '../../src/core/mask.ts';
import type { FenceRecord } from '../../src/core/fence-record.ts';
import type { AgentSeen } from '../../src/core/fence-action.ts';
import { agentsByNode } from '../../src/core/fence-step.ts';
import type { TallyRecord } from '../../src/core/lease-record.ts';
import { readNetwork, readNode, readPool } from '../../src/core/topology-read.ts';
import { Snapshot } from '../../src/core/snapshot.ts';
import { decideFence, type DecideRules } from '../../src/fence/decide.ts';
import { fencesIn } from '../../src/ledger/fences.ts';
import { keys } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import { noise } from './cluster.ts';

/** CPU time of one pass of the fence, by size of the cluster and share of it that changed: median and 99th percentile, ms. */
const SIZES = [1_000, 10_000];
const SHARES = [0, 0.01, 0.1];
const RUNS = 100;
const WARM = 20;
const RACK = 40;
const GOAL_MS = 50;

const RULES: DecideRules = {
  ...{ mode: 'on', margin: 5, reopenExtra: 0, reopenAfterMs: 30_000, patienceMs: 10_000 },
  ...{ netInBelowKbit: 1_000, netOutBelowKbit: 1_000, flipsPerMinute: 4, atOnce: 16 },
};

const nameOf = (n: number): string => `node-${n}.example.org`;
const poolOf = (n: number): string => `rack-${Math.floor(n / RACK)}`;

const tallyOf = (n: number, round: number): TallyRecord => ({
  ...{ v: 1, netInKbit: Math.floor(noise(n + round * 7) * 900_000), netOutKbit: 1_000 },
  ...{ pools: { [poolOf(n)]: 3 }, apps: { [`/app-${n % 500}`]: { prod: 3 } } },
});

/** A pool of 200 addresses for each rack of 40; a third of the racks is full. */
function laid(nodes: number): Snapshot {
  const snapshot = new Snapshot();
  const pools: string[] = [];
  for (let n = 0; n < nodes; n += RACK) {
    const rack = Math.floor(n / RACK);
    const net = `10.${rack >> 8}.${rack & 255}`;
    const pool = { cidr: `${net}.0/24`, ranges: [`${net}.10-${net}.209`] };
    const attributes = { rack: String(rack) };
    snapshot.setPool(poolOf(n), readPool(poolOf(n), { ...pool, nodes: { attributes } }));
    pools.push(poolOf(n));
    hold(snapshot, n, rack % 3 === 0 ? 200 : 120);
  }
  snapshot.setNetwork('prod', readNetwork('prod', { pools }));
  for (let n = 0; n < nodes; n++) {
    snapshot.setNode(nameOf(n), readNode(nameOf(n), { link: '10gbit' }));
    snapshot.setFacts(nameOf(n), {
      attributes: { rack: String(Math.floor(n / RACK)) },
      ...{ offered: true, cpus: 4, memMiB: 1_024, diskMiB: 0, gpus: 0, ports: [] },
    });
    snapshot.setTally(nameOf(n), tallyOf(n, 0));
  }
  return snapshot;
}

/** So many addresses of the rack are held, each node has two more in stock. */
function hold(snapshot: Snapshot, n: number, count: number): void {
  const held: Record<string, string> = {};
  const spare: Record<string, string> = {};
  for (let offset = 10; offset < 10 + count; offset++) {
    const node = nameOf(n + (offset % RACK));
    if (count === 120 && offset >= 100) spare[node] = withBit(spare[node] ?? NO_BITS, offset);
    else held[node] = withBit(held[node] ?? NO_BITS, offset);
  }
  snapshot.setBlock(poolOf(n), 0n, {
    ...{ v: 1, held, spare, cursor: 0, cooling: {}, quarantined: {} },
  });
}

function measure(nodes: number, share: number): { median: number; p99: number; closed: number } {
  const snapshot = laid(nodes);
  const agents = Array.from({ length: nodes }, (_, n): AgentSeen => {
    const deactivated = Math.floor(n / RACK) % 3 === 0;
    const flags = { active: !deactivated, deactivated, draining: false, recovered: false };
    return { agentId: `S${n}`, hostname: nameOf(n), ...flags };
  });
  const entries = agents
    .filter(({ deactivated }) => deactivated)
    .map(({ agentId, hostname }) => ({
      key: keys.fence(hostname),
      value: records.fence.encode(recordOf(agentId)),
      ...{ revision: 1, created: 1 },
    }));
  const staged = Array.from({ length: nodes / 100 }, (_, n) => ({
    ...{
      node: nameOf(n * 97),
      app: `/app-${n}`,
      networks: ['prod'],
      inKbit: 1_000,
      outKbit: 1_000,
    },
  }));
  const byNode = agentsByNode(agents);
  const fences = fencesIn(entries);
  const times: number[] = [];
  for (let run = 0; run < WARM + RUNS; run++) {
    const changed = Math.floor(nodes * share);
    for (let i = 0; i < changed; i++) {
      const n = Math.floor(noise(run * 1_000 + i) * nodes);
      snapshot.setTally(nameOf(n), tallyOf(n, run));
      if (i % 4 === 0) hold(snapshot, Math.floor(n / RACK) * RACK, run % 2 === 0 ? 120 : 200);
    }
    const before = process.cpuUsage();
    decideFence(RULES, {
      ...{ snapshot, fences, agents: byNode, staged, queue: [], failures: [], isAble: true },
      ...{ since: new Map(), over: new Set<string>(), flips: new Map(), nowMs: 1e12 },
    });
    const { user, system } = process.cpuUsage(before);
    if (run >= WARM) times.push((user + system) / 1_000);
  }
  times.sort((one, other) => one - other);
  const at = (part: number) => times[Math.floor(times.length * part)] ?? NaN;
  return { median: at(0.5), p99: at(0.99), closed: entries.length };
}

const recordOf = (agentId: string): FenceRecord => ({
  ...{ v: 1, agentId, state: 'closed', mode: 'on', by: 'deactivate', why: 'no addresses left' },
  figures: { addresses: 0, network: 'prod', netInKbit: 5, netOutKbit: 6, cpus: 3, memMiB: 512 },
  ...{ sinceMs: 0, term: 1, flips: [], undone: [] },
});

console.log('| one pass of the fence | changed | closed | CPU ms, median / p99 | goal |');
console.log('| --- | ---: | ---: | ---: | ---: |');
for (const nodes of SIZES)
  for (const share of SHARES) {
    const { median, p99, closed } = measure(nodes, share);
    const isGoal = nodes === 10_000 && share === 0.01;
    const goal = isGoal ? `${GOAL_MS} ${median <= GOAL_MS ? 'met' : 'missed'}` : '';
    console.log(
      `| ${nodes} nodes | ${share * 100} % | ${closed} | ${median.toFixed(1)} / ${p99.toFixed(1)} | ${goal} |`,
    );
  }
