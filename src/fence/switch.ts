import { FLIPS_KEPT, type FenceRecord } from '../core/fence-record.ts';
import type { FenceAction } from '../core/fence-action.ts';
import { commitFence, confessFence, type Fences } from '../ledger/fences.ts';
import { type SteadyMs, type Term, TRUST_MS } from '../ledger/election.ts';
import type { Revision, Store } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { FenceMeans, Switched } from './means.ts';

/**
 * `lost`: another leads, or the record moved on; nothing was asked. `late`: we were held up between
 * writing and asking. Both are seen to by whoever looks next.
 */
export type StepOutcome = Switched['outcome'] | 'written' | 'lost' | 'late';

export interface SwitchDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly steadyMs: SteadyMs;
  readonly callWithinMs: number;
}

/** One leader's pass: whose word counts, and what was known when it was decided. */
export interface Pass {
  readonly term: Term;
  readonly means: FenceMeans;
  readonly fences: Fences;
  readonly flips: (node: string) => readonly number[];
  readonly signal: AbortSignal;
}

/** A confession has its own clock: the term's is over. */
const CONFESS_WITHIN_MS = 5_000;

type Close = Extract<FenceAction, { do: 'close' | 'note' }>;
type Open = Extract<FenceAction, { do: 'open' }>;

/** Carries out one action of the decision. @throws the signal's reason; LedgerUnreachable */
export async function carryOut(
  deps: SwitchDeps,
  pass: Pass,
  action: FenceAction,
): Promise<StepOutcome> {
  if (action.do === 'close') return close(deps, pass, action);
  if (action.do === 'open') return open(deps, pass, action);
  const step = new Step(deps, pass, action.node);
  const wrote = await step.write(writtenFor(deps, pass, action));
  return wrote ? 'written' : 'lost';
}

function writtenFor(
  { clock }: SwitchDeps,
  pass: Pass,
  action: Exclude<FenceAction, Open>,
): FenceRecord | undefined {
  if (action.do === 'forget') return undefined;
  const sinceMs = clock.now();
  if (action.do === 'settle')
    return {
      ...action.record,
      state: action.to,
      why: action.why,
      sinceMs,
      term: pass.term.revision,
    };
  return noteFor(pass, action, sinceMs);
}

/** What would be done, where the fence only watches. */
const noteFor = (pass: Pass, action: Close, nowMs: number): FenceRecord => ({
  ...{ v: 1, agentId: action.agentId, state: 'closed', mode: 'watch', by: pass.means.by },
  ...{ why: action.want.why, figures: action.want.figures, sinceMs: nowMs },
  ...{ term: pass.term.revision, flips: [], undone: [] },
});

/** The record that goes before the call. One that was noted only has no history. */
function closingFor(pass: Pass, action: Close, nowMs: number): FenceRecord {
  const { record } = action;
  const closing: FenceRecord = {
    ...noteFor(pass, action, nowMs),
    ...{ state: 'closing', mode: 'on', flips: lastOf([...pass.flips(action.node), nowMs]) },
  };
  if (record?.mode !== 'on') return closing;
  const isRetry = record.state === 'closing' && record.agentId === action.agentId;
  return {
    ...closing,
    flips: isRetry ? record.flips : lastOf([...record.flips, nowMs]),
    undone: action.isAgain ? lastOf([...record.undone, nowMs]) : record.undone,
  };
}

const lastOf = (times: readonly number[]): readonly number[] => times.slice(-FLIPS_KEPT);

/** One node's record, from write to write. */
class Step {
  readonly #deps: SwitchDeps;
  readonly #pass: Pass;
  readonly #node: string;
  #known: Revision;
  #writtenMs = -Infinity;

  constructor(deps: SwitchDeps, pass: Pass, node: string) {
    this.#deps = deps;
    this.#pass = pass;
    this.#node = node;
    this.#known = pass.fences.records.get(node)?.revision ?? 0;
  }

  /** @returns false when another leads or the record moved on */
  async write(record: FenceRecord | undefined): Promise<boolean> {
    const { store, steadyMs } = this.#deps;
    const { term, signal } = this.#pass;
    // before the commit: it can have won at the earliest now, so the age is never told too young
    const startedMs = steadyMs();
    const change = { node: this.#node, known: this.#known, term: term.fence };
    const { won, revision } = await commitFence(
      store,
      { ...change, ...(record && { record }) },
      signal,
    );
    if (!won) return false;
    this.#known = record ? revision : 0;
    this.#writtenMs = startedMs;
    return true;
  }

  /**
   * Whether we may still ask Mesos on the strength of what was written last under the term's fence. A leader
   * that was stopped in between finds it too old, and asks nothing.
   */
  isFresh(): boolean {
    return !this.#pass.signal.aborted && this.#deps.steadyMs() - this.#writtenMs < TRUST_MS;
  }

  /** Within the call's own time, and no longer than we lead. */
  callSignal(): AbortSignal {
    return AbortSignal.any([this.#pass.signal, AbortSignal.timeout(this.#deps.callWithinMs)]);
  }
}

async function close(deps: SwitchDeps, pass: Pass, action: Close): Promise<StepOutcome> {
  const { node, agentId } = action;
  const step = new Step(deps, pass, node);
  const record = closingFor(pass, action, deps.clock.now());
  if (!(await step.write(record))) return 'lost';
  if (!step.isFresh()) return 'late';
  const said = await asked(() => pass.means.close(agentId, step.callSignal()));
  try {
    const wrote = await step.write(afterClosing(said, record, deps.clock.now()));
    if (wrote) return said.outcome;
  } catch (fault: unknown) {
    await confess(deps, { node, record, said });
    throw fault;
  }
  await confess(deps, { node, record, said });
  return 'lost';
}

/** Where Mesos may have done it, the record stays: what Mesos shows decides. */
function afterClosing(said: Switched, record: FenceRecord, nowMs: number): FenceRecord | undefined {
  if (said.outcome === 'done') return { ...record, state: 'closed', sinceMs: nowMs };
  return mayHaveHappened(said) ? record : undefined;
}

const mayHaveHappened = ({ outcome }: Switched): boolean =>
  outcome === 'done' || outcome === 'pending' || outcome === 'unreachable';

async function confess(
  deps: SwitchDeps,
  { node, record, said }: { node: string; record: FenceRecord; said: Switched },
): Promise<void> {
  if (!mayHaveHappened(said)) return;
  const { store, log } = deps;
  const signal = AbortSignal.timeout(CONFESS_WITHIN_MS);
  await confessFence(store, { node, record }, signal).catch((fault: unknown) => {
    log.error('a node may be out of offers without a record', { node, fault: String(fault) });
  });
}

async function open(deps: SwitchDeps, pass: Pass, { node, record }: Open): Promise<StepOutcome> {
  const step = new Step(deps, pass, node);
  const nowMs = deps.clock.now();
  const flips = record.state === 'opening' ? record.flips : lastOf([...record.flips, nowMs]);
  const opening: FenceRecord = {
    ...record,
    ...{ state: 'opening', flips, sinceMs: nowMs, term: pass.term.revision },
  };
  if (!(await step.write(opening))) return 'lost';
  if (!step.isFresh()) return 'late';
  const said = await asked(() => pass.means.open(record.agentId, step.callSignal()));
  if (said.outcome === 'refused')
    await step.write({ ...opening, state: 'closed', sinceMs: deps.clock.now() });
  else if (said.outcome === 'done' || said.outcome === 'draining') await step.write(undefined);
  return said.outcome;
}

/** A call that was cut off may have arrived. */
async function asked(call: () => Promise<Switched>): Promise<Switched> {
  try {
    return await call();
  } catch (fault: unknown) {
    return { outcome: 'unreachable', why: fault instanceof Error ? fault.message : String(fault) };
  }
}
