import { ALL_BITS } from '../../src/core/mask.ts';
import { Snapshot } from '../../src/core/snapshot.ts';
import { readNetwork, readNode, readPool } from '../../src/core/topology-read.ts';

export const NODE = 'n1';

/** One node on a pool of ten addresses: all of them free, or all held. */
export function pictureOf(isFull: boolean): Snapshot {
  const snapshot = new Snapshot();
  const pool = { cidr: '192.0.2.0/24', ranges: ['192.0.2.10-192.0.2.19'] };
  snapshot.setPool('p', readPool('p', pool));
  snapshot.setNetwork('prod', readNetwork('prod', { pools: ['p'] }));
  snapshot.setNode(NODE, readNode(NODE, { link: '1gbit' }));
  snapshot.setFacts(NODE, {
    ...{ attributes: {}, offered: true, cpus: 4, memMiB: 1024, diskMiB: 0, gpus: 0, ports: [] },
  });
  if (isFull)
    snapshot.setBlock('p', 0n, {
      ...{ v: 1, held: { other: ALL_BITS }, cursor: 0, cooling: {}, quarantined: {} },
    });
  return snapshot;
}
