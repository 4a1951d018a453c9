import { createHash } from 'node:crypto';
import { fingerprint } from '../cluster/marathon/json.ts';
import type { JudgedRoute } from '../cluster/marathon/route.ts';
import { replaceStale } from '../core/replan.ts';
import { sameHeld } from '../ledger/held.ts';
import { reserve } from '../ledger/reservations.ts';
import type { Store } from '../ledger/store.ts';
import type { View } from '../ledger/view.ts';
import type { Clock } from '../plumbing/clock.ts';
import { onlyFrees } from './claims.ts';
import { AppLocked, LaunchRefused, LedgerBehind, NotHeldNow } from './errors.ts';
import type { Growing } from './growing.ts';
import { AppChanged, type Asked, type Decide, passed, type Ruling } from './judge.ts';
import { LedgerWatch } from './ledger-watch.ts';
import { admissionOf } from './promise.ts';
import { sentBody } from './sent-body.ts';
import type { Settling } from './settle.ts';
import type { Turnstile } from './turnstile.ts';
import type { VerdictLog } from './verdict-log.ts';
import { type Seen, verdictOf } from './verdict-of.ts';
import { weigh, type Weighed, type WeighOptions } from './weigh.ts';

export interface DecideDeps {
  readonly view: View;
  readonly store: Store;
  readonly turnstile: Turnstile;
  readonly options: WeighOptions;
  readonly keptMs: number;
  readonly relaunchKeptMs: number;
  /** How soon after its promise a change must be sent: well before others give it up, ms. */
  readonly sentWithinMs: number;
  readonly settling: Settling;
  readonly verdicts: VerdictLog;
  /** Deployments that hold one of the apps, as Marathon says now. */
  readonly lockedBy: (apps: readonly string[], signal: AbortSignal) => Promise<readonly string[]>;
  readonly clock: Clock;
  /** A new operation id. */
  readonly newId: () => string;
}

/**
 * One change at a time: weighed on the newest picture, promised in one commit that collides with every
 * other verdict of the same sequence. Whoever loses judges again on what the winner left.
 */
export function createDecide(deps: DecideDeps): Decide {
  const ledger = new LedgerWatch(deps.clock);
  const parts = { ...deps, ledger };
  return async (asked, signal) => {
    if (asked.changes.every(onlyFrees)) return unpromised(deps, asked);
    const outcome = await ledger.line(
      () => deps.turnstile.run(() => untilPromised(parts, asked, signal), signal),
      signal,
    );
    if ('ruling' in outcome) return outcome.ruling;
    return refuse(deps, asked, { weighed: outcome.refused, signal });
  };
}

/** What can only free room asks nothing of the ledger, so that it passes when that is away. */
function unpromised({ settling, newId }: DecideDeps, { route, body, changes }: Asked): Ruling {
  const admission = { sequence: 0, reservations: [] };
  const before = settling.before(admission);
  const settle = settling.of({ id: newId(), admission, before, changes });
  return { ...passed(route, body, 'pass'), settle };
}

/** With what is known of the ledger's silence. */
type Deciding = DecideDeps & { readonly ledger: LedgerWatch };

type Outcome = { readonly ruling: Ruling } | { readonly refused: Weighed };

async function untilPromised(deps: Deciding, asked: Asked, signal: AbortSignal): Promise<Outcome> {
  for (;;) {
    signal.throwIfAborted();
    const { snapshot, sequence, revision } = upToDate(deps.view);
    mustBeAsRead(deps.view, asked);
    if (asked.growing) mustStillWait(deps.view, asked, asked.growing);
    replaceStale(snapshot);
    const weighed = weigh(asked, deps.view, deps.options);
    if (weighed.verdict?.answer === 'refuse') return { refused: weighed };
    const ruling = await promised(deps, asked, { weighed, at: { sequence, revision }, signal });
    if (ruling) return { ruling };
  }
}

/** @throws AppChanged: what Marathon had when it was asked is not what the change will find */
function mustBeAsRead({ snapshot }: View, { changes, seenAt }: Asked): void {
  if (changes.some(({ id }) => (snapshot.reservation(id)?.sequence ?? 0) > seenAt))
    throw new AppChanged();
}

/** @throws NotHeldNow: a client's change, or an operator's word, came first */
function mustStillWait({ held }: View, { changes }: Asked, { record }: Growing): void {
  for (const { id } of changes) if (!sameHeld(held.get(id), record)) throw new NotHeldNow(id);
}

/** @throws LedgerBehind: a verdict on an old picture would promise what is gone. */
function upToDate(view: View): View {
  const { ready, lastFault } = view.state();
  if (!ready) throw new LedgerBehind(lastFault ?? 'it is being read');
  return view;
}

interface Promising {
  readonly weighed: Weighed;
  readonly at: Seen;
  readonly signal: AbortSignal;
}

/** Undefined when another gate's verdict came first; the picture then shows what it promised. */
async function promised(
  deps: Deciding,
  asked: Asked,
  { weighed, at, signal }: Promising,
): Promise<Ruling | undefined> {
  const id = deps.newId();
  const { clock, sentWithinMs } = deps;
  const nowMs = clock.now();
  const admission = admissionOf(weighed, {
    id,
    sequence: at.sequence,
    nowMs,
    keptMs: deps.keptMs,
    relaunchKeptMs: deps.relaunchKeptMs,
    waiting: deps.view.held,
    rates: deps.view.appRates,
    fingerprint: fingerprintOf(asked),
    ...(asked.growing && { growing: asked.growing }),
  });
  const writes = admission.reservations.length + (admission.injected?.length ?? 0);
  const before = deps.settling.before(admission);
  if (writes > 0) {
    const won = await deps.ledger.call(async () => {
      const committed = await reserve(deps.store, admission, signal);
      await deps.view.whenAt(committed.revision, signal);
      return committed.won;
    }, signal);
    if (!won) return undefined;
  }
  const settle = deps.settling.of({ id, admission, before, changes: asked.changes });
  const isLate = (): boolean => writes > 0 && clock.now() - nowMs >= sentWithinMs;
  return { ...rulingOf(deps, asked, { weighed, at, signal }), isLate, settle };
}

function fingerprintOf({ route, json, body }: Asked): string {
  const text = json === undefined ? body.toString('latin1') : fingerprint(json);
  return createHash('sha256')
    .update(`${route.kind} ${route.canonicalTarget}\n${text}`)
    .digest('hex');
}

function rulingOf(
  { verdicts, clock }: DecideDeps,
  asked: Asked,
  { weighed, at }: Promising,
): Omit<Ruling, 'settle' | 'isLate'> {
  const { verdict, edits } = weighed;
  const answer = verdict?.answer ?? 'pass';
  const message = verdict?.message ?? 'claims no room';
  const id = verdict
    ? verdicts.add(verdictOf(asked, { weighed, at, answer, message }, clock.now()))
    : '';
  return {
    target: asked.route.canonicalTarget,
    body: sentBody(asked, edits),
    added: ['Corral-Verdict', id === '' ? answer : `${answer}; id=${id}`],
  };
}

/**
 * Marathon's own word comes first: an app that a deployment holds is locked, room or no room. When
 * Marathon cannot say, the refusal stands all the same.
 */
async function refuse(
  deps: DecideDeps,
  asked: Asked,
  { weighed, signal }: { weighed: Weighed; signal: AbortSignal },
): Promise<never> {
  const { verdict } = weighed;
  if (verdict?.answer !== 'refuse') throw new TypeError('only a refusal is refused');
  if (mayBeLocked(asked.route)) {
    const apps = asked.changes.map(({ id }) => id);
    const locks = await deps.lockedBy(apps, signal).catch(() => []);
    if (locks.length > 0) throw new AppLocked(locks);
  }
  const { sequence, revision } = deps.view;
  const { message, remedy } = verdict;
  const at = { sequence, revision };
  const said = { weighed, at, answer: 'refuse', message } as const;
  const id = deps.verdicts.add(verdictOf(asked, said, deps.clock.now()));
  throw new LaunchRefused(id, message, remedy);
}

/** Kills need no lock, and undoing a deployment overrides the one it undoes. */
const mayBeLocked = (route: JudgedRoute): boolean =>
  'force' in route && !route.force && route.kind !== 'cancelDeployment';
