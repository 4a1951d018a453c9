import { place } from '../../src/core/place.ts';
import type { Ask, Room } from '../../src/core/room.ts';
import { cluster, kindsOf } from './cluster.ts';

/** Time of one verdict by kind of ask and size of the cluster: median and 99th percentile, ms. */
const SIZES = [100, 1_000, 10_000];
const RUNS = 200;
const WARM = 20;

interface Times {
  readonly median: number;
  readonly p99: number;
  readonly fits: boolean;
}

function measure(room: Room, ask: Ask): Times {
  let fits = false;
  const times: number[] = [];
  for (let run = 0; run < WARM + RUNS; run++) {
    const start = performance.now();
    fits = place(room, ask).fits;
    if (run >= WARM) times.push(performance.now() - start);
  }
  times.sort((one, other) => one - other);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? NaN;
  return { median: at(0.5), p99: at(0.99), fits };
}

const rooms = SIZES.map((nodes) => cluster({ nodes, pools: 200, leases: 200_000 }));
const print = (cells: readonly string[]): void => {
  console.log(
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(28) : cell.padStart(22))).join(' | ')} |`,
  );
};

print(['place(), median / p99 ms', ...SIZES.map((nodes) => `${nodes} nodes`), 'growth ×100 nodes']);
print(['---', ...SIZES.map(() => '---:'), '---:']);
for (const kind of Object.keys(kindsOf(rooms[0] as Room))) {
  const times = rooms.map((room) => measure(room, kindsOf(room)[kind] as Ask));
  const cells = times.map(
    ({ median, p99, fits }) =>
      `${median.toFixed(3)} / ${p99.toFixed(2)} ${fits ? 'fits' : 'short'}`,
  );
  print([kind, ...cells, `×${((times[2]?.median ?? 0) / (times[0]?.median ?? 1)).toFixed(0)}`]);
}
