import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import {
  applyAttributes,
  type ApplyDeps,
  type RegisteredAgent,
} from '../../src/agent/attributes-apply.ts';
import { attributesPart } from '../../src/agent/attributes.ts';
import { lookAtAttributes } from '../../src/agent/attributes-file.ts';
import type { AgentContext, AgentPart } from '../../src/agent/part.ts';
import { agentAtMaster } from '../../src/cli/mesos-agent.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { parseAttributes } from '../../src/core/attributes-text.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { createSim, type Sim } from '../../src/sim/sim.ts';
import { ledgerAddresses } from '../../src/cli/sim-addresses.ts';
import { lay, opened, patience } from '../ledger/opened.ts';

const NODE = 'node-1.example.org';

const topology = (link: string, racks: readonly string[], rack = 'r1') => ({
  pools: Object.fromEntries(
    racks.map((of, n) => [
      `prod-${of}`,
      { cidr: `198.51.${100 + n}.0/24`, nodes: { attributes: { rack } } },
    ]),
  ),
  networks: { prod: { pools: racks.map((of) => `prod-${of}`), default: '10mbit' } },
  nodes: { [NODE]: { link, attributes: { rack } } },
});

interface Bench {
  readonly store: Store;
  readonly path: string;
  readonly file: () => Promise<string>;
  readonly warned: string[];
  start(policy: 'equal' | 'additive'): Promise<AgentPart>;
  /** Waits until the part says so of itself. */
  says(part: AgentPart, detail: RegExp): Promise<void>;
}

async function bench(t: TestContext): Promise<Bench> {
  const store = await opened(t);
  const directory = await mkdtemp(join(tmpdir(), 'corral-attributes-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'attributes');
  const warned: string[] = [];
  const log = { ...silentLog, warn: (message: string) => void warned.push(message) };
  const context = { store, node: NODE, clock: systemClock, log } as unknown as AgentContext;
  await lay(store, topology('1gbit', ['a']));
  return {
    ...{ store, path, warned },
    file: () => readFile(path, 'utf8'),
    start: async (policy) => {
      const part = await attributesPart({ file: path, policy, everyMs: 20 })(context);
      t.after(() => part.stop());
      return part;
    },
    says: async (part, detail) => {
      for (const late = performance.now() + 180_000; ; await wait(10)) {
        const [item] = part.ready();
        if (item?.ready && detail.test(item.detail)) return;
        if (performance.now() > late) throw new Error(`it says ${item?.detail ?? 'nothing'}`);
      }
    },
  };
}

const OURS = `corral.in:1000
corral.network.prod:yes
corral.out:1000
corral.pool.prod-a:yes
rack:r1
`;

describe('the file of attributes', () => {
  it('is made, and follows the ledger as far as additive goes', async (t) => {
    const { store, file, start, says, warned } = await bench(t);
    const part = await start('additive');
    await says(part, /as the ledger has it/);
    assert.equal(await file(), OURS);
    await lay(store, topology('1gbit', ['a', 'b']));
    for (
      const late = performance.now() + 180_000;
      !(await file()).includes('prod-b');
      await wait(10)
    )
      assert.ok(performance.now() < late, 'a new pool is written');
    assert.equal(await file(), OURS.replace('rack:', 'corral.pool.prod-b:yes\nrack:'));
    await lay(store, topology('10gbit', ['a', 'b']));
    await says(part, /2 changes wait/);
    assert.match(await file(), /corral\.in:1000\n/, 'the agent would not start with another');
    await wait(200);
    assert.deepEqual(warned.filter((message) => message.includes('wait')).length, 1, 'told once');
  });

  it('is left alone under equal once it is there', async (t) => {
    const { store, file, start, says } = await bench(t);
    const part = await start('equal');
    await says(part, /as the ledger has it/);
    await lay(store, topology('1gbit', ['a', 'b']));
    await says(part, /1 changes wait/);
    assert.equal(await file(), OURS);
  });

  it('keeps what others wrote, which may say what the node reaches', async (t) => {
    const { store, path, file, start, says } = await bench(t);
    const { pools, networks } = topology('1gbit', ['a'], 'r7');
    await lay(store, { pools, networks, nodes: { [NODE]: { link: '1gbit' } } });
    await writeFile(path, 'rack:r7; zone:z1\n');
    const part = await start('additive');
    await says(part, /as the ledger has it/);
    assert.equal(await file(), OURS.replace('rack:r1', 'rack:r7\nzone:z1'));
  });

  it('that Mesos would not start with is people to mend', async (t) => {
    const { path, file, start, says } = await bench(t);
    await writeFile(path, 'rack:{r1}\n');
    const part = await start('additive');
    await says(part, /1 faults/);
    assert.equal(await file(), 'rack:{r1}\n');
  });
});

interface Machine {
  readonly bench: Bench;
  readonly restarts: () => number;
  readonly seen: () => Promise<RegisteredAgent | undefined>;
  apply(more?: Partial<Pick<ApplyDeps, 'incompatible' | 'restart' | 'withinMs'>>): Promise<unknown>;
}

/** What Mesos' agent compares at its start, written down once more. */
const takes = (
  policy: string,
  old: Record<string, string>,
  next: Record<string, string>,
): boolean =>
  policy === 'additive'
    ? Object.entries(old).every(([name, value]) => next[name] === value)
    : JSON.stringify(Object.entries(old).sort()) === JSON.stringify(Object.entries(next).sort());

interface Nature {
  readonly policy: 'equal' | 'additive';
  /** It is started without what it knew, and gets another id. */
  readonly renews?: boolean;
}

/** A node of the simulated Mesos whose agent starts as a real one: with a file that it takes, or not at all. */
async function machine(t: TestContext, nature: Nature): Promise<Machine> {
  const on = await bench(t);
  const first = { file: on.path, policy: 'equal', everyMs: 20 } as const;
  const part = await on.start(first.policy);
  await on.says(part, /as the ledger has it/);
  await part.stop();
  const port = { host: '127.0.0.1', port: 0 };
  const sim = createSim({
    clock: systemClock,
    seed: 7,
    nodes: [{ name: NODE, cpus: 4, mem: 4_096, disk: 10_240, attributes: fileOf(await on.file()) }],
    addresses: ledgerAddresses({ store: on.store, clock: systemClock, coolDownMs: 0 }),
    ...{ marathon: port, mesos: port },
  });
  const { mesosUrl } = await sim.start();
  t.after(() => sim.stop());
  const { gate } = settingsSchema.validate({ gate: { mesos: [mesosUrl] } }).value;
  const master = agentAtMaster(gate, NODE);
  assert.ok(master);
  t.after(() => master.close());
  const node = sim.world.fleet.node(NODE);
  let restarts = 0;
  const restart = async () => {
    restarts += 1;
    sim.world.fleet.partition(node);
    const next = fileOf(await on.file());
    const old = Object.fromEntries(Object.entries(node.attributes).map(([k, v]) => [k, String(v)]));
    if (takes(nature.policy, old, next) || nature.renews) {
      Object.assign(node, { attributes: next });
      if (nature.renews) sim.world.master.renew(node);
      else sim.world.fleet.heal(node);
    }
    return { code: 0, out: '', err: '' };
  };
  return {
    bench: on,
    restarts: () => restarts,
    seen: () => master.registered(patience()),
    apply: async (more = {}) => {
      const look = await lookAtAttributes(on.store, { node: NODE, path: on.path }, patience());
      const deps = { path: on.path, look, restart, clock: systemClock, withinMs: 120_000 };
      const asked = { registered: (signal: AbortSignal) => master.registered(signal) };
      return applyAttributes({ ...deps, ...asked, incompatible: false, ...more }, patience());
    },
  };
}

const fileOf = (text: string): Record<string, string> =>
  Object.fromEntries(parseAttributes(text).attributes);

describe('attributes applied by a restart', () => {
  it('are what the master has afterwards, of the same agent', async (t) => {
    const { bench: on, apply, seen, restarts } = await machine(t, { policy: 'additive' });
    const before = await seen();
    await lay(on.store, topology('1gbit', ['a', 'b']));
    assert.deepEqual(((await apply()) as { confirmed: boolean }).confirmed, true);
    const after = await seen();
    assert.equal(after?.id, before?.id);
    assert.equal(after?.attributes['corral.pool.prod-b'], 'yes');
    assert.equal(restarts(), 1);
  });

  it('that no restart brings about are not tried', async (t) => {
    const { bench: on, apply, restarts } = await machine(t, { policy: 'additive' });
    await lay(on.store, topology('10gbit', ['a']));
    await assert.rejects(apply(), { code: 'attributes-refused' });
    assert.deepEqual([await on.file(), restarts()], [OURS, 0]);
  });

  it('that the agent does not start with are taken back, and the agent returns as it was', async (t) => {
    const { bench: on, apply, seen, restarts } = await machine(t, { policy: 'equal' });
    const before = await seen();
    await lay(on.store, topology('1gbit', ['a', 'b']));
    // the same time for the former attributes to be back in
    const applied = apply({ withinMs: 10_000 });
    await assert.rejects(applied, (fault: Error & { code: string; remedy: string }) => {
      assert.equal(fault.code, 'attributes-not-taken');
      assert.match(fault.message, /after 10 s (it gets no offers|the master does not list it)/);
      assert.match(fault.remedy, /is back and the agent runs with it/);
      return true;
    });
    assert.deepEqual([await on.file(), restarts()], [OURS, 2]);
    assert.deepEqual(await seen(), before);
  });

  it('that come with another agent id are taken back', async (t) => {
    const { bench: on, apply, seen } = await machine(t, { policy: 'equal', renews: true });
    const before = await seen();
    await lay(on.store, topology('10gbit', ['a']));
    await assert.rejects(apply({ incompatible: true }), /it has a new id, .* and not /);
    assert.equal(await on.file(), OURS);
    assert.notEqual((await seen())?.id, before?.id);
  });

  it('are taken back when the command fails', async (t) => {
    const { bench: on, apply } = await machine(t, { policy: 'additive' });
    await lay(on.store, topology('1gbit', ['a', 'b']));
    const restart = () => Promise.resolve({ code: 5, out: '', err: 'no such unit' });
    await assert.rejects(apply({ restart }), /the restart command ended with 5: no such unit/);
    assert.equal(await on.file(), OURS);
  });
});
