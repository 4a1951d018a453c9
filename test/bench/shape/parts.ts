import { readFileSync } from 'node:fs';
import process from 'node:process';
import type { Reader } from '../../../src/agent/shape/reader.ts';
import { inNamespace, runOnce } from '../../../src/agent/shape/tool.ts';
import { commandOf } from '../../../src/core/shape-lines.ts';
import type { ShapeStep } from '../../../src/core/shape-step.ts';
import { stepsTowards } from '../../../src/core/shape-steps.ts';
import type { Shape } from '../../../src/core/shape.ts';

const patience = (): AbortSignal => AbortSignal.timeout(120_000);
export const lines = (all: readonly string[]): string => `${all.join('\n')}\n`;

export interface Cpu {
  /** ms, in the kernel and outside. */
  readonly all: number;
  readonly kernel: number;
}

/** CPU that this process and the programs it started and saw ending have used; theirs in steps of 10 ms. */
export function cpuUsed(): Cpu {
  const [, rest = ''] = readFileSync('/proc/self/stat', 'utf8').split(') ');
  const [user = 0, system = 0] = rest.split(' ').slice(13, 15).map(Number);
  const own = process.cpuUsage();
  const kernel = own.system / 1000 + system * 10;
  return { all: own.user / 1000 + user * 10 + kernel, kernel };
}

export const cpuMs = (): number => cpuUsed().all;

/** Kinds of steps, in an order that is as good as the one of `stepsTowards`. */
const KINDS: readonly ShapeStep['do'][] = [
  ...(['make-ifb', 'set-root', 'set-class', 'set-leaf', 'make-table', 'sort'] as const),
  ...(['hook', 'redirect', 'drop-filters', 'unhook', 'unsort', 'drop-class'] as const),
  ...(['drop-root', 'doom-ifb', 'drop-doomed', 'drop-ifb'] as const),
];

interface At {
  readonly netns: string;
  readonly reader: Reader;
  readonly shape: Shape;
}

/** Where the time goes: each kind of step by a program of its own, from nothing and back. */
export async function partsOf(layout: string, { netns, reader, shape }: At): Promise<void> {
  console.log(`\n${layout}, part by part | lines | ms | ms of CPU | the kernel's`);
  console.log('--- | ---: | ---: | ---: | ---:');
  for (const wanted of [shape, new Map() as Shape]) {
    const { seen } = await part('looking at everything', 0, () => reader.look(patience()));
    const steps = await part('computing the steps', 0, () => stepsTowards(wanted, seen));
    await part('spelling the lines', 0, () => steps.map((step) => commandOf(step)));
    for (const kind of KINDS) {
      const commands = steps.filter((step) => step.do === kind).map(commandOf);
      const [first] = commands;
      if (first)
        await batch(
          netns,
          first.tool,
          kind,
          commands.flatMap((one) => one.lines),
        );
    }
  }
}

/** Class, queue and filter in both directions of `count` containers on two ifbs: what peers program. */
export async function bare(netns: string, count: number): Promise<void> {
  console.log(
    `\nbare objects of ${count} containers, one batch each | lines | ms | ms of CPU | the kernel's`,
  );
  console.log('--- | ---: | ---: | ---: | ---:');
  const of = (line: (dev: string, minor: string, at: number) => string): string[] =>
    ['bare-in', 'bare-out'].flatMap((dev) =>
      Array.from({ length: count }, (_, at) => line(dev, `c0a1:${(at + 1).toString(16)}`, at)),
    );
  await batch(netns, 'ip', 'two ifbs', [
    'link add bare-in up type ifb',
    'link add bare-out up type ifb',
  ]);
  await batch(netns, 'tc', 'two roots', [
    'qdisc add dev bare-in root handle c0a1: htb default ffff',
    'qdisc add dev bare-out root handle c0a1: htb default ffff',
  ]);
  const classes = of(
    (dev, id) =>
      `class add dev ${dev} parent c0a1: classid ${id} htb rate 50mbit burst 67036 quantum 6250`,
  );
  const queues = of((dev, id) => `qdisc add dev ${dev} parent ${id} bfifo limit 67036`);
  const filters = of(
    (dev, id, at) =>
      `filter add dev ${dev} parent c0a1: protocol ip pref 1 u32 match ip dst 10.0.${at >> 8}.${at & 255}/32 flowid ${id}`,
  );
  await batch(netns, 'tc', 'classes', classes);
  await batch(netns, 'tc', 'queues', queues);
  await batch(netns, 'tc', 'filters', filters);
  await batch(netns, 'ip', 'ifbs away', ['link del bare-in', 'link del bare-out']);
}

const batch = (
  netns: string,
  tool: 'tc' | 'ip',
  what: string,
  all: readonly string[],
): Promise<void> =>
  part(what, all.length, async () => {
    const argv = inNamespace(netns, [tool, '-force', '-batch', '-']);
    const { stderr } = await runOnce(argv, lines(all), patience());
    if (stderr.includes('Command failed')) throw new Error(`${what}: ${stderr.slice(0, 300)}`);
  });

async function part<T>(what: string, count: number, work: () => Promise<T> | T): Promise<T> {
  const [began, before] = [performance.now(), cpuUsed()];
  const done = await work();
  const ms = (performance.now() - began).toFixed(1);
  const cpu = cpuUsed();
  const [all, kernel] = [cpu.all - before.all, cpu.kernel - before.kernel];
  console.log(`${what} | ${count || ''} | ${ms} | ${all.toFixed(0)} | ${kernel.toFixed(0)}`);
  return done;
}
