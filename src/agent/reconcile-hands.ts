import { Refusal } from '../core/errors.ts';
import { conflictText, releaseText } from '../core/reconcile-words.ts';
import type { Conflict, ReconcileStep } from '../core/reconcile-step.ts';
import type { ContainerFacts } from '../core/docker-seen.ts';
import type { EvidentRelease } from '../core/agent-record.ts';
import type { LeaseRecord } from '../core/lease-record.ts';
import type { Desk, NodeLease, TakeAsk } from '../ledger/desk.ts';
import { LedgerBusy, LedgerClosed, LedgerUnreachable } from '../ledger/errors.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';

/** What the driver knows of this node's leases, so that a release can name the one it means. */
export interface Holdings {
  learnFrom(read: () => Promise<readonly NodeLease[]>): Promise<readonly NodeLease[]>;
  /** A look ended well. */
  looked(look: Look): void;
  holds(address: string, holding: { readonly incarnation: string; readonly pool: string }): void;
}

/** What a look at Docker found, and when. */
export interface Look {
  /** The addresses that Docker shows. */
  readonly running: ReadonlySet<string>;
  /** Of a clock that nobody sets. */
  readonly steadyMs: number;
  /** What is to count as gone must have been missing for so long, ms. */
  readonly apartMs: number;
}

export interface HandDeps {
  readonly desk: Pick<Desk, 'leases' | 'adopt' | 'complete' | 'release' | 'pools' | 'poolNamed'>;
  readonly holdings: Holdings;
  readonly node: string;
  readonly bootId?: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** What became of the steps. */
export interface Done {
  readonly adopted: number;
  readonly completed: number;
  readonly released: readonly EvidentRelease[];
  readonly conflicts: readonly Conflict[];
}

type Of<Do extends ReconcileStep['do']> = Extract<ReconcileStep, { do: Do }>;

/**
 * Carries out what was decided: first what runs, all at once so that it shares commits, then what is
 * given up. A step that the ledger says no to is a conflict and stops no other.
 *
 * @throws LedgerUnreachable, LedgerBusy, LedgerClosed: the next turn finds what is left to do
 */
export async function carryOut(
  deps: HandDeps,
  steps: readonly ReconcileStep[],
  signal: AbortSignal,
): Promise<Done> {
  const of = <Do extends ReconcileStep['do']>(what: Do): readonly Of<Do>[] =>
    steps.filter((step): step is Of<Do> => step.do === what);
  const [adoptions, completions] = await Promise.all([
    Promise.all(of('adopt').map((step) => adopt(deps, step, signal))),
    Promise.all(of('complete').map((step) => complete(deps, step, signal))),
  ]);
  const releases = await Promise.all(of('release').map((step) => release(deps, step, signal)));
  const refused = adoptions.filter((one) => one !== 'adopted' && one !== 'no matter');
  const conflicts = [...of('report').map(({ conflict }) => conflict), ...refused];
  for (const conflict of conflicts)
    deps.log.warn('addresses are in conflict', { ...conflict, says: conflictText(conflict) });
  return {
    adopted: adoptions.filter((one) => one === 'adopted').length,
    completed: completions.filter((done) => done).length,
    released: releases.filter((one) => one !== undefined),
    conflicts,
  };
}

type Adoption = 'adopted' | 'no matter' | Conflict;

async function adopt(deps: HandDeps, step: Of<'adopt'>, signal: AbortSignal): Promise<Adoption> {
  const { address, container } = step.endpoint;
  try {
    const adopted = await deps.desk.adopt(askFor(deps, step), signal);
    if (!adopted.adopted)
      return step.by === 'aux'
        ? 'no matter' // a gateway that several nodes share
        : { kind: 'elsewhere', address, container, holder: adopted.holder };
    await afterAdoption(deps, step, { lease: adopted.lease, signal });
    return 'adopted';
  } catch (fault) {
    const says = refusalIn(fault).message;
    return step.by === 'aux' ? 'no matter' : { kind: 'foreign', address, container, says };
  }
}

function askFor(
  { bootId }: HandDeps,
  { endpoint, by, incarnation, facts }: Of<'adopt'>,
): TakeAsk & { readonly address: string } {
  const { address, network, pool, container, mac } = endpoint;
  return {
    ...{ address, network, by, incarnation },
    ...(pool === undefined ? {} : { pool }),
    ...(container === '' ? {} : { container }),
    ...(mac === undefined ? {} : { mac }),
    ...(bootId === undefined ? {} : { bootId }),
    ...saidBy(facts),
  };
}

/** All but when it started, which only a completion can say. */
function saidBy({ app, task, netInKbit, netOutKbit }: Partial<ContainerFacts> = {}): Said {
  return {
    ...(app === undefined ? {} : { app }),
    ...(task === undefined ? {} : { task }),
    ...(netInKbit === undefined ? {} : { netInKbit }),
    ...(netOutKbit === undefined ? {} : { netOutKbit }),
  };
}

type Said = Pick<TakeAsk, 'app' | 'task' | 'netInKbit' | 'netOutKbit'>;

async function afterAdoption(
  { desk, holdings, log }: HandDeps,
  { endpoint: { address, container, network }, facts }: Of<'adopt'>,
  { lease, signal }: { readonly lease: LeaseRecord; readonly signal: AbortSignal },
): Promise<void> {
  const { incarnation, pool } = lease;
  holdings.holds(address, { incarnation, pool });
  log.info('adopted', { address, network, container });
  if (facts === undefined) return;
  const { startedMs } = facts;
  await desk.complete({ address, incarnation, startedMs }, signal);
}

async function complete(
  { desk }: HandDeps,
  { address, incarnation, container, mac, facts }: Of<'complete'>,
  signal: AbortSignal,
): Promise<boolean> {
  const known = { address, incarnation, container, ...(mac === undefined ? {} : { mac }) };
  return (await desk.complete({ ...known, ...facts }, signal)) === 'done';
}

async function release(
  { desk, clock, log }: HandDeps,
  { address, lease, why }: Of<'release'>,
  signal: AbortSignal,
): Promise<EvidentRelease | undefined> {
  const { released } = await desk.release(address, lease.incarnation, signal);
  if (!released) return undefined;
  const { container, app } = lease;
  const who = {
    ...(container === undefined ? {} : { container }),
    ...(app === undefined ? {} : { app }),
  };
  log.info('released on evidence', { address, ...who, ...why });
  return { atMs: clock.now(), address, ...who, why: releaseText(why) };
}

/** What says no to this one alone. @throws everything else */
function refusalIn(fault: unknown): Refusal {
  const isLedgers =
    fault instanceof LedgerUnreachable ||
    fault instanceof LedgerBusy ||
    fault instanceof LedgerClosed;
  if (isLedgers || !(fault instanceof Refusal)) throw fault;
  return fault;
}
