import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { Hands } from '../../../src/agent/shape/hands.ts';
import { probeKernel } from '../../../src/agent/shape/probe.ts';
import { Reader } from '../../../src/agent/shape/reader.ts';
import { cleanKernel } from '../../../src/agent/shape/shaper.ts';
import type { Wanted } from '../../../src/agent/shape/asks.ts';
import { inNamespace, runOnce } from '../../../src/agent/shape/tool.ts';
import { stepsTowards } from '../../../src/core/shape-steps.ts';
import { commandOf } from '../../../src/core/shape-lines.ts';
import { bare, cpuMs, lines, partsOf } from './parts.ts';
import { wantedShape } from '../../../src/core/shape-wanted.ts';
import type { Limit, Shape, Uplink } from '../../../src/core/shape.ts';
import { shaperOn, sh, type Told, UPLINK } from '../../agent/shape/stage.ts';

const patience = (): AbortSignal => AbortSignal.timeout(120_000);
const round = (ms: number): string => (ms < 10 ? ms.toFixed(2) : ms.toFixed(0));

const limitsOf = (count: number, kbit: number): Limit[] =>
  Array.from({ length: count }, (_, at) => ({
    address: `198.18.${at >> 8}.${at & 255}`,
    hostInterface: `v${at}`,
    netInKbit: kbit,
    netOutKbit: kbit,
    classMinor: at + 1,
  }));

/** A host with `count` veth pairs, both ends in it: traffic is not what is measured. */
export async function scale(count: number): Promise<void> {
  const host = `bs-${process.pid}`;
  const netns = `/run/netns/${host}`;
  await sh(`ip netns add ${host}`);
  const hands = new Hands(netns);
  try {
    const links = Array.from({ length: count }, (_, at) => [
      `link add v${at} up type veth peer name p${at}`,
      `link set dev p${at} up`,
    ]);
    await runOnce(inNamespace(netns, ['ip', '-batch', '-']), lines(links.flat()), patience());
    await wait(1000);
    const reader = new Reader(netns);
    const kernel = await probeKernel(patience());
    console.log(`\n${count} containers            | steps | lines | ms | ms a container`);
    console.log('--- | ---: | ---: | ---: | ---:');
    for (const [layout, uplink] of [
      ['own trees (ratio 1)', { ...UPLINK, linkInKbit: 100e6, linkOutKbit: 100e6 }],
      [
        'one shared tree a direction',
        { ...UPLINK, linkInKbit: 100e6, linkOutKbit: 100e6, overcommit: 2 },
      ],
    ] as const) {
      const measure = async (what: string, kbit: number, limited = count): Promise<void> => {
        const { links, seen } = await reader.look(patience());
        const shape = shapeFor(limitsOf(limited, kbit), uplink);
        const steps = stepsTowards(shape, seen);
        const written = steps.flatMap((step) => commandOf(step).lines).length;
        const began = performance.now();
        const refused = await hands.carryOut(steps, links, patience());
        const ms = performance.now() - began;
        if (refused.length > 0) throw new Error(JSON.stringify(refused[0]));
        console.log(
          `${layout}: ${what} | ${steps.length} | ${written} | ${round(ms)} | ${round(ms / count)}`,
        );
      };
      const shapeFor = (limits: readonly Limit[], to: Uplink): Shape =>
        wantedShape(limits, { uplink: to, kernel, mtuOf: () => 1500 }).shape;
      await measure('from nothing', 50_000);
      await measure('every limit changed', 60_000);
      await changesPerSecond(hands, reader, (kbit) => shapeFor(limitsOf(count, kbit), uplink));
      await passes(netns, limitsOf(count, 60_000), uplink);
      await measure('taken away', 1, 0);
      await partsOf(layout, { netns, reader, shape: shapeFor(limitsOf(count, 50_000), uplink) });
    }
    await cleanKernel(patience(), netns);
    await bare(netns, count);
  } finally {
    await hands.close();
    await sh(`ip netns del ${host}`);
  }
}

async function changesPerSecond(
  hands: Hands,
  reader: Reader,
  shapeAt: (kbit: number) => Shape,
): Promise<void> {
  const { links, seen } = await reader.look(patience());
  const [one] = stepsTowards(shapeAt(61_000), seen).filter((step) => step.do === 'set-class');
  if (!one) throw new Error('nothing to change');
  await hands.carryOut([one], links, patience());
  const began = performance.now();
  let done = 0;
  while (performance.now() - began < 2000) {
    await hands.carryOut([one], links, patience());
    done += 1;
  }
  console.log(`one class at a time, each awaited: ${Math.round(done / 2)} changes/s | | | |`);
}

async function passes(netns: string, limits: readonly Limit[], uplink: Uplink): Promise<void> {
  const asks = limits.map(({ hostInterface, ...rest }) => ({ ...rest, at: { hostInterface } }));
  const told = shaperOn(netns, { asks, uplink });
  await told.settle();
  const faults = told.shaper.state().faults.length;
  for (const [what, work] of [
    ['a pass that finds all in order', () => told.settle()],
    [
      'usage of all',
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 600));
        return told.shaper.usage(patience());
      },
    ],
  ] as const) {
    const times: number[] = [];
    const before = cpuMs();
    for (let turn = 0; turn < 5; turn += 1) {
      const began = performance.now();
      await work();
      times.push(performance.now() - began - (what.startsWith('usage') ? 600 : 0));
    }
    times.sort((a, b) => a - b);
    const cpu = (cpuMs() - before) / 5;
    console.log(
      `${what} (${faults} faults): ${round(times[2]!)} ms, ${round(cpu)} ms of CPU | | | |`,
    );
  }
  await manyAtOnce(told, asks.slice(0, 100), uplink);
  told.set({ asks, uplink });
  await told.settle();
  await told.shaper.stop();
}

/** From "these are wanted" to "the kernel shows them", with looks before and after. */
async function manyAtOnce(told: Told, asks: Wanted['asks'], uplink: Uplink): Promise<void> {
  told.set({ asks: [], uplink });
  await told.settle();
  told.set({ asks, uplink });
  const began = performance.now();
  await told.settle();
  const ms = performance.now() - began;
  console.log(`${asks.length} new containers at once, read back: ${round(ms)} ms | | | |`);
}
