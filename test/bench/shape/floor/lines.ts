import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { commandOf } from '../../../../src/core/shape-lines.ts';
import { stepsTowards } from '../../../../src/core/shape-steps.ts';
import { wantedShape } from '../../../../src/core/shape-wanted.ts';
import { bareLink, KERNEL } from '../../../core/shape-model.ts';

/** Writes the lines that program 500 containers from nothing: `lines.ts DIRECTORY RATIO`, a file per kind of step. */
const [, , directory = '.', ratio = '1'] = process.argv;
const COUNT = 500;

const limits = Array.from({ length: COUNT }, (_, at) => ({
  address: `198.18.${at >> 8}.${at & 255}`,
  hostInterface: `v${at}`,
  ...{ netInKbit: 50_000, netOutKbit: 50_000, classMinor: at + 1 },
}));
const host = new Map(limits.map(({ hostInterface }, at) => [hostInterface, bareLink(at + 2)]));
const uplink = { linkInKbit: 100e6, linkOutKbit: 100e6, overcommit: Number(ratio), headroom: 1 };
const { shape } = wantedShape(limits, { uplink, kernel: KERNEL, mtuOf: () => 1500 });
const steps = stepsTowards(shape, host);
for (const kind of new Set(steps.map((step) => step.do))) {
  const lines = steps.filter((step) => step.do === kind).flatMap((step) => commandOf(step).lines);
  writeFileSync(join(directory, kind), `${lines.join('\n')}\n`);
}
