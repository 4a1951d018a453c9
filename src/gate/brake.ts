import type { MarathonContext } from '../cluster/marathon/canonical-context.ts';
import { brakeOn, type BrakeRule, loopsIn, type LaunchLoop } from '../core/brake.ts';
import { Refusal } from '../core/errors.ts';
import { confirmed, priorityIn } from '../core/held-queue.ts';
import type { HeldRecord } from '../core/held-record.ts';
import type { VerdictRecord } from '../core/verdict-record.ts';
import { textAt } from '../cluster/marathon/json.ts';
import { keys } from '../ledger/keys.ts';
import { records } from '../ledger/records.ts';
import type { Write } from '../ledger/store.ts';
import { verdictId } from '../ledger/verdicts.ts';
import { oneMore, type OneMore, type OneMoreDeps } from './brake-room.ts';
import type { FailureWatch } from './brake-watch.ts';
import { watchFlight } from './held-flight.ts';
import { type HeldHands, type Leading, lower, rewrite } from './held-hands.ts';
import { mayOverride } from './held-locks.ts';
import { type HeldSpec, runsOf } from './held-spec.ts';

export interface BrakeDeps extends HeldHands, OneMoreDeps {
  readonly rule: BrakeRule;
  readonly priorityLabel: string;
  readonly failures: FailureWatch;
  readonly context: (signal: AbortSignal) => Promise<MarathonContext>;
  /** Text of [0-9a-z]. */
  readonly random: () => string;
  /** For counts. */
  readonly onHeld?: (record: HeldRecord) => void;
}

/**
 * One look at the launches that failed lately: every app that loops, and that nobody else can take, is
 * held at what runs. One app's fault keeps no other from being looked at.
 */
export async function brakeTurn(deps: BrakeDeps, leading: Leading): Promise<void> {
  const { rule, view, failures, clock } = deps;
  if (!view.state().ready) return;
  const nowMs = clock.now();
  const recent = failures.since(nowMs - rule.withinMs);
  const sinceMs = (app: string): number => view.held.get(app)?.heldMs ?? 0;
  for (const { app } of loopsIn(recent, rule, { nowMs, sinceMs }))
    await ofItsOwn(deps, app, leading, () => stop(deps, app, leading));
}

/**
 * The loop that an app as it is now is in. What failed before its last change, or before it was deleted
 * and made again, was another one's.
 */
function loopOf(
  { rule, failures, view, clock }: BrakeDeps,
  { id, version = '' }: HeldSpec,
): LaunchLoop | undefined {
  const nowMs = clock.now();
  const changedMs = Date.parse(version);
  const bornMs = changedMs <= nowMs ? changedMs : 0; // Marathon's clock may be ahead
  const sinceMs = Math.max(bornMs, view.held.get(id)?.heldMs ?? 0);
  const its = failures.since(nowMs - rule.withinMs).filter(({ app }) => app === id);
  return loopsIn(its, rule, { nowMs, sinceMs: () => sinceMs })[0];
}

/** Faults that are not one app's: another try has to wait. */
const ABOUT_ALL = new Set(['ledger-unreachable', 'holding-lost', 'marathon-unreachable']);

/** A definition that cannot be read is told, and stops nothing else; a ledger that is away stops all. */
export async function ofItsOwn(
  { log }: Pick<HeldHands, 'log'>,
  app: string,
  { signal }: Leading,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (fault) {
    signal.throwIfAborted();
    if (!(fault instanceof Refusal) || ABOUT_ALL.has(fault.code)) throw fault;
    log.warn('a held app could not be seen to', { app, fault: fault.message });
  }
}

async function stop(deps: BrakeDeps, app: string, leading: Leading): Promise<void> {
  const { signal } = leading;
  const seen = deps.view.held.get(app);
  if (seen?.pending) return; // the queue says it again first
  const isInFlight = watchFlight(deps.view, app);
  const spec = await deps.find(app, signal);
  const loop = spec && loopOf(deps, spec);
  if (!loop || whatRuns(deps, spec) >= spec.instances) return;
  const context = await deps.context(signal);
  const more = oneMore(deps, spec, { without: loop.nodes, context });
  if (more === undefined) return;
  const { version } = spec;
  const step = brakeOn(
    {
      ...{ loop, instances: spec.instances, runs: whatRuns(deps, spec), room: more },
      ...{ short: more.short, priority: priorityIn(textAt(spec.labels, deps.priorityLabel)) },
      ...(version !== undefined && { version }),
      ...(seen && { held: seen }),
    },
    deps.rule,
    deps.clock.now(),
  );
  if (step.do === 'nothing') {
    deps.log.debug('a launch loop is left alone', { app: loop.app, why: step.why });
    return;
  }
  await hold(deps, { spec, seen, isInFlight, record: step.record, more }, leading);
}

const whatRuns = ({ view }: BrakeDeps, spec: HeldSpec): number =>
  runsOf(spec, view.snapshot.heldOn(spec.id));

interface Holding {
  readonly spec: HeldSpec;
  readonly seen: HeldRecord | undefined;
  /** A client has changed it since it was looked at, or is about to. */
  readonly isInFlight: () => boolean;
  readonly record: HeldRecord;
  readonly more: OneMore;
}

/** The record first, then Marathon: whoever dies in between leaves behind what is to be done. */
async function hold(deps: BrakeDeps, holding: Holding, leading: Leading): Promise<void> {
  const { spec, seen } = holding;
  const { log } = deps;
  if (!mayOverride(spec.id, await deps.deployments(leading.signal))) {
    log.warn('a launch loop cannot be stopped: a deployment replaces instances', { app: spec.id });
    return;
  }
  if (holding.isInFlight()) return; // theirs counts, and what it came to is looked at anew
  const id = verdictId(deps.clock.now(), deps.random());
  const record = { ...holding.record, verdict: id };
  const written = { app: spec.id, seen, to: record, ...commitOf(deps, holding, id) };
  if (!(await rewrite(deps, written, leading))) return;
  deps.onHeld?.(record);
  const { why: message, allowed, wanted, cycles } = record;
  log.info('verdict', { id, change: changeOf(spec), answer: 'hold', message });
  if (record.stoppedMs !== undefined)
    log.warn('a held app is stopped: it grew in vain', { app: spec.id, allowed, wanted, cycles });
  if (!(await lower(deps, { spec, instances: allowed }, leading))) return; // the queue says it again
  await rewrite(deps, { app: spec.id, seen: record, to: confirmed(record) }, leading);
}

const changeOf = ({ kind, id }: HeldSpec): string => `brake /v2/${kind}s${id}`;

/**
 * Written with the record: the verdict that says why, and the end of what was promised to the app. A
 * change that is admitted meanwhile makes the commit lose: it may have promised anew.
 */
function commitOf({ view, clock }: BrakeDeps, { spec, record, more }: Holding, id: string) {
  const verdict: VerdictRecord = {
    v: 1,
    atMs: clock.now(),
    change: changeOf(spec),
    apps: [spec.id],
    answer: 'hold',
    message: record.why,
    revision: view.revision,
    sequence: view.sequence,
    asks: [
      {
        ...{ app: spec.id, instances: record.wanted - record.allowed },
        ...{ demand: more.claim.demand, constraints: more.claim.constraints },
      },
    ],
    nodes: more.nodes,
  };
  const writes: Write[] = [
    { put: keys.verdict(id), value: records.verdict.encode(verdict) },
    ...(view.snapshot.reservation(spec.id) ? [{ drop: keys.reservation(spec.id) }] : []),
  ];
  return { writes, guards: [{ key: keys.admission, revision: view.admissionRevision }] };
}
