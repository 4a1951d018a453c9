import { createMesosOperator } from '../cluster/mesos/operator.ts';
import { createTokenFence } from '../cluster/mesos/token-fence.ts';
import type { MesosClient, MesosStreams } from '../cluster/mesos/client.ts';
import type { Settings } from '../config/settings.ts';
import type { ReadyItem } from '../console/shapes/ready.ts';
import { watchForce, type ForceDeps } from '../fence/force.ts';
import { fenceMetrics } from '../fence/metrics.ts';
import { queuedLaunches } from '../fence/queue.ts';
import { countFenced, type FenceState, FenceStates } from '../fence/state.ts';
import { FRESH_MS, fenceTurn } from '../fence/turn.ts';
import { type FenceBook, openFenceBook } from '../ledger/fence-book.ts';
import type { QueuedLaunch } from '../core/fence-pending.ts';
import type { Clock } from '../plumbing/clock.ts';
import { type Loop, startLoop } from '../plumbing/loop.ts';
import type { FactsFeed } from './facts.ts';
import type { GateParts } from './gate-parts.ts';
import { whileLeading } from './leading.ts';
import { feedStaged } from './staged.ts';

/** What the fence needs of a gate's parts, and the Mesos that it acts on. */
export interface FenceParts extends Pick<
  GateParts,
  'settings' | 'store' | 'clock' | 'log' | 'view' | 'marathon' | 'registry' | 'failures'
> {
  readonly mesos: MesosClient & Partial<MesosStreams>;
}

/** The fence of one gate process. */
export interface Fence {
  readonly book: FenceBook;
  readonly loop: Loop;
  state(): FenceState;
  ready(): ReadyItem;
}

/** Whoever leads this election switches nodes. */
export const FENCE_ELECTION = 'fence';
/** Role that no framework has, and the owner's mark in our reservations. */
const TOKEN_ROLE = 'corral-fence';
const OWNER = 'corral';
/** After a change of the ledger, how long further ones are waited for, ms. */
const GATHER_MS = 500;
/**
 * Marathon lists the next try of a launch once it has heard that the task ended, which the executor tells half a second
 * after the node refused the address, or later: a look before that does not see that anything waits.
 */
const QUEUED_AFTER_MS = 1_500;

/** What a fence is made of, as this Mesos and these settings have it. */
export function forceDeps(mesos: MesosClient, { gate, fence }: Settings, clock: Clock): ForceDeps {
  const { token: resource } = fence;
  const { user: principal } = gate.auth;
  const token = { role: TOKEN_ROLE, owner: OWNER, ...(principal !== undefined && { principal }) };
  return {
    operator: createMesosOperator(mesos),
    ...(resource !== undefined && { token: createTokenFence(mesos, { resource, ...token }) }),
    clock,
  };
}

/** Whether our fence keeps a node out of offers; not what is only noted. */
export function isFencedBy(book: FenceBook, node: string): boolean {
  const record = book.fences().records.get(node)?.record;
  return record?.mode === 'on' && record.state !== 'yielded';
}

/** Opens the fence's records, for as long as the signal lasts. */
export const openBook = (
  deps: Pick<FenceParts, 'store' | 'clock' | 'log'>,
  signal: AbortSignal,
): FenceBook => openFenceBook(deps, signal);

/** The loop that takes nodes without room out of Mesos' offers; one gate at a time does it. */
export function startFence(
  parts: FenceParts,
  { book, facts }: { readonly book: FenceBook; readonly facts: FactsFeed },
  signal: AbortSignal,
): Fence {
  const { settings, store, clock, log, view, mesos, registry, failures } = parts;
  const { fence } = settings;
  const states = new FenceStates();
  const isKnown = (): boolean => view.state().ready && facts.answered();
  const turn = fenceTurn({
    ...{ store, clock, log, book, settings: fence, callWithinMs: fence.callWithinMs },
    steadyMs: () => performance.now(),
    snapshot: () => (isKnown() ? view.snapshot : undefined),
    force: watchForce(forceDeps(mesos, settings, clock)),
    staged: feedStaged({ mesos, settings, view, clock, log }, signal),
    queue: (within) => queueOf(parts, within),
    failures: (sinceMs) => failures.since(sinceMs),
    onPass: (report) => {
      states.take(report);
      if (report.isPressing && fence.mode === 'on') lookAgain();
    },
  });
  const timing = { everyMs: fence.everyMs, backoffMs: 500, backoffCapMs: 5_000 };
  const ifLeading = whileLeading(FENCE_ELECTION, turn, { store, clock, log }, signal);
  const loop = startLoop('fence', ifLeading, { ...timing, deadlineMs: 30_000, clock, log });
  const lookAgain = wakingAfter(FRESH_MS, { loop, clock }, signal);
  // who only watches is in no hurry
  if (fence.mode === 'on') {
    wakeOnChange([view, book, failures], { loop, clock }, signal);
    listenTo([failures], wakingAfter(QUEUED_AFTER_MS, { loop, clock }, signal), signal);
  }
  const state = (): FenceState => states.now;
  fenceMetrics({
    ...{ registry, state },
    fences: () => book.fences(),
    snapshot: () => view.snapshot,
  });
  return { book, loop, state, ready: () => readyItem(fence.mode, book, states.now) };
}

type Sources = readonly { onChange(listener: () => void): () => void }[];
interface Woken {
  readonly loop: Loop;
  readonly clock: Clock;
}

/** The first change is looked at once; of those that follow within `GATHER_MS`, one look is enough for all. */
function wakeOnChange(sources: Sources, { loop, clock }: Woken, signal: AbortSignal): void {
  let [isResting, isLater] = [false, false];
  const wake = (): void => {
    if (isResting) {
      isLater = true;
      return;
    }
    [isResting, isLater] = [true, false];
    loop.wake();
    clock.sleep(GATHER_MS, signal).then(
      () => {
        isResting = false;
        if (isLater) wake();
      },
      () => undefined, // ended
    );
  };
  listenTo(sources, wake, signal);
}

/** Wakes the loop once more a while after it was called, for what shows elsewhere only later. */
function wakingAfter(ms: number, { loop, clock }: Woken, signal: AbortSignal): () => void {
  let isWaking = false;
  return () => {
    if (isWaking) return;
    isWaking = true;
    clock.sleep(ms, signal).then(
      () => {
        isWaking = false;
        loop.wake();
      },
      () => undefined, // ended
    );
  };
}

function listenTo(sources: Sources, wake: () => void, signal: AbortSignal): void {
  const ends = sources.map((source) => source.onChange(wake));
  signal.addEventListener('abort', () => ends.forEach((end) => end()), { once: true });
}

async function queueOf(
  { marathon, view, settings, clock }: FenceParts,
  signal: AbortSignal,
): Promise<readonly QueuedLaunch[]> {
  const [items, { bridgeName }] = await Promise.all([
    marathon.client.queue(signal),
    marathon.context(signal),
  ]);
  const { rateNames, secretPolicy } = settings.gate;
  const context = { rateNames, secretPolicy, networks: view.snapshot.networks(), bridgeName };
  return queuedLaunches(items, context, clock.now());
}

function readyItem(
  mode: 'off' | 'watch' | 'on',
  book: FenceBook,
  { force, waiting, foreign }: FenceState,
): ReadyItem {
  const { fenced, noted } = countFenced(book.fences());
  const faults = book.fences().faults.map(({ message }) => message);
  const counts = [
    mode,
    `${fenced} nodes out of offers`,
    ...(noted > 0 ? [`${noted} would be`] : []),
    ...(waiting > 0 ? [`${waiting} waiting`] : []),
    ...(foreign.length > 0 ? [`${foreign.length} in other hands`] : []),
    ...(force && !force.isAble ? [force.why] : []),
    ...faults,
  ];
  const isAble = mode !== 'on' || force === undefined || force.isAble;
  const ready = book.ready() && isAble && faults.length === 0;
  return { name: 'fence', ready, detail: counts.join('; ') };
}
