import { cpus, loadavg, release } from 'node:os';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import {
  askFor,
  firstSecond,
  flow,
  median,
  roundTrips,
  shaperOn,
  type Stage,
  stage,
  UPLINK,
} from '../../agent/shape/stage.ts';
import { cniBandwidth, type Setup, wondershaper } from './peers.ts';
import { scale } from './scale.ts';

/** Accuracy, first second and delay of limits beside their peers; then what 500 containers cost. */
const SECONDS = Number(process.env['SECONDS'] ?? 4);
const CONTAINERS = Number(process.env['CONTAINERS'] ?? 500);
/** What kubelet passes as burst: the largest int32, in bits. */
const KUBELET_BITS = 2 ** 31 - 1;

const onStage: Stage = await stage('bench');
try {
  const container = await onStage.add(1);
  const told = shaperOn(onStage.netns);
  const corral = (name: string, overcommit: number): Setup => ({
    name,
    on: async (mbit) => {
      const uplink = { ...UPLINK, overcommit };
      told.set({ asks: [askFor(container, 1, mbit)], uplink });
      await told.settle();
    },
    off: async () => {
      told.set({ asks: [], uplink: UPLINK });
      await told.settle();
    },
  });
  const none: Setup = {
    name: 'no limit',
    on: () => Promise.resolve(),
    off: () => Promise.resolve(),
  };
  const setups = [
    corral('corral, ratio 1', 1),
    corral('corral, ratio 2', 2),
    cniBandwidth('CNI bandwidth, burst of kubelet', onStage, container, () => KUBELET_BITS),
    cniBandwidth('CNI bandwidth, burst 64 KiB or 4 ms', onStage, container, (bits) =>
      Math.max(8 * 67_036, bits * 0.004),
    ),
  ].filter((setup) => setup !== undefined);

  console.log(
    `Kernel ${release()}, ${cpus().length} x ${cpus()[0]?.model ?? '?'}, Node ${process.version},`,
  );
  console.log(
    `${SECONDS} s a cell, TCP towards the container; load at start ${loadavg()[0]?.toFixed(1)}.`,
  );
  console.log(`TCP carries at most 95.6 % of a limit on frames.\n`);
  const measure = async (setup: Setup, mbit: number, flows: number): Promise<void> => {
    await setup.on(mbit);
    await wait(100);
    const counted = firstSecond(container);
    const load = flow(onStage.peer, container, `-t ${SECONDS} -P ${flows}`);
    await wait(800);
    const trips = await roundTrips(onStage.peer, container, (SECONDS - 1) * 80);
    const { mbit: got } = await load;
    const first = await counted;
    await setup.off();
    const share = (rate: number): string => `${((rate / mbit) * 100).toFixed(1)} %`;
    const [p50, p99] = [median(trips), trips[Math.floor(trips.length * 0.99)] ?? NaN];
    console.log(
      `| ${setup.name} | ${mbit} | ${flows} | ${share(got)} | ${share(first)} | ${p50.toFixed(1)} | ${p99.toFixed(1)} |`,
    );
  };
  console.log('| | Mbit/s | flows | goodput | first second | ping p50 ms | p99 |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const mbit of [10, 100, 1000])
    for (const flows of [1, 16]) {
      for (const setup of setups) await measure(setup, mbit, flows);
      if (mbit === 1000) await measure(none, mbit, flows);
    }
  await told.shaper.stop();
  console.log(`\nwondershaper: ${await wondershaper(onStage, container)}`);
} finally {
  await onStage.down();
}
await scale(CONTAINERS);
