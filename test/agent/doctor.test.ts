import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { probe, type ProbeDeps } from '../../src/agent/doctor-probes.ts';
import {
  type DoctorFacts,
  type Finding,
  findingsOf,
  type PoolProbed,
} from '../../src/agent/doctor.ts';
import { openEngine } from '../../src/agent/docker/engine.ts';
import { type RunTool, runTool } from '../../src/agent/run-tool.ts';
import { keys } from '../../src/ledger/keys.ts';
import { openDesk } from '../../src/ledger/open-desk.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { lay, opened, patience } from '../ledger/opened.ts';

const NOW = 1_800_000_000_000;
const POOL: PoolProbed = {
  ...{ network: 'prod', pool: 'p', cidr: '198.51.100.0/24', gateway: '198.51.100.1' },
  ...{ link: 'eth1', answers: true },
};
const LEDGER = { known: true, alive: true, addresses: 254, reconciledMs: NOW - 5_000, others: [] };
const WELL: DoctorFacts = {
  node: 'node-1',
  features: [{ feature: 'htb' }],
  docker: { version: '20.10.24', liveRestore: true },
  plugin: { path: '/run/docker/plugins/corral.sock', mode: 0o660 },
  ledger: LEDGER,
  pools: [POOL],
  gcThresh: [128, 512, 1_024],
  nowMs: NOW,
  reconcileEveryMs: 60_000,
};
const amiss = (has: Partial<DoctorFacts>): readonly Finding[] =>
  findingsOf({ ...WELL, ...has }).filter(({ level }) => level !== 'good');

describe('findings', () => {
  it('are none where all is well', () => assert.deepEqual(amiss({}), []));

  const { ledger: _, ...cut } = WELL;
  const { gateway: _g, answers: _a, ...noGateway } = POOL;
  const { link: _l, ...nowhere } = POOL;
  const { answers: _b, ...unasked } = POOL;
  const rows: readonly [string, DoctorFacts, string, RegExp, RegExp][] = [
    [
      'no htb',
      { ...WELL, features: [{ feature: 'htb', fault: 'unknown' }] },
      'bad',
      /unknown/,
      /sch_htb/,
    ],
    [
      'no fq_codel',
      { ...WELL, features: [{ feature: 'fq_codel', fault: 'x' }] },
      'warn',
      /x/,
      /fq_codel/,
    ],
    ['no docker', { ...WELL, docker: { fault: 'no answer' } }, 'bad', /no answer/, /dockerd/],
    [
      'an old docker',
      { ...WELL, docker: { version: '17.12.1', liveRestore: false } },
      'bad',
      /17\.12/,
      /18\.09/,
    ],
    [
      'a docker without a version',
      { ...WELL, docker: { version: 'dev', liveRestore: false } },
      'bad',
      /dev/,
      /18\.09/,
    ],
    [
      'no plugin',
      { ...WELL, plugin: { path: '/x.sock', fault: 'ENOENT' } },
      'bad',
      /x\.sock.+ENOENT/,
      /corral agent/,
    ],
    [
      'an open plugin',
      { ...WELL, plugin: { path: '/x.sock', mode: 0o666 } },
      'bad',
      /everybody/,
      /660/,
    ],
    ['no ledger', { ...cut, ledgerFault: 'it is away' }, 'bad', /it is away/, /etcd/],
    [
      'a node not known',
      { ...WELL, ledger: { ...LEDGER, known: false } },
      'bad',
      /no node "node-1"/,
      /corral node add node-1/,
    ],
    [
      'no sign of life',
      { ...WELL, ledger: { ...LEDGER, alive: false } },
      'warn',
      /no sign of life/,
      /corral agent/,
    ],
    [
      'a pool out of reach',
      { ...WELL, pools: [nowhere] },
      'warn',
      /no interface .+198\.51\.100\.0\/24/,
      /network create/,
    ],
    [
      'a silent gateway',
      { ...WELL, pools: [{ ...POOL, answers: false }] },
      'bad',
      /198\.51\.100\.1 does not answer ARP on eth1/,
      /VLAN/,
    ],
    ['a gateway not asked', { ...WELL, pools: [unasked] }, 'warn', /could not be asked/, /arping/],
    [
      'a small neighbour table',
      { ...WELL, gcThresh: [128, 200, 1_024] },
      'warn',
      /254 addresses/,
      /gc_thresh2=254 .+gc_thresh3=508/,
    ],
    ['a far too small one', { ...WELL, gcThresh: [1, 100, 200] }, 'bad', /254 addresses/, /sysctl/],
    [
      'a clock behind',
      { ...WELL, ledger: { ...LEDGER, others: [{ node: 'b', atMs: NOW + 2_000 }] } },
      'warn',
      /2\.0 s behind that of "b"/,
      /NTP/,
    ],
    [
      'a clock far behind',
      { ...WELL, ledger: { ...LEDGER, others: [{ node: 'b', atMs: NOW + 60_000 }] } },
      'bad',
      /60\.0 s/,
      /NTP/,
    ],
    [
      'a reconcile long ago',
      { ...WELL, ledger: { ...LEDGER, reconciledMs: NOW - 300_000 } },
      'bad',
      /300 s ago/,
      /ready/,
    ],
  ];
  for (const [says, facts, level, text, remedy] of rows)
    it(`${says} is ${level}`, () => {
      const findings = findingsOf(facts).filter((one) => one.level !== 'good');
      assert.equal(findings.length, 1, JSON.stringify(findings));
      assert.equal(findings[0]?.level, level);
      assert.match(findings[0].says, text);
      assert.match(findings[0].remedy ?? '', remedy);
    });

  it('ask no gateway where there is none, or where it is this node itself', () => {
    assert.deepEqual(amiss({ pools: [noGateway, { ...unasked, isOwn: true }] }), []);
  });
  it('say when there never was a reconcile', () => {
    const { reconciledMs: _r, ...never } = LEDGER;
    assert.match(amiss({ ledger: never })[0]?.says ?? '', /never compared/);
  });
});

describe('probes on a real kernel', () => {
  it('see what it can, which gateways answer, and which do not', async (t) => {
    const run = wired(t);
    const store = await opened(t);
    await lay(store, {
      pools: {
        near: { cidr: '10.94.0.0/24', gateway: '10.94.0.1' },
        dumb: { cidr: '10.95.0.0/24', gateway: '10.95.0.9' },
        own: { cidr: '10.96.0.0/24', gateway: '10.96.0.1' },
        far: { cidr: '10.97.0.0/24', gateway: '10.97.0.1' },
      },
      networks: { prod: { pools: ['near', 'dumb', 'own', 'far'] } },
      nodes: { 'node-1': { link: '1gbit' } },
    });
    const { pools, features, docker, plugin, ledger, gcThresh } = await probed(t, { store, run });
    assert.deepEqual(
      Object.fromEntries(
        pools.map(({ pool, link, isOwn, answers }) => [pool, [link, isOwn, answers]]),
      ),
      {
        near: ['probe-a', undefined, true],
        dumb: ['probe-a', undefined, false],
        own: ['probe-a', true, undefined],
        far: [undefined, undefined, undefined],
      },
    );
    const works = features.filter(({ fault }) => fault === undefined).map(({ feature }) => feature);
    for (const feature of ['veth', 'bridge', 'htb', 'ifb', 'redirect'] as const)
      assert(works.includes(feature), `${feature}: ${JSON.stringify(features)}`);
    assert('fault' in docker);
    assert.equal(plugin.fault, undefined);
    assert.equal(ledger?.known, true);
    assert.deepEqual(gcThresh, [1, 2, 3]);
  });

  it('says so where a program is missing, or the ledger knows nothing', async (t) => {
    const store = await opened(t);
    const missing: RunTool = (argv, signal, input) =>
      runTool(['/no/such/program', ...argv], signal, input);
    const facts = await probed(t, { store, run: missing });
    assert(facts.features.every(({ fault }) => fault?.includes('ENOENT')));
    assert.equal(facts.ledger?.known, false);
    assert.deepEqual(facts.pools, []);
  });
});

/** A node's namespace, wired to a neighbour's that has the first address of two subnets. */
function wired(t: TestContext): RunTool {
  const [node, peer] = [`corral-doc-${process.pid}`, `corral-doc-${process.pid}p`];
  const ip = (line: string): void => void execFileSync('ip', line.split(' '));
  for (const name of [node, peer]) {
    ip(`netns add ${name}`);
    t.after(() => ip(`netns del ${name}`));
  }
  ip(`-n ${node} link add probe-a type veth peer name probe-b netns ${peer}`);
  for (const subnet of ['10.94.0', '10.95.0']) {
    ip(`-n ${node} addr add ${subnet}.2/24 dev probe-a`);
    ip(`-n ${peer} addr add ${subnet}.1/24 dev probe-b`);
  }
  ip(`-n ${node} addr add 10.96.0.1/24 dev probe-a`);
  ip(`-n ${node} link set probe-a up`);
  ip(`-n ${peer} link set probe-b up`);
  return (argv, signal, input) =>
    runTool(['nsenter', `--net=/run/netns/${node}`, ...argv], signal, input);
}

async function probed(
  t: TestContext,
  { store, run }: Pick<ProbeDeps, 'run'> & { store: Awaited<ReturnType<typeof opened>> },
): Promise<DoctorFacts> {
  const directory = await mkdtemp(join(tmpdir(), 'corral-doctor-'));
  const pluginSocket = join(directory, 'p.sock');
  const server = createServer((_, answer) => answer.end('{}')).listen(pluginSocket);
  await once(server, 'listening');
  for (const n of [1, 2, 3]) await writeFile(join(directory, `gc_thresh${n}`), `${n}\n`);
  const desk = openDesk(store, { node: 'node-1', clock, log });
  const engine = openEngine({ socket: join(directory, 'docker.sock') });
  t.after(async () => {
    server.close();
    await desk.close();
    await rm(directory, { recursive: true });
  });
  assert.equal(await store.get(keys.alive('node-1'), patience()), undefined);
  return probe(
    {
      ...{
        node: 'node-1',
        engine,
        store,
        desk,
        pluginSocket,
        reconcileEveryMs: 60_000,
        clock,
        run,
      },
      neighbourDirectory: directory,
    },
    patience(),
  );
}
