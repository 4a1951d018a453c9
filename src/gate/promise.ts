import type { Claim } from '../core/claim.ts';
import { bandwidthOf } from '../core/demand.ts';
import { grown } from '../core/held-queue.ts';
import type { HeldRecord } from '../core/held-record.ts';
import type { AppRatesRecord, InjectedRecord, ReservationRecord } from '../core/promise-record.ts';
import type { Grant } from '../core/verdict.ts';
import type { Admission, AppRecord } from '../ledger/reservations.ts';
import type { Growing } from './growing.ts';
import type { Weighed } from './weigh.ts';

/** What a promise is made of, besides the verdict. */
export interface PromiseTerms {
  /** Operation id; every record of the change carries it. */
  readonly id: string;
  /** The admission sequence that the verdict was computed on. */
  readonly sequence: number;
  readonly nowMs: number;
  /** How long room is kept at the longest, ms. */
  readonly keptMs: number;
  /** How long it is kept for instances that come back after a kill, ms. */
  readonly relaunchKeptMs: number;
  /** Apps that wait for room so far. */
  readonly waiting: ReadonlyMap<string, HeldRecord>;
  /** What the ledger says of apps' rates so far. */
  readonly rates: ReadonlyMap<string, AppRatesRecord>;
  /** Of the canonical request. */
  readonly fingerprint: string;
  /** The change lets a held app grow. */
  readonly growing?: Growing;
}

/** Everything that one admitted change writes, in one commit. */
export function admissionOf(weighed: Weighed, terms: PromiseTerms): Admission {
  const { verdict, recalled } = weighed;
  const grants = verdict && verdict.answer !== 'refuse' ? verdict.grants : [];
  return {
    sequence: terms.sequence,
    reservations: grants.map((grant) => ({
      app: grant.claim.app,
      record: reservationOf(grant, terms),
    })),
    held: grants
      .map((grant) => heldOf(grant, verdict?.message ?? '', terms))
      .filter(({ app, record }) => record ?? terms.waiting.has(app)),
    injected: [
      ...grants.filter(({ inject }) => inject.length > 0).map((grant) => injectedOf(grant, terms)),
      ...recalled
        .filter(({ forgotten, change }) => forgotten && !isInjected(grants, change.id))
        .map(({ change }) => ({ app: change.id, record: undefined })),
    ].filter(firstOfItsApp),
    rates: grants
      .map(({ claim }) => ratesOf(claim, terms))
      .filter(({ app, record }) => record ?? terms.rates.has(app)),
    ...(terms.growing && { guards: [terms.growing.fence] }),
  };
}

const isInjected = (grants: readonly Grant[], app: string): boolean =>
  grants.some(({ claim, inject }) => claim.app === app && inject.length > 0);

const firstOfItsApp = (
  one: AppRecord<unknown>,
  at: number,
  all: readonly AppRecord<unknown>[],
): boolean => all.findIndex(({ app }) => app === one.app) === at;

/** A rolling change keeps its room until the deployment is gone: its instances come and go. */
const UNTIL = {
  create: 'leases',
  scale: 'leases',
  restart: 'deployment',
  relaunch: 'deadline',
} as const;

function reservationOf(grant: Grant, terms: PromiseTerms): ReservationRecord {
  const { claim, target, witness, inject } = grant;
  const kept = claim.kind === 'relaunch' ? terms.relaunchKeptMs : terms.keptMs;
  const injected = inject.map(([field = '', operator = '', value]) => ({
    field,
    operator: operator as ReservationRecord['constraints'][number]['operator'],
    ...(value !== undefined && { value }),
  }));
  return {
    v: 1,
    id: terms.id,
    target,
    demand: claim.demand,
    constraints: [...claim.constraints, ...injected],
    witness: [...witness.nodes],
    draws: [...witness.pools],
    sequence: terms.sequence + 1,
    sinceMs: terms.nowMs,
    deadlineMs: terms.nowMs + kept,
    fingerprint: terms.fingerprint,
    until: UNTIL[claim.kind],
    ...growthOf(grant),
    ...(grant.atOnce !== undefined && { atOnce: grant.atOnce }),
  };
}

function growthOf({ claim: { before, demand } }: Grant) {
  const was = before ? bandwidthOf(before) : bandwidthOf(demand);
  const willBe = bandwidthOf(demand);
  return {
    growInKbit: Math.max(0, willBe.inKbit - was.inKbit),
    growOutKbit: Math.max(0, willBe.outKbit - was.outKbit),
  };
}

/**
 * A client's change that gets all it asks for ends the waiting, unless it leaves the count alone: that is
 * no word about the count. What the queue lets grow is written before Marathon knows of it.
 */
function heldOf(
  { claim, instances }: Grant,
  why: string,
  { nowMs, waiting, growing }: PromiseTerms,
): AppRecord<HeldRecord | undefined> {
  const { app, instances: wanted } = claim;
  if (growing) {
    const { record, was } = growing;
    return { app, record: grown(record, { to: instances, was, nowMs, why }) };
  }
  const before = waiting.get(app);
  if (instances === wanted) return { app, record: before?.allowed === wanted ? before : undefined };
  const sinceMs = before?.sinceMs ?? nowMs; // asking again keeps the place in the queue
  return { app, record: { v: 1, wanted, allowed: instances, why, sinceMs, by: 'gate' } };
}

/** Written anew each time: whoever takes back an older word leaves this one alone. */
const ratesOf = (
  { app, labelled }: Claim,
  { nowMs }: PromiseTerms,
): AppRecord<AppRatesRecord | undefined> => ({
  app,
  record: labelled && { v: 1, networks: labelled, sinceMs: nowMs },
});

const injectedOf = (
  { claim, inject }: Grant,
  { nowMs }: PromiseTerms,
): AppRecord<InjectedRecord | undefined> => ({
  app: claim.app,
  record: { v: 1, constraints: inject, sinceMs: nowMs },
});
