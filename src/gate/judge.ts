import type { MarathonContext } from '../cluster/marathon/canonical-context.ts';
import { type Asking, lookUpAfterImage } from '../cluster/marathon/after-image.ts';
import type { Change } from '../cluster/marathon/change.ts';
import type { Json } from '../cluster/marathon/json.ts';
import type { MarathonRead } from '../cluster/marathon/reads.ts';
import type { JudgedRoute } from '../cluster/marathon/route.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { parseStrictJson } from '../plumbing/strict-json.ts';
import type { HoldPolicy } from './claims.ts';
import { CannotJudge } from './errors.ts';
import type { Flight, Flights } from './flights.ts';
import type { FlatHeaders } from './headers.ts';
import type { Growing } from './growing.ts';
import type { ForwardResult } from './forward.ts';

/** A change as it arrived: its route, and the exact bytes of its body. */
export interface ChangeRequest {
  readonly route: JudgedRoute;
  readonly body: Buffer;
  /** Stands in for the setting `gate.hold`: the queue of held apps takes what it can get. */
  readonly hold?: HoldPolicy;
  /** A held app that the queue lets grow. */
  readonly growing?: Growing;
}

/** What is to be sent to Marathon, once and only once, and what to do with the answer. */
export interface Ruling {
  readonly target: string;
  readonly body: Buffer;
  /** Headers for the client: name, value, name, value. */
  readonly added: FlatHeaders;
  /**
   * Whether its promise may have been ended by now, as one that came to nothing: then Marathon must not be told.
   * To be asked right before.
   */
  readonly isLate: () => boolean;
  /** Keeps the promise or gives it back. Has a deadline of its own. Call it once. */
  readonly settle: (result: ForwardResult) => Promise<void>;
}

export interface Judge {
  /**
   * Room is promised in the ledger when this resolves.
   *
   * @throws LaunchRefused, AppLocked, CannotJudge, BadJson, BadBody, BadId and what else is wrong with
   *         the request; nothing is promised then
   */
  judge(request: ChangeRequest): Promise<Ruling>;
}

/** A change with everything read that a verdict needs. */
export interface Prepared {
  readonly route: JudgedRoute;
  readonly json: Json | undefined;
  readonly changes: readonly Change[];
  readonly context: MarathonContext;
  readonly hold?: HoldPolicy;
  readonly growing?: Growing;
}

/** A change as it is decided on. */
export interface Asked extends Prepared {
  readonly body: Buffer;
  /** The admission sequence that the picture showed before Marathon was asked what it has. */
  readonly seenAt: number;
}

/** Decides on a prepared change and promises the room. @throws AppChanged: it has to be prepared anew */
export type Decide = (asked: Asked, signal: AbortSignal) => Promise<Ruling>;

/** What Marathon had of an app is history: another change of it was admitted meanwhile. */
export class AppChanged extends Error {}

export interface JudgeDeps {
  readonly read: (wanted: MarathonRead, signal: AbortSignal) => Promise<Json | undefined>;
  readonly context: (signal: AbortSignal) => Promise<MarathonContext>;
  readonly decide: Decide;
  /** The admission sequence that the picture shows now. */
  readonly sequence: () => number;
  readonly flights: Flights;
  /** What to do when the ledger cannot be reached: see `gate.whenLedgerDown`. */
  readonly whenLedgerDown: 'refuse' | 'pass';
  /** Longest time from the body to the verdict, ms. */
  readonly withinMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Routes whose body says what is to change. Of the others the body is passed on as it is. */
const WITH_BODY: ReadonlySet<JudgedRoute['kind']> = new Set([
  'createApp',
  'updateApp',
  'updateApps',
  'createGroup',
  'updateGroup',
  'createPod',
  'updatePod',
  'killTasksByIds',
]);

/** Reads, has it decided, and answers for the ledger when that is away. */
export function createJudge(deps: JudgeDeps): Judge {
  return {
    async judge({ route, body, hold, growing }) {
      const json = jsonOf(route, body);
      const signal = AbortSignal.timeout(deps.withinMs);
      try {
        const more = { body, ...(hold && { hold }), ...(growing && { growing }) };
        return await untilDecided(deps, { route, json, more }, signal);
      } catch (fault) {
        if (isLedgerDown(fault) && deps.whenLedgerDown === 'pass') {
          deps.log.warn('passed on unjudged', {
            target: route.canonicalTarget,
            fault: String(fault),
          });
          return passed(route, body, 'pass; reason=ledger-down');
        }
        throw timedOut(fault, signal) ? tooLate(deps.withinMs, fault) : fault;
      }
    },
  };
}

interface Deciding {
  readonly route: JudgedRoute;
  readonly json: Json | undefined;
  readonly more: Pick<Asked, 'body' | 'hold' | 'growing'>;
}

/**
 * Changes of an app that were under way when Marathon was asked, or are admitted meanwhile, make us ask once
 * more. Those of this gate are waited for, but for so long only: Marathon may be silent about them.
 */
async function untilDecided(
  deps: JudgeDeps,
  { route, json, more }: Deciding,
  signal: AbortSignal,
): Promise<Ruling> {
  const flight = deps.flights.open();
  const patience = AbortSignal.timeout(deps.withinMs / 2);
  try {
    for (;;) {
      signal.throwIfAborted();
      const seenAt = deps.sequence();
      const prepared = await prepare(deps, { route, json }, signal);
      if (!(await flight.take(appsOf(route, prepared), patience))) continue;
      const ruling = prepared
        ? await decided(deps, { ...prepared, ...more, seenAt }, signal)
        : passed(route, more.body, 'pass; reason=marathon-decides');
      if (ruling) return untilSettled(ruling, flight);
    }
  } catch (fault) {
    flight.end();
    throw fault;
  }
}

/** Of a change that Marathon is certain to refuse only what its route names is known. */
function appsOf(route: JudgedRoute, prepared: Prepared | undefined): readonly string[] {
  if (prepared) return prepared.changes.map(({ id }) => id);
  if ('app' in route) return [route.app];
  return 'id' in route && route.kind !== 'cancelDeployment' ? [route.id] : [];
}

/** Undefined when it has to be prepared anew. */
async function decided(
  deps: JudgeDeps,
  asked: Asked,
  signal: AbortSignal,
): Promise<Ruling | undefined> {
  try {
    return await deps.decide(asked, signal);
  } catch (fault) {
    if (fault instanceof AppChanged) return undefined;
    throw fault;
  }
}

const untilSettled = (ruling: Ruling, flight: Flight): Ruling => ({
  ...ruling,
  settle: (result) => ruling.settle(result).finally(() => flight.end()),
});

export function jsonOf({ kind }: JudgedRoute, body: Buffer): Json | undefined {
  const listsInstances = kind === 'killPodInstances' && body.length > 0;
  return WITH_BODY.has(kind) || listsInstances ? parseStrictJson(body, {}) : undefined;
}

/** Undefined when Marathon is certain to refuse: then its own answer should reach the client. */
export async function prepare(
  deps: Pick<JudgeDeps, 'read' | 'context'>,
  { route, json }: { route: JudgedRoute; json: Json | undefined },
  signal: AbortSignal,
): Promise<Prepared | undefined> {
  const context = await deps.context(signal);
  const asking: Asking = { route, body: json, context };
  const image = await lookUpAfterImage(asking, (wanted) => deps.read(wanted, signal));
  if (image.marathonWillRefuse) return undefined;
  return { route, json, changes: image.changes, context };
}

const nothingToSettle = (): Promise<void> => Promise.resolve();

/** Goes to Marathon as it came; nothing was promised for it. */
export const passed = ({ canonicalTarget }: JudgedRoute, body: Buffer, why: string): Ruling => ({
  target: canonicalTarget,
  body,
  added: ['Corral-Verdict', why],
  isLate: () => false,
  settle: nothingToSettle,
});

const LEDGER_DOWN = new Set(['ledger-unreachable', 'ledger-behind']);
const isLedgerDown = (fault: unknown): boolean =>
  fault instanceof Error && 'code' in fault && LEDGER_DOWN.has(String(fault.code));

const timedOut = (fault: unknown, signal: AbortSignal): boolean =>
  signal.aborted && fault === signal.reason;

const tooLate = (withinMs: number, cause: unknown): CannotJudge =>
  new CannotJudge(`no verdict within ${withinMs} ms`, { cause, remedy: 'try again' });
