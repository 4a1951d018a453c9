import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { registerApply } from '../../src/cli/commands/apply.ts';
import { registerLease } from '../../src/cli/commands/lease.ts';
import { registerNetwork } from '../../src/cli/commands/network.ts';
import { registerNode } from '../../src/cli/commands/node.ts';
import { registerPool } from '../../src/cli/commands/pool.ts';
import type { CliDeps } from '../../src/cli/deps.ts';
import { newProgram, run } from '../../src/cli/run.ts';
import { openEmbeddedStore } from '../../src/ledger/embedded/store.ts';
import { takeAddress } from '../../src/ledger/leases.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A machine with a ledger on its disk; every command line opens and closes it anew. */
class Shell {
  constructor(readonly directory: string) {}

  open = (): Promise<Store> =>
    openEmbeddedStore({
      directory: join(this.directory, 'ledger'),
      clock: systemClock,
      log: silentLog,
    });

  async say(line: string): Promise<Said> {
    const [out, err]: [string[], string[]] = [[], []];
    const deps: CliDeps = {
      openStore: this.open,
      out: (text) => out.push(text),
      err: (text) => err.push(text),
      clock: systemClock,
      signal: AbortSignal.timeout(180_000),
    };
    const program = newProgram('corral', deps);
    for (const register of [
      registerPool,
      registerNode,
      registerNetwork,
      registerApply,
      registerLease,
    ])
      register(program, deps);
    const code = await run(program, line.split(' '), deps);
    return { code, out: out.join('\n'), err: err.join('\n') };
  }

  async says(line: string, out: RegExp): Promise<void> {
    const said = await this.say(line);
    assert.equal(said.code, 0, `${line}: ${said.err}`);
    assert.match(said.out, out, line);
  }

  async refuses(line: string, err: RegExp, code = 1): Promise<void> {
    const said = await this.say(line);
    assert.equal(said.code, code, `${line}: ${said.out}${said.err}`);
    assert.match(said.err, err, line);
    if (code === 1) assert.match(said.err, /\n {2}way out: ./);
  }

  async file(name: string, text: string): Promise<string> {
    await writeFile(join(this.directory, name), text);
    return join(this.directory, name);
  }
}

async function shell(t: TestContext): Promise<Shell> {
  const directory = await mkdtemp(join(tmpdir(), 'corral-cli-'));
  t.after(() => rm(directory, { recursive: true }));
  return new Shell(directory);
}

const EXAMPLE = 'config/topology.example.yaml';

describe('corral pool, node and network', () => {
  it('add, list, show, change and remove', async (t) => {
    const sh = await shell(t);
    await sh.says('pool list', /^no pools$/);
    await sh.says(
      'pool add p --cidr 198.51.100.0/26 --gateway 198.51.100.1 --node a --attribute rack=r1',
      /^\+ pool p {2}.*ranges=198\.51\.100\.2-198\.51\.100\.62/,
    );
    await sh.says(
      'network add prod --pool p --default 2mbit --default-out 3mbit',
      /^\+ network prod/,
    );
    await sh.says(
      'node add a --link 1gbit --link-out 500mbit --attribute rack=r1',
      /^\+ node a .*linkOut=500 Mbit\/s/,
    );
    await sh.says(
      'pool list',
      /NAME +NETWORK +CIDR +SIZE +HELD +COOLING +QUARANTINED +SPARE +FREE +NODES\np +prod +198\.51\.100\.0\/26 +61 +0 +0 +0 +0 +61 +a,rack=r1$/,
    );
    await sh.says('node show a', /link out +500 Mbit\/s/);
    await sh.says('network list', /prod +p +bridge +2 Mbit\/s +3 Mbit\/s/);
    await sh.says(
      'pool set p --range 198.51.100.10-198.51.100.19 --range 198.51.100.30',
      /^~ pool p\n {4}ranges: 198\.51\.100\.2-198\.51\.100\.62 -> 198\.51\.100\.10-198\.51\.100\.19,198\.51\.100\.30$/,
    );
    await sh.says(
      'pool set p --gateway none --vlan 7',
      /gateway: 198\.51\.100\.1 -> none\n {4}vlan: none -> 7/,
    );
    await sh.says('pool set p --vlan 7', /pool p is so already/);
    await sh.says('node set a --overcommit 1.5', /overcommit: 1 -> 1\.5/);
    await sh.says('network set prod --attachment routed', /attachment: bridge -> routed/);
    await sh.says('network remove prod', /^- network prod$/);
    await sh.says('pool remove p', /^- pool p$/);
    await sh.says('node remove a', /^- node a$/);
    await sh.says('node list', /^no nodes$/);
  });

  it('speak JSON to programs', async (t) => {
    const sh = await shell(t);
    await sh.say(`apply -f ${EXAMPLE}`);
    const pools = JSON.parse((await sh.say('pool list --json')).out) as Record<string, unknown>[];
    assert.deepEqual(
      pools.map(({ name, network, size, free }) => ({ name, network, size, free })),
      [
        { name: 'prod-r1', network: 'prod', size: 49, free: 49 },
        { name: 'prod-r2', network: 'prod', size: 50, free: 50 },
      ],
    );
    const nodes = JSON.parse((await sh.say('node list --json')).out) as { linkInKbit: number }[];
    assert.deepEqual(
      nodes.map(({ linkInKbit }) => linkInKbit),
      Array(6).fill(1_000_000),
    );
    const network = JSON.parse((await sh.say('network show prod --json')).out) as {
      pools: unknown;
    };
    assert.deepEqual(network.pools, ['prod-r1', 'prod-r2']);
  });

  it('refuse with the reason and the way out', async (t) => {
    const sh = await shell(t);
    await sh.say(`apply -f ${EXAMPLE}`);
    await sh.refuses(
      'pool add p --cidr 198.51.100.7/26',
      /error: pool "p": cidr: .*\n {2}way out: write 198\.51\.100\.0\/26/,
    );
    await sh.refuses(
      'pool add p --cidr 198.51.100.0/26 --range 198.51.100.15',
      /error: pool "p": range 198\.51\.100\.15 shares 1 addresses with pool "prod-r1"/,
    );
    await sh.refuses(
      'pool add prod-r1 --cidr 192.0.2.0/24',
      /"prod-r1" exists already\n {2}way out: change it: corral pool set prod-r1/,
    );
    await sh.refuses('pool remove prod-r1', /network "prod": pool "prod-r1" does not exist/);
    await sh.refuses('pool show nope', /pool "nope" is not in the ledger/);
    await sh.refuses('node add x --link 0', /link/);
    await sh.refuses('node add x', /linkIn is missing/);
    await sh.refuses(
      'node add x --link 1gbit --overcommit much',
      /--overcommit "much" does not read/,
    );
    await sh.refuses('node add x --link 1gbit --attribute rack', /write --attribute name=value/);
  });

  it('tell a wrong command line from a refusal', async (t) => {
    const sh = await shell(t);
    await sh.refuses('pool add', /missing required argument 'name'/, 2);
    await sh.refuses('pool add p --cdir 192.0.2.0/24', /unknown option '--cdir'/, 2);
    await sh.refuses('apply', /required option/, 2);
  });

  for (const command of [
    'pool add',
    'pool list',
    'node set',
    'network remove',
    'apply',
    'lease list',
  ])
    it(`explain ${command} with an example`, async (t) => {
      const sh = await shell(t);
      await sh.says(`${command} --help`, new RegExp(`Example:\n  corral ${command.split(' ')[0]}`));
    });
});

describe('corral apply', () => {
  it('shows the difference, makes it so, and then has nothing to change', async (t) => {
    const sh = await shell(t);
    await sh.says(
      `apply -f ${EXAMPLE} --dry-run`,
      /^\+ node node-1\.example\.org[^]*\+ pool prod-r1[^]*\+ network prod[^]*$/,
    );
    await sh.says('node list', /^no nodes$/);
    await sh.says(`apply -f ${EXAMPLE}`, /\napplied 9 changes$/);
    await sh.says(`apply -f ${EXAMPLE}`, /^nothing to change$/);
    await sh.says(`apply -f ${EXAMPLE} --json`, /^\[\]$/);
  });

  it('removes what the file does not name, when told to', async (t) => {
    const sh = await shell(t);
    await sh.say(`apply -f ${EXAMPLE}`);
    const file = await sh.file(
      'two.yaml',
      'nodes:\n  node-1.example.org: { link: 2gbit, attributes: { rack: r1 } }\n',
    );
    await sh.says(
      `apply -f ${file}`,
      /^~ node node-1\.example\.org\n {4}linkIn: 1 Gbit\/s -> 2 Gbit\/s\n {4}linkOut: 1 Gbit\/s -> 2 Gbit\/s\napplied 1 changes$/,
    );
    await sh.says(
      `apply -f ${file} --prune --dry-run`,
      /^- network prod\n- pool prod-r1\n- pool prod-r2\n- node node-2/,
    );
    await sh.says(`apply -f ${file} --prune`, /applied 8 changes$/);
  });

  for (const { says, text, err } of [
    { says: 'what is not YAML', text: 'pools: [', err: /cannot be used: / },
    {
      says: 'a key spelled twice',
      text: 'pools: {}\npools: {}\n',
      err: /cannot be used: Map keys must be unique/,
    },
    {
      says: 'an unknown key',
      text: 'pool: {}\n',
      err: /topology: unknown key "pool"\n {2}way out: known keys here are networks, pools, nodes/,
    },
    { says: 'a list', text: '- a\n', err: /a mapping is needed/ },
  ]) {
    it(`refuses ${says}`, async (t) => {
      const sh = await shell(t);
      await sh.refuses(`apply -f ${await sh.file('bad.yaml', text)}`, err);
    });
  }

  it('refuses a file that is not there', async (t) => {
    const sh = await shell(t);
    await sh.refuses(
      'apply -f /nowhere/topology.yaml',
      /"\/nowhere\/topology\.yaml" cannot be used: ENOENT/,
    );
  });
});

describe('what an operator must not do', () => {
  const pool = (more: string): string =>
    `pools:\n  p: { cidr: 192.0.2.0/24, ${more} }\nnetworks:\n  net: { pools: [p] }\n`;
  const TAKEN = 'ranges: [192.0.2.10-192.0.2.20]';
  for (const { says, text, line, err } of [
    {
      says: 'overlapping ranges',
      text: `${pool(TAKEN)}  two: { pools: [q] }\n`.replace(
        'networks:',
        '  q: { cidr: 192.0.2.0/25, ranges: [192.0.2.20-192.0.2.30] }\nnetworks:',
      ),
      line: 'pool add q --cidr 192.0.2.0/25 --range 192.0.2.20-192.0.2.30',
      err: /range 192\.0\.2\.20-192\.0\.2\.30 shares 1 addresses with pool "p"|range 192\.0\.2\.10-192\.0\.2\.20 shares 1 addresses with pool "q"/,
    },
    {
      says: 'a gateway inside a range',
      text: pool(`${TAKEN}, gateway: 192.0.2.12`),
      line: 'pool set p --gateway 192.0.2.12',
      err: /pool "p": its ranges hold 192\.0\.2\.12, its own gateway/,
    },
    {
      says: 'a pool shrunk below its leases',
      text: pool('ranges: [192.0.2.10-192.0.2.11]'),
      line: 'pool set p --range 192.0.2.10-192.0.2.11',
      err: /pool "p".* would leave out 1 lease: 192\.0\.2\.15 \(a\)/,
    },
    {
      says: 'a CIDR with host bits',
      text: pool(TAKEN).replace('192.0.2.0/24', '192.0.2.5/24'),
      line: 'pool set p --cidr 192.0.2.5/24',
      err: /pool "p": cidr: [^]*way out: write 192\.0\.2\.0\/24/,
    },
    {
      says: 'unknown keys',
      text: pool(`${TAKEN}, gatway: 192.0.2.1`),
      line: 'pool set p --colour red',
      err: /unknown key "gatway"|unknown option '--colour'/,
    },
  ])
    it(`refuses ${says}, by file and by command, and changes nothing`, async (t) => {
      const sh = await shell(t);
      const first = `${pool(TAKEN)}nodes:\n  a: { link: 1gbit }\n`;
      await sh.says(`apply -f ${await sh.file('first.yaml', first)}`, /applied 3 changes/);
      const store = await sh.open();
      const lease = { node: 'a', network: 'net', incarnation: 'c1', app: '/app' };
      const limits = { netInKbit: 0, netOutKbit: 0, address: '192.0.2.15' };
      const now = { clock: systemClock, signal: AbortSignal.timeout(10_000) };
      await takeAddress(store, { ...lease, ...limits }, now);
      await store.close();
      const before = (await sh.say('pool show p --json')).out;
      const file = await sh.file('second.yaml', text);
      await sh.refuses(`apply -f ${file} --dry-run`, err);
      await sh.refuses(`apply -f ${file}`, err);
      await sh.refuses(line, err, says === 'unknown keys' ? 2 : 1);
      assert.equal((await sh.say('pool show p --json')).out, before);
      await sh.says('pool list', /^NAME[^\n]*\np [^\n]*$/);
    });
});

describe('corral lease list', () => {
  it('shows who holds what, in order of address', async (t) => {
    const sh = await shell(t);
    await sh.say(`apply -f ${EXAMPLE}`);
    await sh.says('lease list', /^no leases$/);
    const store = await sh.open();
    for (const n of [2, 1])
      await takeAddress(
        store,
        {
          node: `node-${n}.example.org`,
          network: 'prod',
          incarnation: `c${n}`,
          app: `/app-${n}`,
          netInKbit: 0,
          netOutKbit: 2000,
          address: `198.51.100.${9 + n}`,
        },
        { clock: systemClock, signal: AbortSignal.timeout(10_000) },
      );
    await store.close();
    await sh.says(
      'lease list',
      /^ADDRESS[^\n]*\n198\.51\.100\.10 +node-1\.example\.org +prod +prod-r1 +0 +2 Mbit\/s +\/app-1 +- +2\d{3}-[^\n]*\n198\.51\.100\.11 /,
    );
    await sh.says('lease list --app /app-2', /^ADDRESS[^\n]*\n198\.51\.100\.11 [^\n]*$/);
    await sh.says('lease list --node node-1.example.org --json', /"incarnation": "c1"/);
    await sh.says('lease list --pool prod-r2', /^no leases$/);
    await sh.says('node list', /node-1\.example\.org +1 Gbit\/s +1 Gbit\/s +1 +1 +0 +2 Mbit\/s/);
    await sh.refuses(
      'node remove node-1.example.org',
      /node "node-1\.example\.org": it still holds 1 lease: 198\.51\.100\.10/,
    );
  });
});
