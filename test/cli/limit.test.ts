import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { type Limits, startLimits } from '../../src/agent/limits.ts';
import { registerAudit } from '../../src/cli/commands/audit.ts';
import { registerLimit } from '../../src/cli/commands/limit.ts';
import { registerNode } from '../../src/cli/commands/node.ts';
import { newProgram, run } from '../../src/cli/run.ts';
import { keys } from '../../src/ledger/keys.ts';
import type { Clock } from '../../src/plumbing/clock.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { backends, benchOn, type LimitBench, NODE } from '../ledger/limit-bench.ts';
import { patience } from '../ledger/opened.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Ten seconds of it are more than three minutes: an agent that is there has the time that a busy machine needs. */
class PatientClock implements Clock {
  readonly #startedMs = Date.now();
  now = (): number => this.#startedMs + Math.floor((Date.now() - this.#startedMs) / 20);
  sleep = systemClock.sleep;
}

/** Ten seconds of it pass in a few dozen milliseconds. */
class HurriedClock implements Clock {
  #ahead = 0;
  now = (): number => Date.now() + this.#ahead;
  sleep = (ms: number, signal: AbortSignal): Promise<void> => {
    this.#ahead += ms;
    return systemClock.sleep(1, signal);
  };
}

/** One command after the other against a ledger that stays open. */
class Shell {
  constructor(
    readonly bench: LimitBench,
    readonly clock: Clock = new PatientClock(),
  ) {}

  async say(...argv: string[]): Promise<Said> {
    const [out, err]: [string[], string[]] = [[], []];
    const { store, options } = this.bench;
    const deps = {
      openStore: () => Promise.resolve({ ...bound(store), close: () => Promise.resolve() }),
      out: (text: string) => void out.push(text),
      err: (text: string) => void err.push(text),
      clock: this.clock,
      signal: patience(),
    };
    const program = newProgram('corral', deps);
    let failed = false;
    const fail = (): boolean => (failed = true);
    registerLimit(program, deps, { who: () => 'alice', random: options.random, fail });
    registerAudit(program, deps);
    registerNode(program, deps);
    const code = await run(program, argv, deps);
    return { code: code === 0 && failed ? 1 : code, out: out.join('\n'), err: err.join('\n') };
  }

  async says(argv: readonly string[], out: RegExp): Promise<void> {
    const said = await this.say(...argv);
    assert.equal(said.code, 0, said.err);
    assert.match(said.out, out);
  }

  async fails(argv: readonly string[], err: RegExp): Promise<Said> {
    const said = await this.say(...argv);
    assert.equal(said.code, 1, said.out);
    assert.match(said.err, err);
    return said;
  }

  async json(...argv: string[]): Promise<any> {
    const said = await this.say(...argv, '--json');
    return JSON.parse(said.out);
  }
}

const bound = (store: LimitBench['store']): LimitBench['store'] => ({
  get: (...asked) => store.get(...asked),
  range: (...asked) => store.range(...asked),
  commit: (...asked) => store.commit(...asked),
  watch: (...asked) => store.watch(...asked),
  hold: (...asked) => store.hold(...asked),
  close: () => store.close(),
});

/** An agent whose kernel carries out everything but 666 kbit/s. */
function agentOn(bench: LimitBench, t: TestContext): Limits {
  const { store, options } = bench;
  const { random } = options;
  const limits = startLimits({ store, node: NODE, clock: systemClock, log: silentLog, random });
  limits.onChange(() =>
    limits.report(
      limits.wanted().map(({ container: _, classMinor: __, ...limit }) => ({
        ...limit,
        ...(limit.netInKbit === 666 && { fault: 'the kernel has 665 kbit/s' }),
      })),
    ),
  );
  t.after(() => limits.close());
  return limits;
}

const shellOn = async (t: TestContext): Promise<Shell> => new Shell(await benchOn(backends[0]!, t));

describe('corral limit', { timeout: 400_000 }, () => {
  it('sets what is given, waits for the agent, and says that it is enforced', async (t) => {
    const shell = await shellOn(t);
    const { address } = await shell.bench.take(NODE, 'abcdef012345');
    agentOn(shell.bench, t);
    await shell.says(
      ['limit', 'set', address, '--in', '100mbit', '--why', 'sale'],
      /^198\.51\.100\.2 on node-1: net_in 100 kbit\/s -> 100 Mbit\/s, net_out 200 kbit\/s: enforced$/,
    );
    await shell.says(['limit', 'set', 'abcdef', '--out', '50mbit'], /-> 50 Mbit\/s: enforced$/);
    await shell.says(['limit', 'set', 'web', '--out', '50mbit'], /so already$/);
    await shell.says(
      ['limit', 'list'],
      /198\.51\.100\.2 +node-1 +100 Mbit\/s +50 Mbit\/s +enforced/,
    );
    const [seen] = await shell.json('limit', 'show', address);
    assert.deepEqual(
      [seen.state, seen.netInKbit, seen.asked],
      ['enforced', 100_000, { netInKbit: 100, netOutKbit: 200 }],
    );
    await shell.says(['limit', 'reset', address], /100 Mbit\/s -> 100 kbit\/s.*: enforced$/);
    await shell.says(
      ['audit', 'list', '--limit', '1'],
      /^WHEN.*\n\S+ +alice +cli +reset +198\.51\.100\.2 +node-1 +\/web +100 Mbit\/s -> 100 kbit\/s/,
    );
    await shell.says(['audit', 'list'], / sale$/);
    await shell.bench.sound();
  });

  it('refuses past the link, with the way out, and marks what was forced', async (t) => {
    const shell = await shellOn(t);
    const { address } = await shell.bench.take(NODE, 'c1');
    const ask = ['limit', 'set', address, '--in', '1gbit'];
    await shell.fails(
      ask,
      /link takes 900 Mbit\/s .*\n {2}way out: set net_in to at most 900 Mbit\/s, .* --force$/,
    );
    await shell.says([...ask, '--force', '--no-wait'], /\(forced past the link\): written/);
    await shell.says(['limit', 'list', '--forced'], /pending, forced/);
    await shell.says(['audit', 'list'], /set, forced/);
    const [node] = await shell.json('node', 'list');
    assert.equal(node.forced, 1);
    await shell.says(['node', 'list'], /1 forced/);
    await shell.bench.sound();
  });

  it('says all of it to programs', async (t) => {
    const shell = await shellOn(t);
    const { bench } = shell;
    const { address } = await bench.take(NODE, 'abcdef012345');
    await bench.take('node-2', 'd1');
    agentOn(bench, t);
    const [set] = await shell.json(
      'limit',
      'set',
      'abcdef',
      '--in',
      '2gbit',
      '--out',
      '5mbit',
      '--force',
    );
    const before = { netInKbit: 100, netOutKbit: 200, classMinor: 256 };
    const after = { ...before, netInKbit: 2_000_000, netOutKbit: 5_000, forced: true };
    assert.deepEqual(
      [set.node, set.address, set.state, set.before, set.after],
      [NODE, address, 'enforced', before, after],
    );
    const status = await bench.status(address);
    assert.deepEqual(
      [status?.state, status?.netInKbit, status?.forced],
      ['enforced', 2_000_000, true],
    );
    const listed = await shell.json('limit', 'list');
    assert.deepEqual(
      listed.map((one: any) => [one.node, one.address, one.netInKbit, one.state, one.forced]),
      [
        [NODE, address, 2_000_000, 'enforced', true],
        ['node-2', listed[1].address, 100, 'given', undefined],
      ],
    );
    assert.deepEqual(await shell.json('limit', 'list', '--forced'), listed.slice(0, 1));
    assert.deepEqual(await shell.json('limit', 'list', '--node', 'node-2'), listed.slice(1));
    const [reset] = await shell.json('limit', 'reset', address);
    assert.deepEqual([reset.state, reset.after], ['enforced', before]);
    assert.equal((await bench.status(address))?.forced, undefined);
    assert.deepEqual(await shell.json('limit', 'list', '--forced'), []);
    await bench.sound();
  });

  for (const command of ['list', 'show', 'set', 'reset'])
    it(`explains ${command}, with an example`, async (t) => {
      const shell = await shellOn(t);
      const { code, out } = await shell.say('limit', command, '--help');
      assert.equal(code, 0);
      assert.match(out, new RegExp(`^Usage: corral limit ${command} [^]*--json[^]*Example:`));
    });

  it('says that the kernel did not carry it out, with exit code 1', async (t) => {
    const shell = await shellOn(t);
    const { address } = await shell.bench.take(NODE, 'c1');
    agentOn(shell.bench, t);
    await shell.fails(
      ['limit', 'set', address, '--in', '666'],
      /^error: .*: failed, the former limit is in force: the kernel has 665 kbit\/s$/,
    );
    await shell.says(
      ['limit', 'show', address],
      /state +failed\nreason +the kernel has 665 kbit\/s/,
    );
    await shell.says(['audit', 'list'], /agent of node-1 +agent +put back/);
    await shell.bench.sound();
  });

  it('does not wait for ever for an agent that is not there', async (t) => {
    const bench = await benchOn(backends[0]!, t);
    const shell = new Shell(bench, new HurriedClock());
    const { address } = await bench.take(NODE, 'c1');
    const ask = ['limit', 'set', address, '--in', '1mbit'];
    await shell.fails(ask, /written, but no agent is alive on node-1 to enforce it$/);
    const writes = [{ put: keys.alive(NODE), value: '{}' }];
    await bench.store.commit({ guards: [], writes }, patience());
    await shell.fails(
      ['limit', 'set', address, '--in', '2mbit'],
      /the agent of node-1 did not say in 10 s that it is enforced$/,
    );
    const [told] = await shell.json('limit', 'set', address, '--in', '3mbit');
    assert.deepEqual([told.state, told.after.netInKbit], ['waiting', 3_000]);
  });

  it('edits an app on all its nodes, and tells where it was refused', async (t) => {
    const shell = await shellOn(t);
    const { bench } = shell;
    const mine = await bench.take(NODE, 'c1', { netInKbit: 899_000 });
    const theirs = await bench.take('node-2', 'd1');
    const ask = ['limit', 'set', '/web', '--in', '950mbit', '--no-wait'];
    await bench.edit(theirs.address, { netInKbit: 960_000, force: true }, { node: 'node-2' });
    const said = await shell.fails(
      ask,
      /^error: nothing was changed on node-1 for 198\.51\.100\.2\nerror: the limits on node "node-1"/,
    );
    assert.match(said.out, /on node-2: net_in 960 Mbit\/s -> 950 Mbit\/s/);
    const parts = await shell.json(...ask);
    assert.deepEqual(
      parts.map(({ node, state, code }: any) => [node, state, code]),
      [
        ['node-2', 'unchanged', undefined],
        ['node-1', 'refused', 'limit-past-link'],
      ],
    );
    await shell.says([...ask.slice(0, -1), '--node', 'node-2', '--no-wait'], /so already$/);
    assert.equal((await bench.lease(mine.address))?.counted?.netInKbit, 899_000);
    await bench.sound();
  });

  for (const { says, argv, err } of [
    { says: 'no rate', argv: ['set', 'TARGET'], err: /give --in, --out or both/ },
    { says: 'a rate of no unit', argv: ['set', 'TARGET', '--in', '5x'], err: /no unit "x"/ },
    { says: 'zero', argv: ['set', 'TARGET', '--out', '0'], err: /more than zero/ },
    { says: 'too little', argv: ['set', 'TARGET', '--in', '1'], err: /net_in cannot be 1 kbit\/s/ },
    {
      says: 'nobody',
      argv: ['reset', '198.51.100.99'],
      err: /no lease belongs to 198\.51\.100\.99/,
    },
    {
      says: 'a wrong node',
      argv: ['reset', 'TARGET', '--node', 'node-2'],
      err: /on node "node-2"/,
    },
  ])
    it(`refuses ${says}`, async (t) => {
      const shell = await shellOn(t);
      const { address } = await shell.bench.take(NODE, 'c1');
      const before = await shell.bench.revision();
      const line = argv.map((word) => (word === 'TARGET' ? address : word));
      await shell.fails(['limit', ...line], err);
      assert.equal(await shell.bench.revision(), before);
    });
});
