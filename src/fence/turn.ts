import type { FailureRecord } from '../core/failure-record.ts';
import { STUBBORN_MS } from '../core/fence-detour.ts';
import type { BurstsOver } from '../core/fence-burst.ts';
import type { QueuedLaunch } from '../core/fence-pending.ts';
import type { StagedTask } from '../core/fence-staging.ts';
import type { AgentSeen, FenceAction, FenceSteps } from '../core/fence-action.ts';
import { agentsByNode, MINUTE_MS, within } from '../core/fence-step.ts';
import type { RoomSince } from '../core/fence-want.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { Term } from '../ledger/election.ts';
import type { FenceBook } from '../ledger/fence-book.ts';
import type { Fences } from '../ledger/fences.ts';
import { type Decided, decideFence, type DecideRules } from './decide.ts';
import type { FenceForce } from './means.ts';
import { carryOut, type Pass, type StepOutcome, type SwitchDeps } from './switch.ts';

export interface FenceTurnDeps extends SwitchDeps {
  readonly settings: DecideRules & {
    /** How old the list of agents may be while nothing is to be switched, ms. */
    readonly everyMs: number;
  };
  /** The room as the ledger and Mesos show it; undefined while one of them does not answer. */
  readonly snapshot: () => Snapshot | undefined;
  readonly book: FenceBook;
  /** What this Mesos can do. @throws what the Mesos client throws */
  readonly force: (signal: AbortSignal) => Promise<FenceForce>;
  /** Tasks that Mesos launched and that do not run yet. */
  readonly staged: () => readonly StagedTask[];
  /** Marathon's launch queue; undefined when it does not answer. */
  readonly queue: (signal: AbortSignal) => Promise<readonly QueuedLaunch[] | undefined>;
  /** Launches that failed for lack of room at or after a moment. */
  readonly failures: (sinceMs: number) => readonly FailureRecord[];
  readonly onPass: (report: PassReport) => void;
}

/** What one pass found and did, for people. */
export interface PassReport {
  readonly force: FenceForce;
  readonly steps: FenceSteps;
  readonly done: readonly { readonly action: FenceAction; readonly outcome: StepOutcome }[];
  /** Mesos is to be looked at again within `FRESH_MS`: see decide.ts. */
  readonly isPressing: boolean;
}

/** What Mesos shows, and when it was asked. */
interface AgentList {
  readonly byNode: ReadonlyMap<string, AgentSeen>;
  readonly atMs: number;
  /** How long Mesos took to tell, ms. */
  readonly tookMs: number;
  /** The records as they were before it was asked. */
  readonly fences: Fences;
}

/** What a leader remembers between two passes; whoever takes over begins with nothing. */
interface Memory {
  since: RoomSince;
  over: BurstsOver;
  /** When nodes were opened or closed lately. */
  readonly flips: Map<string, readonly number[]>;
  /** Nodes that Mesos refused to switch, and until when they are let be. */
  readonly paused: Map<string, number>;
  agents: AgentList | undefined;
}

/** How long a node is let be after Mesos refused to switch it: its word seldom changes by itself. */
const REFUSED_FOR_MS = MINUTE_MS;
/** A list of agents that a switch rests on, or that presses, is no older: an operator may have acted meanwhile. */
export const FRESH_MS = 1_000;
/** What presses asks for at most a tenth of Mesos' time: of 10,000 agents a list is 26 MB. */
const REST_TIMES = 10;
/** Writes that switch nothing, in one pass. */
const MOST_WRITES = 128;

/**
 * One pass of the fence. Nothing is done while the ledger is not followed or Mesos does not answer: what
 * is closed stays closed and what is open stays open until somebody can tell.
 */
export function fenceTurn(deps: FenceTurnDeps): (signal: AbortSignal, term: Term) => Promise<void> {
  const memory: Memory = {
    ...{ since: new Map(), over: new Set(), flips: new Map(), paused: new Map() },
    agents: undefined,
  };
  return async (signal, term) => {
    if (!deps.book.ready()) return;
    const force = await deps.force(signal);
    const queue = await deps.queue(signal).catch(() => undefined);
    const around = { memory, force, queue, signal };
    let looked = await look(deps, around, deps.settings.everyMs);
    if (looked?.isPressing) looked = await look(deps, around, pressingMs(memory, deps.settings));
    if (looked && switchesIn(looked.steps) > 0) looked = await look(deps, around, FRESH_MS);
    if (!looked) return;
    const { steps, fences, isPressing, nowMs } = looked;
    const flips = (node: string): readonly number[] => memory.flips.get(node) ?? [];
    const pass: Pass = { term, means: force.means, fences, flips, signal };
    const due = dueOf(steps.actions, memory, nowMs);
    // what the list shows of these nodes is about to be history
    if (due.some(isSwitch)) memory.agents = undefined;
    const done = await carryOutAll(deps, pass, due);
    remember(memory, done, nowMs);
    deps.onPass({ force, steps, done, isPressing });
  };
}

/** How old the list may be while launches are held back or fail: a Mesos that takes long to tell is asked less often. */
const pressingMs = ({ agents }: Memory, { everyMs }: FenceTurnDeps['settings']): number =>
  Math.min(everyMs, Math.max(FRESH_MS, REST_TIMES * (agents?.tookMs ?? 0)));

const isSwitch = (action: FenceAction): boolean => action.do === 'close' || action.do === 'open';
const switchesIn = ({ actions }: FenceSteps): number => actions.filter(isSwitch).length;

interface Around {
  readonly memory: Memory;
  readonly force: FenceForce;
  readonly queue: readonly QueuedLaunch[] | undefined;
  readonly signal: AbortSignal;
}

interface Look extends Pick<Decided, 'steps' | 'isPressing'> {
  readonly fences: Fences;
  readonly nowMs: number;
}

/** Decides, on a list of agents that is at most so old. */
async function look(
  deps: FenceTurnDeps,
  { memory, force, queue, signal }: Around,
  mostMs: number,
): Promise<Look | undefined> {
  const age = Math.abs(deps.clock.now() - (memory.agents?.atMs ?? -Infinity));
  if (age >= mostMs) {
    const asked = { atMs: deps.clock.now(), fences: deps.book.fences() };
    const agents = await force.means.agents(signal);
    const tookMs = deps.clock.now() - asked.atMs;
    memory.agents = { ...asked, tookMs, byNode: agentsByNode(agents) };
  }
  signal.throwIfAborted();
  const snapshot = deps.snapshot();
  if (!snapshot || !memory.agents) return undefined;
  // the newest word on both, after everything that was waited for
  const fences = deps.book.fences();
  const nowMs = deps.clock.now();
  const { steps, since, over, isPressing } = decideFence(deps.settings, {
    ...{ snapshot, fences, queue, nowMs, failures: deps.failures(nowMs - STUBBORN_MS) },
    ...{ agents: memory.agents.byNode, staged: deps.staged(), isAble: force.isAble },
    ...{ since: memory.since, over: memory.over, flips: memory.flips },
  });
  memory.since = since;
  memory.over = over;
  const isTold = isTimely(memory.agents, fences);
  const actions = steps.actions.filter(isTold);
  return { steps: { ...steps, actions }, fences, isPressing, nowMs };
}

/**
 * What Mesos showed before a record was written tells nothing about the record: a leader that is none any
 * more may have confessed a call meanwhile, which the list does not show. It waits for another list.
 */
const isTimely =
  ({ fences: before }: AgentList, { records }: Fences) =>
  ({ node }: FenceAction): boolean =>
    before.records.get(node)?.revision === records.get(node)?.revision;

function dueOf(
  actions: readonly FenceAction[],
  { paused }: Memory,
  nowMs: number,
): readonly FenceAction[] {
  for (const [node, untilMs] of paused) if (untilMs <= nowMs) paused.delete(node);
  const switches = actions.filter(isSwitch);
  const writes = actions.filter((one) => !isSwitch(one));
  return [...switches.filter(({ node }) => !paused.has(node)), ...writes.slice(0, MOST_WRITES)];
}

/** All at once: Mesos puts what waits for its registry into one write. One that fails stops no other. */
async function carryOutAll(
  deps: FenceTurnDeps,
  pass: Pass,
  actions: readonly FenceAction[],
): Promise<{ action: FenceAction; outcome: StepOutcome }[]> {
  const results = await Promise.allSettled(
    actions.map(async (action) => {
      const outcome = await carryOut(deps, pass, action);
      tell(deps, action, outcome);
      return { action, outcome };
    }),
  );
  const fault = results.find((result) => result.status === 'rejected');
  if (fault) throw fault.reason;
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

function whyOf(action: FenceAction): string {
  if (action.do === 'open') return 'it has room, or launches wait for it';
  return 'want' in action ? action.want.why : action.why;
}

const TOLD: Readonly<Record<FenceAction['do'], string>> = {
  close: 'node is taken out of offers',
  open: 'node is offered again',
  note: 'node would be taken out of offers',
  settle: 'what Mesos shows of a node is written down',
  forget: 'fence of a node ended',
};

function tell({ log }: FenceTurnDeps, action: FenceAction, outcome: StepOutcome): void {
  const fields = { node: action.node, outcome, why: whyOf(action) };
  const isIll = outcome === 'refused' || outcome === 'unreachable';
  if (isIll) log.warn('Mesos did not switch a node', { ...fields, do: action.do });
  else log.info(TOLD[action.do], fields);
}

function remember(
  { flips, paused }: Memory,
  done: readonly { readonly action: FenceAction; readonly outcome: StepOutcome }[],
  nowMs: number,
): void {
  for (const [node, times] of flips) {
    const lately = within(times, nowMs, MINUTE_MS);
    if (lately.length === 0) flips.delete(node);
    else flips.set(node, lately);
  }
  for (const { action, outcome } of done) {
    const { node } = action;
    if (outcome === 'refused') paused.set(node, nowMs + REFUSED_FOR_MS);
    if (outcome === 'done' && (action.do === 'close' || action.do === 'open'))
      flips.set(node, [...(flips.get(node) ?? []), nowMs]);
  }
}
