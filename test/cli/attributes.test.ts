import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { registerAttributes } from '../../src/cli/commands/attributes.ts';
import { newProgram, run } from '../../src/cli/run.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { lay, opened, patience } from '../ledger/opened.ts';
import { layCluster } from '../report/ledger.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
interface Bench {
  readonly store: Store;
  readonly file: string;
  readonly marks: string;
  say(...argv: string[]): Promise<Said>;
}

async function bench(t: TestContext, policy = 'additive'): Promise<Bench> {
  const store = await opened(t);
  await layCluster(store);
  const directory = await mkdtemp(join(tmpdir(), 'corral-attributes-'));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, 'attributes');
  const agent = { node: 'node-1', attributes: { file, policy } };
  return {
    ...{ store, file, marks: join(directory, 'marks') },
    say: async (...argv) => {
      const [out, err]: [string[], string[]] = [[], []];
      const context = {
        settings: () => settingsSchema.validate({ agent }).value,
        log: silentLog,
        openStore: () =>
          Promise.resolve({
            get: store.get.bind(store),
            range: store.range.bind(store),
            commit: store.commit.bind(store),
            watch: store.watch.bind(store),
            hold: store.hold.bind(store),
            close: () => Promise.resolve(),
          }),
        out: (text: string) => void out.push(text),
        err: (text: string) => void err.push(text),
        clock: systemClock,
        signal: patience(),
      };
      const program = newProgram('corral', context);
      registerAttributes(program, context);
      const code = await run(program, ['attributes', ...argv], context);
      return { code, out: out.join('\n'), err: err.join('\n') };
    },
  };
}

const OURS = [
  ...['corral.in:1000', 'corral.network.prod:yes', 'corral.out:1000'],
  ...['corral.pool.prod-a:yes', 'corral.pool.prod-b:yes', 'rack:r1'],
];
/** Leaves a mark of how it was called, word by word. */
const marker = (marks: string, code = 0): string =>
  JSON.stringify([
    process.execPath,
    '-e',
    `require('fs').appendFileSync(process.argv[1], JSON.stringify(process.argv.slice(2)) + '\\n'); process.exit(${code})`,
    marks,
    'a b',
    '$(touch /nowhere); echo',
  ]);

describe('corral attributes', () => {
  it('render prints what Mesos takes', async (t) => {
    const { say } = await bench(t);
    assert.equal((await say('render')).out, OURS.join('\n'));
    const { attributes, faults } = JSON.parse(
      (await say('render', '--node', 'node-2', '--format', 'json')).out,
    );
    assert.deepEqual(
      [attributes.rack, attributes['corral.pool.prod-a'], faults],
      ['r2', 'yes', []],
    );
    assert.equal((await say('render', '--format', 'xml')).code, 1);
    assert.match((await say('render', '--node', 'nobody')).err, /nobody/);
  });

  it('diff tells what comes by itself, what at a restart, and what with a new agent', async (t) => {
    const { say, file, store } = await bench(t);
    await writeFile(
      file,
      ['corral.in:500', ...OURS.slice(1, 4), 'corral.pool.gone:yes', 'zone:z1'].join('\n'),
    );
    const { out, code } = await say('diff');
    assert.equal(code, 0);
    assert.match(out, /corral\.in changes from 500 to 1000 +with a new agent id/);
    assert.match(out, /corral\.pool\.gone:yes is to go +with a new agent id/);
    assert.match(out, /corral\.pool\.prod-b:yes is new +by itself/);
    assert.match(out, /meta\/slaves\/latest/);
    assert.doesNotMatch(out, /zone/);
    const { changes } = JSON.parse((await say('diff', '--json')).out);
    assert.equal(changes.length, 4);
    await writeFile(file, OURS.join('\n'));
    assert.equal((await say('diff')).out, 'the file is as the ledger has the node');
    await lay(store, {
      nodes: { 'node-1': { link: '1gbit', attributes: { rack: 'r1', note: 'two words' } } },
    });
    assert.match((await say('diff')).err, /"note" is left out/);
  });

  it('diff under equal says that nothing comes by itself', async (t) => {
    const { say, file } = await bench(t, 'equal');
    await writeFile(file, OURS.slice(0, 5).join('\n'));
    assert.match((await say('diff')).out, /rack:r1 is new +under additive, at a restart/);
  });

  it('apply runs the command by its words, once, and no shell', async (t) => {
    const { say, file, marks } = await bench(t);
    const { code, out } = await say('apply', '--restart-command', marker(marks));
    assert.equal(code, 0);
    assert.match(out, /no master could be asked/);
    assert.equal(await readFile(file, 'utf8'), `${OURS.join('\n')}\n`);
    assert.equal(await readFile(marks, 'utf8'), `["a b","$(touch /nowhere); echo"]\n`);
    assert.match((await say('apply', '--restart-command', marker(marks))).out, /nothing to do/);
  });

  it('apply puts the file back when the command fails, and runs it for the former one', async (t) => {
    const { say, file, marks } = await bench(t);
    await writeFile(file, 'zone:z1\n');
    const { code, err } = await say('apply', '--restart-command', marker(marks, 3));
    assert.equal(code, 1);
    assert.match(err, /the restart command ended with 3/);
    assert.equal(await readFile(file, 'utf8'), 'zone:z1\n');
    assert.equal((await readFile(marks, 'utf8')).split('\n').length - 1, 2);
    assert.match(
      (await say('apply', '--restart-command', '/no/such/program')).err,
      /ended with 127/,
    );
  });

  it('apply refuses what no restart brings about, and what is no command', async (t) => {
    const { say, file, marks } = await bench(t);
    await writeFile(file, 'corral.in:500\n');
    const { code, err } = await say('apply', '--restart-command', marker(marks));
    assert.equal(code, 1);
    assert.match(err, /takes 1 of the changes at no restart: corral\.in changes from 500 to 1000/);
    assert.equal(await readFile(file, 'utf8'), 'corral.in:500\n');
    for (const command of ['', ' ', '[]', '[1]', '["a"'])
      assert.match((await say('apply', '--restart-command', command)).err, /words/);
    assert.equal((await say('apply')).code, 2);
  });
});
