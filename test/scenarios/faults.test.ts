import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Action, Step } from './random/actions.ts';
import type { RandomCluster } from './random/cluster.ts';
import { FULL } from './random/modes.ts';
import { play } from './random/play.ts';

const RACKS = ['r1', 'r2'];
const nodeOf = (n: number): string => `node-${n}.example.org`;

/** Two racks of two nodes, and eight addresses for each rack. */
const CLUSTER: RandomCluster = {
  racks: RACKS,
  networks: ['prod'],
  rates: [1],
  coolDownMs: 0,
  nodes: [1, 2, 3, 4].map((n) => ({
    ...{ name: nodeOf(n), cpus: 8, mem: 16_384, disk: 102_400 },
    attributes: { rack: RACKS[n % 2]! },
  })),
  topology: {
    pools: Object.fromEntries(
      RACKS.map((rack, n) => [
        `prod-${rack}`,
        {
          cidr: `10.0.${n}.0/24`,
          ranges: [`10.0.${n}.10-10.0.${n}.17`],
          gateway: `10.0.${n}.1`,
          nodes: { attributes: { rack } },
        },
      ]),
    ),
    networks: { prod: { pools: RACKS.map((rack) => `prod-${rack}`), default: '1mbit' } },
    nodes: Object.fromEntries([1, 2, 3, 4].map((n) => [nodeOf(n), { link: '1gbit' }])),
  },
};

const app = (id: string, instances: number, rack: string): Action => ({
  do: 'ask',
  method: 'PUT',
  path: `/v2/apps${id}`,
  body: {
    ...{ id, cmd: 'sleep 1000', instances, cpus: 0.1, mem: 64 },
    constraints: [['rack', 'LIKE', rack]],
    networks: [{ mode: 'container', name: 'prod' }],
  },
});
const scaled = (id: string, instances: number): Action => ({
  ...{ do: 'ask', method: 'PUT', path: `/v2/apps${id}?force=true` },
  body: { instances },
});
const at = (s: number, action: Action): Step => ({ atMs: s * 1_000, action });

/** Rack r2 (nodes 1 and 3) fills up at once, and is given room again after two minutes. */
const FILLED = at(0, app('/full', 8, 'r2'));
const EMPTIED = at(120, scaled('/full', 1));

interface Script {
  readonly when: string;
  readonly steps: readonly Step[];
}

const SCRIPTS: readonly Script[] = [
  { when: 'nothing goes wrong', steps: [FILLED, EMPTIED] },
  {
    when: 'another Mesos master leads in the middle of fencing, and of its end',
    steps: [
      at(0, { do: 'amid a switch', then: { do: 'failover' } }),
      FILLED,
      at(118, { do: 'amid a switch', then: { do: 'failover' } }),
      EMPTIED,
    ],
  },
  {
    when: 'a fenced agent comes back under another id',
    steps: [FILLED, at(30, { do: 'renew', node: nodeOf(1) }), EMPTIED],
  },
  {
    when: 'a fenced agent comes back under another id, and its rack fills up again',
    steps: [FILLED, at(30, { do: 'renew', node: nodeOf(1) })],
  },
  {
    when: 'the agent of a node that stays without room comes back under another id',
    steps: [
      ...Array.from({ length: 8 }, () =>
        at(0, { do: 'outside', node: nodeOf(3), network: 'prod', forMs: 120_000 }),
      ),
      at(40, { do: 'renew', node: nodeOf(1) }),
    ],
  },
  {
    when: 'an operator drains a fenced node, and an open one',
    steps: [
      FILLED,
      at(40, { do: 'drain', node: nodeOf(1), forMs: 200_000 }),
      at(50, { do: 'drain', node: nodeOf(2), forMs: 100_000 }),
      EMPTIED,
    ],
  },
  {
    when: 'an operator deactivates a node whose rack then fills up and empties',
    steps: [
      at(0, { do: 'deactivate', node: nodeOf(1), forMs: 240_000 }),
      { ...FILLED, atMs: 5_000 },
      EMPTIED,
    ],
  },
  {
    when: 'the gate dies between the answer of Mesos and its own record',
    steps: [
      at(0, { do: 'amid a switch', then: { do: 'kill gate', forMs: 5_000 } }),
      FILLED,
      at(118, { do: 'amid a switch', then: { do: 'kill gate', forMs: 5_000 } }),
      EMPTIED,
    ],
  },
  {
    when: 'the gate dies and Mesos never heard of the switch',
    steps: [
      at(0, { do: 'trouble', what: 'dropped' }),
      at(0, { do: 'amid a switch', then: { do: 'kill gate', forMs: 30_000 } }),
      FILLED,
      EMPTIED,
    ],
  },
  {
    when: 'answers of Mesos are lost',
    steps: [
      at(0, { do: 'trouble', what: 'lost' }),
      at(0, { do: 'trouble', what: 'lost' }),
      FILLED,
      at(119, { do: 'trouble', what: 'lost' }),
      EMPTIED,
    ],
  },
  {
    when: 'the clock is set forward by an hour while a node is fenced',
    steps: [FILLED, at(60, { do: 'set clock', byMs: 3_600_000 }), EMPTIED],
  },
  {
    when: 'the clock is set forward by an hour while a node begins its wait to be opened, and put right',
    steps: [
      FILLED,
      at(119, { do: 'set clock', byMs: 3_600_000 }),
      EMPTIED,
      at(140, { do: 'set clock', byMs: -3_600_000 }),
    ],
  },
  {
    // While it is behind, addresses that nodes have just released seem to rest for that hour.
    when: 'the clock is set back by an hour while a node waits to be opened, and put right',
    steps: [
      FILLED,
      EMPTIED,
      at(135, { do: 'set clock', byMs: -3_600_000 }),
      at(195, { do: 'set clock', byMs: 3_600_000 }),
    ],
  },
  {
    when: 'the ledger is lost for a minute while nodes run out of room',
    steps: [at(0, app('/full', 7, 'r2')), at(8, { do: 'lose ledger', forMs: 60_000 }), EMPTIED],
  },
  {
    when: 'the ledger is lost for a minute amid a switch, and when room returns',
    steps: [
      at(0, { do: 'amid a switch', then: { do: 'lose ledger', forMs: 60_000 } }),
      FILLED,
      EMPTIED,
      at(125, { do: 'lose ledger', forMs: 60_000 }),
    ],
  },
];

/** What happened in the cluster, and what gates logged; without reads and writes of the ledger. */
const isTold = (line: string): boolean =>
  !/^ +\d+ [\w-]+(?:: (?:get|range|commit|hold)| wakes)/.test(line);

describe('after faults no node with room is fenced, none without is offered, no operator is undone', () => {
  for (const { when, steps } of SCRIPTS)
    it(`when ${when}`, async (t) => {
      const scenario = { seed: 5, cluster: CLUSTER, steps, calm: false, faults: true };
      const { breaches, trace, figures } = await play(scenario, FULL);
      const switched = trace.filter((line) => /(?:DE|RE)ACTIVATE_AGENT/.test(line));
      t.diagnostic(`${switched.length} switches, ${figures.failed} launches failed`);
      assert.deepEqual(
        breaches,
        [],
        trace
          .filter((line) => line.includes('  '))
          .slice(-80)
          .join('\n'),
      );
      assert.ok(switched.length >= 2, 'the fence had something to do');
    });
});
