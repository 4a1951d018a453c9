import type { FenceRecord } from '../../src/core/fence-record.ts';
import { request } from 'node:http';
import { after, before } from 'node:test';
import { Registry } from 'prom-client';
import { demandOfApp } from '../../src/cluster/marathon/demand.ts';
import type { JsonObject } from '../../src/cluster/marathon/json.ts';
import type { ConsoleDeps, LimitEdit } from '../../src/console/deps.ts';
import { clusterMetrics } from '../../src/console/metrics.ts';
import type { LimitParts } from '../../src/console/shapes/limits.ts';
import { createConsole } from '../../src/console/server.ts';
import type { Verdict } from '../../src/core/verdict.ts';
import { explain } from '../../src/core/explain.ts';
import type { CapacityReport } from '../../src/core/capacity-record.ts';
import { judgeLimit } from '../../src/core/limit-edit.ts';
import { place } from '../../src/core/place.ts';
import { headOf } from '../../src/core/report-record.ts';
import type { VerdictRecord } from '../../src/core/verdict-record.ts';
import { describe as inWords } from '../../src/core/shortage-words.ts';
import { Snapshot } from '../../src/core/snapshot.ts';
import { NoSuchHolding } from '../../src/ledger/limit-errors.ts';
import { type Listening, listen } from '../../src/plumbing/listen.ts';
import { silentLog } from '../../src/plumbing/log.ts';

/** A small cluster, a decision log of 250 verdicts, and the console over both. */
const picture = new Snapshot();
picture.setPool('rack-1', {
  v: 1,
  cidr: '192.0.2.0/24',
  ranges: [{ from: '192.0.2.10', to: '192.0.2.19' }],
  exclude: [],
  gateway: '192.0.2.1',
  vlan: 7,
  nodes: {},
});
picture.setNetwork('prod', {
  v: 1,
  pools: ['rack-1'],
  attachment: 'bridge',
  defaultInKbit: 1000,
  defaultOutKbit: 2000,
});
for (const name of ['n1.example.org', 'n2.example.org']) {
  picture.setNode(name, {
    v: 1,
    linkInKbit: 1_000_000,
    linkOutKbit: 1_000_000,
    overcommit: 1,
    headroom: 0.95,
    attributes: { rack: 'r1' },
  });
  picture.setFacts(name, {
    attributes: { rack: 'r1' },
    offered: true,
    cpus: 4,
    memMiB: 4096,
    diskMiB: 10_000,
    gpus: 0,
    ports: [[31_000, 31_009]],
  });
}
picture.setTally('n1.example.org', {
  v: 1,
  netInKbit: 3000,
  netOutKbit: 4000,
  pools: { 'rack-1': 2 },
  apps: { '/shop/web': { prod: 2 } },
});
picture.setReservation('/shop/web', {
  v: 1,
  id: 'op-1',
  target: 3,
  demand: {
    cpus: 1,
    memMiB: 128,
    diskMiB: 0,
    gpus: 0,
    ports: { any: 0, fixed: [] },
    addresses: [{ network: 'prod', netInKbit: 1000, netOutKbit: 2000 }],
  },
  constraints: [],
  witness: [['n2.example.org', 1]],
  draws: [['rack-1', 1]],
  sequence: 5,
  sinceMs: 0,
  deadlineMs: 1_800_000,
  fingerprint: 'f',
  until: 'leases',
  growInKbit: 0,
  growOutKbit: 0,
});

const verdict = (app: string, answer: VerdictRecord['answer']): VerdictRecord => ({
  v: 1,
  atMs: 1000,
  change: `POST /v2/apps`,
  apps: [app],
  answer,
  message: `${app}: ${answer}`,
  revision: 9,
  sequence: 5,
  asks: [],
  nodes: [{ node: 'n1.example.org', fits: 0, short: 'no address' }],
});
/** 250 of them, newest first: v000, v001, ... every tenth refused. */
const log = Array.from({ length: 250 }, (_, at) => ({
  id: `v${String(at).padStart(3, '0')}`,
  record: verdict(at % 2 === 0 ? '/a' : '/b', at % 10 === 0 ? 'refuse' : 'admit'),
}));
const verdicts: ConsoleDeps['verdicts'] = {
  list: async ({ before, limit }) => {
    const from = before === undefined ? 0 : log.findIndex(({ id }) => id === before) + 1;
    const page = log.slice(from, from + limit);
    return { verdicts: page, ...(from + limit < log.length && { next: page.at(-1)!.id }) };
  },
  get: async (id) => log.find((item) => item.id === id)?.record,
};

const context = {
  networks: picture.networks(),
  rateNames: { in: 'net_in', out: 'net_out' },
  secretPolicy: 'refuse',
  bridgeName: 'mesos-bridge',
} as const;
async function plan(body: unknown): Promise<Verdict> {
  const { demand, instances, constraints } = demandOfApp(body as JsonObject, context);
  const app = '/shop/cart';
  const ask = { app, instances, demand, constraints, placed: [], total: instances };
  const placed = place(picture.room(), ask);
  if (!placed.fits)
    return {
      answer: 'refuse',
      app,
      ...inWords(placed.shortage),
      nodes: explain(picture.room(), ask),
      moreNodes: 0,
    };
  const claim = {
    app,
    kind: 'create',
    demand,
    constraints,
    instances,
    peak: instances,
    heldOn: new Map(),
    placed: [],
    mayHold: false,
    mayReroute: false,
  } as const;
  const grant = { claim, instances, target: instances, witness: placed.witness, inject: [] };
  return { answer: 'admit', grants: [grant], message: 'it fits' };
}

const lease = { v: 1, pool: 'rack-1', network: 'prod', incarnation: 'c', sinceMs: 0 } as const;
/** One that was edited and forced, and one as it was at its start. */
const limits: readonly LimitParts[] = [
  {
    node: 'n1.example.org',
    address: '192.0.2.11',
    lease: { ...lease, app: '/shop/web', container: 'c0ffee', asked: { netInKbit: 1000 } },
    counted: { netInKbit: 2_000_000, netOutKbit: 2000, classMinor: 256, forced: true },
    state: 'enforced',
    edit: '0abc-1',
    editedMs: 1000,
  },
  {
    node: 'n1.example.org',
    address: '192.0.2.10',
    lease,
    counted: { netInKbit: 1000, netOutKbit: 2000, classMinor: 257 },
    state: 'given',
  },
];
const NOTHING = { inKbit: 0, outKbit: 0 };
/** What the console was told to change. */
export const edits: LimitEdit[] = [];
const changes = ['0abc-1', '0abd-1'].map((id, at) => ({
  id,
  record: {
    v: 1,
    atMs: 1000 - at,
    who: 'alice',
    by: 'cli',
    act: 'set',
    node: 'n1.example.org',
    address: '192.0.2.11',
    before: { netInKbit: 1000, netOutKbit: 2000 },
    after: { netInKbit: 2_000_000, netOutKbit: 2000, forced: true },
    why: 'sale',
  } as const,
}));

const failed = ['0abc-1', '0abd-1'].map((id, at) => ({
  id,
  record: {
    v: 1,
    sinceMs: 1000 - at,
    atMs: 2000 - at,
    count: 7,
    times: [2000 - at, 1000 - at],
    node: 'n1.example.org',
    network: 'prod',
    short: 'address',
    why: 'none of 10 is free',
    ...(at === 0 && { app: '/shop/web', task: 'shop_web.1' }),
  } as const,
}));

const report: CapacityReport = {
  ...{ v: 1, id: 'daily-2o4m5k0x1', schedule: 'daily', atMs: 2000, dueMs: 1000, revision: 9 },
  ...{ late: true, missed: 2, doubts: [] },
  waiting: [{ app: '/shop/mail', allowed: 2, wanted: 5, sinceMs: 0 }],
  rows: [
    { kind: 'total', name: '', figures: { leased: 2 } },
    { kind: 'vlan', name: '7', figures: { leased: 2, macs: 2, macLimit: 1 }, level: 'over' },
  ],
};
const reportHead = {
  ...headOf(report, 1),
  deliveries: [{ to: 'file', name: 'csv', state: 'done', attempts: 1, atMs: 3000, path: '/r.csv' }],
} as const;
const fenced: FenceRecord = {
  ...{
    v: 1,
    agentId: 'S1',
    state: 'closed',
    mode: 'on',
    by: 'deactivate',
    why: 'no addresses left',
  },
  figures: { addresses: 0, network: 'prod', netInKbit: 5, netOutKbit: 6, cpus: 3, memMiB: 512 },
  ...{ sinceMs: 0, term: 1, flips: [], undone: [] },
};

function figures(): Registry {
  const registry = new Registry();
  clusterMetrics(registry, () => picture);
  return registry;
}
/** Longer than any answer takes on a machine that stands still now and then. */
const PATIENT_MS = 180_000;
/** What a test may break of that which is handed in. */
export interface Faulty {
  reads?: Error | undefined;
  hang?: boolean;
}

export const depsWith = (faulty: Faulty, withinMs = PATIENT_MS): ConsoleDeps => ({
  snapshot: () => picture,
  verdicts,
  limits: {
    list: async ({ node }) => limits.filter((limit) => (node ?? limit.node) === limit.node),
    edit: async (edit) => {
      edits.push(edit);
      const { node, address, wish, force } = edit;
      const { lease: held, counted } =
        limits.find((limit) => limit.node === node && limit.address === address) ?? {};
      if (!held || !counted) throw new NoSuchHolding(`${address} on node "${node}"`);
      const link = { ...picture.node(node)!.record! };
      const tally = picture.node(node)!.tally!;
      const standing = { node, address, link, tally, counted, promised: NOTHING };
      const asked = wish === 'reset' ? { netInKbit: 1000, ...(force && { force }) } : wish;
      const after = judgeLimit(standing, asked);
      return { node, address, before: counted, after, edit: '0abe-1' };
    },
  },
  audit: {
    list: async ({ before, limit }) => {
      const from = before === undefined ? 0 : changes.findIndex(({ id }) => id === before) + 1;
      const entries = changes.slice(from, from + limit);
      return { entries, ...(from + limit < changes.length && { next: entries.at(-1)!.id }) };
    },
  },
  failures: {
    list: async ({ before, limit }) => {
      const from = before === undefined ? 0 : failed.findIndex(({ id }) => id === before) + 1;
      const failures = failed.slice(from, from + limit);
      return { failures, ...(from + limit < failed.length && { next: failures.at(-1)!.id }) };
    },
  },
  reports: {
    list: async ({ schedule, limit }) =>
      [reportHead].filter((head) => (schedule ?? head.schedule) === head.schedule).slice(0, limit),
    whole: async (id) => (id === report.id ? report : undefined),
  },
  fence: async () => ({
    mode: 'on',
    force: { isAble: true, version: '1.11.0', why: 'Mesos 1.11.0 can deactivate an agent' },
    records: new Map([['n1.example.org', fenced]]),
    orders: new Map([['n2.example.org', { v: 1, order: 'leave', who: 'ann', atMs: 0 }]]),
    foreign: [{ node: 'n3.example.org', says: 'an operator drains it' }],
    room: (node) => picture.room().nodes.get(node),
  }),
  held: async (signal) => {
    if (faulty.reads) throw faulty.reads;
    if (faulty.hang)
      await new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(new Error('late'))),
      );
    return [
      { app: '/shop/mail', record: { v: 1, wanted: 5, allowed: 2, why: 'no address', sinceMs: 0 } },
    ];
  },
  plan,
  ready: async () => [
    { name: 'ledger', ready: !faulty.reads },
    { name: 'mesos', ready: true, detail: '2 nodes' },
  ],
  registry: figures(),
  log: silentLog,
  names: ['console.example.org', '2001:db8::1'],
  maxBodyBytes: 2000,
  withinMs,
});

export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
  // Whatever the route says; the assertions look into it.
  readonly json: any;
}
export interface Served {
  call(
    path: string,
    asked?: { method?: string; body?: string; headers?: Record<string, string> },
  ): Promise<Answer>;
  port(): number;
}

/** Serves the console while the tests of a file run. */
export function serveConsole(faulty: Faulty = {}, withinMs?: number): Served {
  let served: Listening;
  before(async () => {
    const where = { host: '127.0.0.1', port: 0 };
    served = await listen(createConsole(depsWith(faulty, withinMs)).callback(), where);
  });
  after(() => served.close(1000));
  const call: Served['call'] = (
    path,
    { method = 'GET', body = '', headers = {} as Record<string, string> } = {},
  ) =>
    new Promise<Answer>((resolve, reject) => {
      const req = request({ port: served.port, path, method, headers, agent: false }, (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const json =
            String(res.headers['content-type']).startsWith('application/json') && text
              ? JSON.parse(text)
              : undefined;
          resolve({ status: res.statusCode!, headers: res.headers, text, json });
        });
      });
      req.on('error', reject);
      req.end(body);
    });
  return { call, port: () => served.port };
}
