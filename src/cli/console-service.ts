import { randomBytes } from 'node:crypto';
import type { LimitEdit } from '../console/deps.ts';
import { clusterMetrics } from '../console/metrics.ts';
import { createConsole } from '../console/server.ts';
import type { FenceSeen } from '../console/shapes/fence.ts';
import type { ReadyItem } from '../console/shapes/ready.ts';
import type { Settings } from '../config/settings.ts';
import { listAudit, trimAudit } from '../ledger/audit.ts';
import { listFailures } from '../ledger/failures.ts';
import { listFences } from '../ledger/fences.ts';
import { type Edited, editLimits } from '../ledger/limit-edit.ts';
import { NoSuchHolding } from '../ledger/limit-errors.ts';
import { listLimits } from '../ledger/limit-list.ts';
import { getWholeReport, listReports } from '../ledger/reports.ts';
import { getVerdict, listVerdicts } from '../ledger/verdicts.ts';
import type { Store } from '../ledger/store.ts';
import { systemClock } from '../plumbing/clock.ts';
import { type Listening, listen } from '../plumbing/listen.ts';
import type { Log } from '../plumbing/log.ts';
import type { GateService } from './gate-service.ts';

export interface ConsoleServiceDeps {
  readonly settings: Settings;
  readonly store: Store;
  readonly gate: GateService;
  readonly log: Log;
}

/** Opens the console port beside a gate. @throws CannotListen */
export async function startConsole(deps: ConsoleServiceDeps): Promise<Listening> {
  const { settings, store, gate, log } = deps;
  clusterMetrics(gate.registry, () => gate.view.snapshot);
  const app = createConsole({
    snapshot: () => gate.view.snapshot,
    verdicts: {
      list: (query, signal) => listVerdicts(store, query, signal),
      get: (id, signal) => getVerdict(store, id, signal),
    },
    limits: {
      list: async (query, signal) => (await listLimits(store, query, signal)).limits,
      edit: (edit, signal) => editOne(store, edit, signal),
    },
    audit: { list: (query, signal) => listAudit(store, query, signal) },
    failures: { list: (query, signal) => listFailures(store, query, signal) },
    reports: {
      list: async (query, signal) => (await listReports(store, query, signal)).reports,
      whole: (id, signal) => getWholeReport(store, id, signal),
    },
    fence: (signal) => fenceSeen(deps, signal),
    held: () =>
      Promise.resolve([...gate.view.held].map(([name, record]) => ({ app: name, record }))),
    plan: (body, signal) => gate.planner.plan(body, signal),
    ready: (signal) => readyItems(gate, signal),
    registry: gate.registry,
    log,
    names: settings.console.names,
    maxBodyBytes: settings.console.maxBodyBytes,
    withinMs: settings.console.withinMs,
  });
  const handle = app.callback();
  return listen((req, res) => void handle(req, res), settings.console.listen);
}

async function fenceSeen(
  { settings, store, gate }: ConsoleServiceDeps,
  signal: AbortSignal,
): Promise<FenceSeen> {
  const { records, orders } = await listFences(store, signal);
  const { force, foreign } = gate.fence?.state() ?? { foreign: [], force: undefined };
  const { nodes } = gate.view.snapshot.room();
  return {
    mode: settings.fence.mode,
    ...(force && {
      force: { isAble: force.isAble, version: force.ability.version, why: force.why },
    }),
    ...{ orders, foreign },
    records: new Map([...records].map(([node, { record }]) => [node, record])),
    room: (node) => nodes.get(node),
  };
}

async function editOne(
  store: Store,
  { address, ...edit }: LimitEdit,
  signal: AbortSignal,
): Promise<Edited> {
  const options = { clock: systemClock, random: () => randomBytes(5).toString('hex'), signal };
  const [edited] = await editLimits(
    store,
    { ...edit, addresses: [address], by: 'console' },
    options,
  );
  await trimAudit(store, {}, signal);
  if (!edited) throw new NoSuchHolding(address);
  return edited;
}

/** Each dependency and each loop, by name. */
async function readyItems(gate: GateService, signal: AbortSignal): Promise<readonly ReadyItem[]> {
  const { ready, behindMs, lastFault } = gate.view.state();
  const faults = gate.view.faults();
  return [
    { name: 'ledger', ready, detail: lastFault ?? `${behindMs} ms behind` },
    {
      name: 'ledger records',
      ready: faults.length === 0,
      detail:
        faults.length === 0 ? 'all readable' : faults.map(({ message }) => message).join('; '),
    },
    await marathonItem(gate, signal),
    gate.facts.ready(),
    ...(gate.fence ? [gate.fence.ready()] : []),
    ...gate.loops.map((loop) => {
      const state = loop.state();
      const detail = state.lastFault ?? `${state.turns} turns`;
      return { name: `loop ${state.name}`, ready: state.ok, detail };
    }),
  ];
}

async function marathonItem(gate: GateService, signal: AbortSignal): Promise<ReadyItem> {
  try {
    const { version, leader } = await gate.marathon.client.info(signal);
    return { name: 'marathon', ready: true, detail: `${version}, led by ${leader ?? 'nobody'}` };
  } catch (fault) {
    return { name: 'marathon', ready: false, detail: String(fault) };
  }
}
