import {
  isObject,
  type Json,
  type JsonObject,
  numberAt,
  objectAt,
} from '../cluster/marathon/json.ts';
import type { JudgedRoute } from '../cluster/marathon/route.ts';
import { podWithInstances } from '../cluster/marathon/scale.ts';
import { confirmed, grown } from '../core/held-queue.ts';
import type { HeldRecord } from '../core/held-record.ts';
import { stillLeads } from '../ledger/election.ts';
import { type HeldHands, type Leading, rewrite } from './held-hands.ts';
import { isLocked } from './held-locks.ts';
import type { HeldSpec } from './held-spec.ts';
import type { ChangeRequest, Ruling } from './judge.ts';

type Hands = Pick<
  HeldHands,
  'store' | 'view' | 'find' | 'scale' | 'deployments' | 'steadyMs' | 'clock' | 'log'
>;

export interface GrowDeps extends Hands {
  /** Instances that a scale would be admitted with now; undefined when it claims no room. Promises nothing. */
  readonly wouldGet: (request: ChangeRequest, signal: AbortSignal) => Promise<number | undefined>;
  readonly judge: (request: ChangeRequest) => Promise<Ruling>;
}

interface Candidate {
  readonly app: string;
  readonly record: HeldRecord;
  readonly spec: HeldSpec;
}

/** Lets an app have what there is room for: judged and promised, written, and only then told Marathon. */
export async function grow(deps: GrowDeps, one: Candidate, leading: Leading): Promise<void> {
  const { signal, fence } = leading;
  const { record, spec } = one;
  const { instances: from, version } = spec;
  const was = { from, ...(version !== undefined && { version }) };
  const request = { ...requestFor(spec, record.wanted), growing: { record, was, fence } };
  const room = await deps.wouldGet(request, signal);
  if (room !== undefined && room <= from) return;
  if (isLocked(spec.id, await deps.deployments(signal))) return; // Marathon would not take it
  if (room === undefined) return letGo(deps, one, leading);
  const ruling = await deps.judge(request);
  const instances = instancesIn(spec, JSON.parse(ruling.body.toString('utf8')) as Json);
  const now = await deps.find(spec.id, signal).catch(() => undefined);
  if (instances <= from || now?.instances !== from || now.version !== version) {
    await ruling.settle(NOT_SENT); // the client was faster: theirs counts
    return;
  }
  await tell(deps, { ...one, spec: now, ruling, instances }, leading);
}

const NOT_SENT = { outcome: 'answered', status: 409, headers: [], complete: true } as const;

/** Its definition was changed since, and takes no address of ours: there is nothing to wait for. */
async function letGo(
  deps: GrowDeps,
  { app, record, spec }: Candidate,
  leading: Leading,
): Promise<void> {
  const { instances: from, version } = spec;
  const to = grown(record, {
    to: record.wanted,
    was: { from, ...(version !== undefined && { version }) },
    nowMs: deps.clock.now(),
    why: `${app} takes no address any more: all ${record.wanted} instances may run`,
  });
  if (!(await rewrite(deps, { app, seen: record, to }, leading))) return;
  if (!(await stillLeads(deps, leading, leading.signal))) return; // whoever leads takes it back
  const how = { instances: record.wanted, force: false };
  const { outcome } = await deps.scale(spec, how, leading.signal);
  if (outcome !== 'accepted') return;
  deps.log.info('held app grows', { app, to: record.wanted });
  await rewrite(deps, { app, seen: to, to: confirmed(to) }, leading);
}

interface Judged extends Candidate {
  readonly ruling: Ruling;
  readonly instances: number;
}

/** A lost answer leaves the record as it is: the next round sees what Marathon has made of it. */
async function tell(
  deps: GrowDeps,
  { app, spec, ruling, instances }: Judged,
  leading: Leading,
): Promise<void> {
  const { scale, view, store, log } = deps;
  const { signal } = leading;
  if (!(await stillLeads(deps, leading, signal)) || ruling.isLate()) {
    await ruling.settle(NOT_SENT);
    return;
  }
  const scaled = await scale(spec, { instances, force: false }, signal);
  if (scaled.outcome !== 'accepted') {
    await ruling.settle(NOT_SENT);
    return;
  }
  const { deployment } = scaled;
  const headers = deployment === '' ? [] : ['Marathon-Deployment-Id', deployment];
  await ruling.settle({ outcome: 'answered', status: 200, headers, complete: true });
  log.info('held app grows', { app, to: instances });
  const written = view.held.get(app);
  if (written?.pending)
    await rewrite({ store, view }, { app, seen: written, to: confirmed(written) }, leading);
}

function instancesIn({ kind }: HeldSpec, json: Json): number {
  const body: JsonObject = isObject(json) ? json : {};
  return numberAt(kind === 'app' ? body : (objectAt(body, 'scaling') ?? {}), 'instances') ?? 0;
}

/** What an update leaves out is erased, and that would restart every instance (trap 3). */
const carried = (app: JsonObject): Record<string, Json> =>
  Object.fromEntries(
    ['resourceLimits', 'executorResources'].flatMap((key) => {
      const value = app[key];
      return value === undefined || value === null ? [] : [[key, value] as const];
    }),
  );

function requestFor({ kind, id, spec }: HeldSpec, instances: number): ChangeRequest {
  const shared = { id, force: false };
  const route: JudgedRoute =
    kind === 'app'
      ? {
          kind: 'updateApp',
          ...shared,
          partial: true,
          patch: false,
          canonicalTarget: `/v2/apps${id}`,
        }
      : { kind: 'updatePod', ...shared, canonicalTarget: `/v2/pods${id}` };
  const body = kind === 'app' ? { instances, ...carried(spec) } : podWithInstances(spec, instances);
  return { route, body: Buffer.from(JSON.stringify(body)), hold: 'always' };
}
