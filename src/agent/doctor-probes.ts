import { readFile, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { sizeOf } from '../core/pool.ts';
import { Refusal } from '../core/errors.ts';
import type { Desk } from '../ledger/desk.ts';
import { keys, nameIn, prefixes } from '../ledger/keys.ts';
import type { ReachedPool } from '../ledger/lease-view.ts';
import { listAll } from '../ledger/listing.ts';
import { records } from '../ledger/records.ts';
import type { Store } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';
import { lookAtAttributes } from './attributes-file.ts';
import type { Engine } from './docker/engine.ts';
import type { DoctorFacts, Feature, FeatureProbed, LedgerFacts, PoolProbed } from './doctor.ts';
import { linksOf, linkOn, type NodeLink } from './node-links.ts';
import type { RunTool } from './run-tool.ts';

export interface ProbeDeps {
  readonly node: string;
  readonly engine: Pick<Engine, 'info'>;
  readonly store: Pick<Store, 'get' | 'range'>;
  readonly desk: Pick<Desk, 'networks' | 'pools'>;
  readonly pluginSocket: string;
  readonly reconcileEveryMs: number;
  readonly clock: Clock;
  readonly run: RunTool;
  /** Of the Mesos agent's attributes; absent: none is kept. */
  readonly attributesFile?: string;
  /** Default: where the kernel has it. */
  readonly neighbourDirectory?: string;
}

/** Asks kernel, Docker, agent, ledger and wire; whatever does not answer is a fact, too. */
export async function probe(deps: ProbeDeps, signal: AbortSignal): Promise<DoctorFacts> {
  const { node, engine, clock, reconcileEveryMs } = deps;
  const reached = await reachedPools(deps, signal);
  const ledger = await orFault(ledgerFacts(deps, reached, signal));
  const docker = await orFault(engine.info(signal));
  const gcThresh = await thresholds(deps.neighbourDirectory ?? '/proc/sys/net/ipv4/neigh/default');
  return {
    node,
    features: await featuresOf(deps.run, signal),
    docker:
      'fault' in docker
        ? docker
        : { version: docker.value.version, liveRestore: docker.value.liveRestore },
    plugin: await pluginAt(deps.pluginSocket),
    ...('fault' in ledger ? { ledgerFault: ledger.fault } : { ledger: ledger.value }),
    pools: await poolsProbed(deps.run, reached, signal),
    ...(gcThresh ? { gcThresh } : {}),
    nowMs: clock.now(),
    reconcileEveryMs,
    ...(await attributesProbed(deps, signal)),
  };
}

type Outcome<T> = { readonly value: T } | { readonly fault: string };

const orFault = <T>(work: Promise<T>): Promise<Outcome<T>> =>
  work.then(
    (value) => ({ value }),
    (fault: unknown) => ({ fault: fault instanceof Error ? fault.message : String(fault) }),
  );

/** Each runs in a network namespace of its own, which ends with it. */
const FEATURES: Readonly<Record<Feature, readonly [argv: readonly string[], input?: string]>> = {
  veth: [['ip', 'link', 'add', 'probe0', 'type', 'veth', 'peer', 'name', 'probe1']],
  bridge: [['ip', 'link', 'add', 'probe0', 'type', 'bridge']],
  macvlan: [
    ['ip', '-batch', '-'],
    'link add probe0 type veth peer name probe1\nlink add link probe0 name probe2 type macvlan\n',
  ],
  htb: [['tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'htb']],
  ifb: [['ip', 'link', 'add', 'probe0', 'type', 'ifb']],
  redirect: [
    ['tc', '-batch', '-'],
    'qdisc add dev lo ingress\n' +
      'filter add dev lo parent ffff: protocol all u32 match u32 0 0 action mirred egress redirect dev lo\n',
  ],
  fq_codel: [['tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'fq_codel']],
};

const featuresOf = (run: RunTool, signal: AbortSignal): Promise<FeatureProbed[]> =>
  Promise.all(
    (Object.keys(FEATURES) as Feature[]).map(async (feature) => {
      const [argv, input] = FEATURES[feature];
      const { code, err } = await run(['unshare', '--net', ...argv], signal, input);
      const fault = err.trim().split('\n')[0] ?? '';
      return code === 0 ? { feature } : { feature, fault: fault || `it ended with ${code}` };
    }),
  );

async function attributesProbed(
  { store, node, attributesFile: path }: ProbeDeps,
  signal: AbortSignal,
): Promise<Pick<DoctorFacts, 'attributes'>> {
  if (path === undefined) return {};
  const look = await orFault(lookAtAttributes(store, { node, path }, signal));
  if ('fault' in look) return { attributes: { path, waiting: [], faults: [look.fault] } };
  const { changes, faults } = look.value;
  return { attributes: { path, waiting: changes.map(({ says }) => says), faults } };
}

async function pluginAt(path: string): Promise<DoctorFacts['plugin']> {
  const found = await orFault(stat(path));
  if ('fault' in found) return { path, fault: found.fault };
  const answer = await orFault(activated(path));
  const mode = found.value.mode & 0o777;
  return { path, mode, ...('fault' in answer ? { fault: answer.fault } : {}) };
}

const PLUGIN_WITHIN_MS = 3_000;

const activated = (socketPath: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const ask = { socketPath, method: 'POST', path: '/Plugin.Activate' };
    const asked = request({ ...ask, timeout: PLUGIN_WITHIN_MS }, (answer) => {
      answer.resume();
      if (answer.statusCode === 200) resolve();
      else reject(new Error(`it answered ${answer.statusCode ?? 0}`));
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer in ${PLUGIN_WITHIN_MS} ms`)));
    asked.on('error', reject).end();
  });

interface Reached {
  readonly network: string;
  readonly pool: ReachedPool;
}

/** Of all networks; those that this node does not reach, or that do not read, are left out. */
async function reachedPools({ desk }: ProbeDeps, signal: AbortSignal): Promise<readonly Reached[]> {
  const names = await desk.networks(signal).catch(() => []);
  const found = await Promise.all(
    names.map(async (network) => {
      const pools = await desk.pools(network, signal).catch((fault: unknown) => {
        if (fault instanceof Refusal) return [];
        throw fault;
      });
      return pools.map((pool) => ({ network, pool }));
    }),
  );
  return found.flat();
}

async function ledgerFacts(
  { node, store }: ProbeDeps,
  reached: readonly Reached[],
  signal: AbortSignal,
): Promise<LedgerFacts> {
  const [known, alive, { entries }] = await Promise.all([
    store.get(keys.node(node), signal),
    store.get(keys.alive(node), signal),
    listAll(store, prefixes.reconciled, { signal }),
  ]);
  const all = records.reconciled
    .decodeAll(entries)
    .good.map(({ key, record }) => ({ node: nameIn(prefixes.reconciled, key), atMs: record.atMs }));
  const own = all.find((one) => one.node === node);
  return {
    known: known !== undefined,
    alive: alive !== undefined,
    addresses: reached
      .filter(({ pool }) => pool.space.cidr.family === 4)
      .reduce((sum, { pool }) => sum + sizeOf(pool.space), 0),
    ...(own ? { reconciledMs: own.atMs } : {}),
    others: all.filter((one) => one.node !== node),
  };
}

async function poolsProbed(
  run: RunTool,
  reached: readonly Reached[],
  signal: AbortSignal,
): Promise<readonly PoolProbed[]> {
  const links = await linksOf(run, signal);
  return Promise.all(
    reached.map(async ({ network, pool: { name, record } }): Promise<PoolProbed> => {
      const { cidr, gateway } = record;
      const known = { network, pool: name, cidr, ...(gateway === undefined ? {} : { gateway }) };
      const link = linkOn(links, cidr);
      if (link === undefined || gateway === undefined)
        return { ...known, ...(link === undefined ? {} : { link: link.name }) };
      return {
        ...known,
        link: link.name,
        ...(await gatewayProbed(run, { link, gateway }, signal)),
      };
    }),
  );
}

/** `arping` asks twice within two seconds. IPv6 has no ARP. */
async function gatewayProbed(
  run: RunTool,
  { link, gateway }: { readonly link: NodeLink; readonly gateway: string },
  signal: AbortSignal,
): Promise<Pick<PoolProbed, 'isOwn' | 'answers'>> {
  if (link.addresses.includes(gateway)) return { isOwn: true };
  if (gateway.includes(':')) return {};
  const { code, out } = await run(
    ['arping', '-c', '2', '-w', '2', '-I', link.name, gateway],
    signal,
  );
  if (code === 0) return { answers: true };
  return /Received 0 response/.test(out) ? { answers: false } : {};
}

async function thresholds(
  directory: string,
): Promise<readonly [number, number, number] | undefined> {
  const [first, second, third] = await Promise.all(
    [1, 2, 3].map((n) => readFile(`${directory}/gc_thresh${n}`, 'utf8').catch(() => '')),
  );
  const figures = [Number(first || NaN), Number(second || NaN), Number(third || NaN)] as const;
  return figures.some((figure) => !Number.isInteger(figure)) ? undefined : figures;
}
