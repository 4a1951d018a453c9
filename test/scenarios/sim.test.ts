import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { demoNodes } from '../../src/sim/topology.ts';
import { fixedPools } from '../sim/pools.ts';
import { openSim } from '../sim/stage.ts';
import { formatBlocks, parseBlocks, playFile, type OpenStage } from './play.ts';
import type { Line } from '../../src/sim/script.ts';

/** `cluster seed=1 nodes=2 addresses=node-1:0,node-2:4`: six nodes with 8 addresses unless said. */
const open = async ({ options }: Line): Promise<OpenStage> => {
  const sizes = (options['addresses'] ?? '').split(',').filter(Boolean);
  const pools = fixedPools(
    Object.fromEntries(
      sizes.map((one) => one.split(':')).map(([node = '', size]) => [node, Number(size)]),
    ),
  );
  const nodes = demoNodes().slice(0, Number(options['nodes'] ?? 6));
  const opened = await openSim({ seed: Number(options['seed'] ?? 1), nodes }, pools);
  const { sim, clock, marathonUrl, mesosUrl, faults } = opened;
  return {
    stage: { marathonUrl, mesosUrl, world: sim.world, pass: (ms) => clock.advance(ms) },
    close: async () => {
      await sim.stop();
      assert.deepEqual(faults, []);
    },
  };
};

describe('the simulated cluster without Corral', () => {
  const here = new URL('.', import.meta.url);
  for (const name of readdirSync(here).filter((file) => /^sim-.*\.txt$/.test(file)))
    it(name.slice('sim-'.length, -'.txt'.length).replaceAll('-', ' '), () =>
      playFile(new URL(name, here), open),
    );
});

describe('a scenario file', () => {
  it('reads back as it was written', () => {
    const text = '# one\ndeploy a\n----\na: accepted\n\nadvance 1s\n\nshow apps\n----\nnone\n';
    assert.equal(formatBlocks(parseBlocks(text)), text);
  });
});
