import assert from 'node:assert/strict';
import process from 'node:process';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { inNamespace, runOnce } from '../../../src/agent/shape/tool.ts';
import { Worker } from '../../../src/agent/shape/worker.ts';
import { sh } from './stage.ts';

const soon = (): AbortSignal => AbortSignal.timeout(180_000);

describe('a worker that stays up', { concurrency: 1 }, () => {
  const host = `cs-worker-${process.pid}`;
  const netns = `/run/netns/${host}`;
  let worker: Worker;

  before(async () => {
    await sh(`ip netns add ${host}`);
    await sh(`ip -n ${host} link add v0 type veth peer name v1`);
    await sh(`tc -n ${host} qdisc add dev v0 root handle 1: htb`);
  });
  after(() => sh(`ip netns del ${host}`));
  beforeEach(() => {
    worker = new Worker({
      argv: inNamespace(netns, ['tc', '-force', '-batch', '-']),
      fence: (nobody) => `qdisc show dev ${nobody}`,
    });
  });
  afterEach(() => worker.close());

  const add = (minor: string, rate = '1mbit', device = 'v0'): string =>
    `class replace dev ${device} parent 1: classid 1:${minor} htb rate ${rate}`;

  it('carries out what it can, and says of each other line why not', async () => {
    const failed = await worker.run(
      [add('1'), add('2', '1mbit', 'v1'), add('3'), 'qdisc show dev gone', add('4')],
      soon(),
    );
    assert.deepEqual([...failed.keys()], [1, 3]);
    assert.match(failed.get(3) ?? '', /Cannot find device/);
    const classes = await sh(`tc -n ${host} class show dev v0`);
    for (const minor of ['1:1', '1:3', '1:4']) assert.ok(classes.includes(`htb ${minor} `), minor);
  });

  it('counts on from batch to batch, and keeps two batches at once apart', async () => {
    const bad = add('9', '1mbit', 'v1');
    const [none, first, third] = await Promise.all([
      worker.run([add('5')], soon()),
      worker.run([bad, add('6')], soon()),
      worker.run([add('7'), add('8'), bad], soon()),
    ]);
    assert.deepEqual([[...none.keys()], [...first.keys()], [...third.keys()]], [[], [0], [2]]);
  });

  it('takes thousands of lines at once', async () => {
    const lines = Array.from({ length: 3000 }, (_, at) => add('a', `${at + 8}kbit`));
    assert.equal((await worker.run(lines, soon())).size, 0);
  });

  it('ends with a line it cannot parse, says so, and is there again for the next', async () => {
    await worker.run([add('1')], soon());
    const { pid } = worker;
    await assert.rejects(
      worker.run([add('1'), 'class add dev v0 parent zz htb rate 1mbit', add('2')], soon()),
      {
        code: 'tool-failed',
        message: /invalid parent ID/,
      },
    );
    assert.equal((await worker.run([add('1')], soon())).size, 0);
    assert.notEqual(worker.pid, pid);
  });

  it('is there again after it was killed', async () => {
    await worker.run([add('1')], soon());
    const { pid = 0 } = worker;
    process.kill(pid, 'SIGKILL');
    const after = await worker.run([add('1')], soon()).catch((fault: unknown) => fault);
    assert.ok(after instanceof Map || (after as { code: string }).code === 'tool-failed');
    assert.equal((await worker.run([add('1')], soon())).size, 0);
    assert.notEqual(worker.pid, pid);
  });

  it('is given up when the time is over, and does not hold the next', async () => {
    const silent = new Worker({ argv: ['sleep', '60'], fence: (nobody) => nobody });
    await assert.rejects(silent.run(['x'], AbortSignal.timeout(100)), { code: 'tool-failed' });
    assert.equal(silent.pid, undefined);
    const absent = new Worker({ argv: ['/nonexistent/tc'], fence: (nobody) => nobody });
    await assert.rejects(absent.run(['x'], soon()), /did not run/);
  });
});

describe('runOnce', () => {
  it('cuts off what takes too long', () =>
    assert.rejects(runOnce(['sleep', '60'], '', AbortSignal.timeout(100)), {
      code: 'tool-failed',
      message: '"sleep 60" was cut off',
    }));

  it('says when there is no such program', () =>
    assert.rejects(runOnce(['/nonexistent/ip'], '', soon()), /did not run/));
});
