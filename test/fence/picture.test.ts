import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fenceRooms } from '../../src/core/fence-room.ts';
import { readNetwork, readNode, readPool } from '../../src/core/topology-read.ts';
import { Snapshot } from '../../src/core/snapshot.ts';
import { pictureOf } from '../../src/fence/picture.ts';

const [NODE, APP] = ['n1', '/upgraded'];
/** 100 Mbit/s with the default headroom of 0.95. */
const LINK_KBIT = 95_000;

/** A node on which three instances of 20 Mbit/s run. */
function snapshot(): Snapshot {
  const made = new Snapshot();
  const pool = { cidr: '192.0.2.0/24', ranges: ['192.0.2.10-192.0.2.19'] };
  made.setPool('p', readPool('p', pool));
  made.setNetwork('prod', readNetwork('prod', { pools: ['p'] }));
  made.setNode(NODE, readNode(NODE, { link: '100mbit' }));
  made.setFacts(NODE, {
    ...{ attributes: {}, offered: true, cpus: 4, memMiB: 1024, diskMiB: 0, gpus: 0, ports: [] },
  });
  made.setTally(NODE, {
    ...{ v: 1, netInKbit: 60_000, netOutKbit: 60_000, pools: { p: 3 } },
    apps: { [APP]: { prod: 3 } },
  });
  return made;
}

/** An upgrade is at work on the three: each may need so much more once it is replaced. */
function upgraded(made: Snapshot, growKbit: number): void {
  const rates = { netInKbit: 20_000 + growKbit, netOutKbit: 20_000 };
  made.setReservation(APP, {
    ...{ v: 1, id: 'x', target: 3, constraints: [], witness: [], draws: [], sequence: 1 },
    demand: {
      ...{ cpus: 0.1, memMiB: 64, diskMiB: 0, gpus: 0, ports: { any: 0, fixed: [] } },
      addresses: [{ network: 'prod', ...rates }],
    },
    ...{ sinceMs: 0, deadlineMs: 1e15, fingerprint: '', until: 'deployment' },
    ...{ growInKbit: growKbit, growOutKbit: 0 },
  });
}

describe('what the fence looks at', () => {
  it('leaves a node what is promised to upgrades of the instances on it', () => {
    const made = snapshot();
    upgraded(made, 15_000);
    assert.equal(made.room().nodes.get(NODE)?.netInKbit, LINK_KBIT - 60_000 - 45_000);
    const left = fenceRooms(pictureOf(made, [])).get(NODE);
    assert.deepEqual([left?.netInKbit, left?.netOutKbit], [LINK_KBIT - 60_000, LINK_KBIT - 60_000]);
  });
});
