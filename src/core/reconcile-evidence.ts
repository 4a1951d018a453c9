import type { SeenContainer } from './docker-seen.ts';
import type { LeaseRecord } from './lease-record.ts';
import {
  type Absence,
  type Absences,
  holdingName,
  type NodeLeaseSeen,
  type ReconcileInput,
  type ReconcileMemory,
} from './reconcile-input.ts';
import type { ReconcileStep, ReleaseReason } from './reconcile-step.ts';

/** Why a lease is kept although no endpoint shows its address. */
export type KeepReason =
  | 'in-flight'
  /** Docker's own, or another door's. */
  | 'reserved'
  | 'other-door'
  | 'may-run'
  | 'restart-policy'
  /** Not long enough, or not often enough, yet. */
  | 'too-early';

export interface Kept {
  readonly address: string;
  readonly why: KeepReason;
}

type Release = Extract<ReconcileStep, { do: 'release' }>;

type Finding =
  | { readonly is: 'used' }
  | { readonly is: 'kept'; readonly why: KeepReason }
  | { readonly is: 'released'; readonly why: ReleaseReason }
  | { readonly is: 'absent'; readonly absence: Absence };

export interface Evidence {
  readonly releases: readonly Release[];
  readonly kept: readonly Kept[];
  readonly memory: ReconcileMemory;
}

/** Fewest looks that must have found nobody, this one included. */
const LOOKS = 2;

/** What each lease's fate rests on. An absence that is interrupted once begins anew. */
export function evidenceFor(input: ReconcileInput): Evidence {
  const releases: Release[] = [];
  const kept: Kept[] = [];
  const absent = new Map<string, Absence>();
  const tookUp = new Set<string>();
  const shown = new Set(input.docker.endpoints.map((endpoint) => endpoint.address));
  for (const { address, lease } of input.leases) {
    const name = holdingName(address, lease.incarnation);
    const found = findingOf({ input, shown }, { address, lease });
    if (found.is === 'used' ? earlierBoot(input, lease) : input.memory.tookUp.has(name))
      tookUp.add(name);
    if (found.is === 'released') releases.push({ do: 'release', address, lease, why: found.why });
    else if (found.is === 'kept') kept.push({ address, why: found.why });
    else if (found.is === 'absent') {
      absent.set(name, found.absence);
      kept.push({ address, why: 'too-early' });
    }
  }
  return { releases, kept, memory: { absent: carried(input, absent, releases), tookUp } };
}

/** A release that fails is due again in the next look, not two looks later. */
function carried(
  { memory }: ReconcileInput,
  absent: Map<string, Absence>,
  releases: readonly Release[],
): Absences {
  for (const { address, lease, why } of releases) {
    const name = holdingName(address, lease.incarnation);
    const before = memory.absent.get(name);
    if (why.proof === 'absent' && before) absent.set(name, { ...before, looks: why.looks });
  }
  return absent;
}

interface Look {
  readonly input: ReconcileInput;
  /** Addresses that some endpoint shows. */
  readonly shown: ReadonlySet<string>;
}

function findingOf({ input, shown }: Look, seen: NodeLeaseSeen): Finding {
  const { address, lease } = seen;
  if (lease.by !== 'cni' && shown.has(address)) return { is: 'used' };
  const held = heldEvenSo(input, seen);
  if (held) return { is: 'kept', why: held };
  const name = holdingName(address, lease.incarnation);
  if (input.pending.has(name)) return { is: 'released', why: { proof: 'asked' } };
  return ofHolder(input, lease, name);
}

/** What the container that the lease names has to say about it, and the boot. */
function ofHolder(input: ReconcileInput, lease: LeaseRecord, name: string): Finding {
  const holder = holderIn(input, lease);
  if (holder && mayRun(holder, lease.network)) return { is: 'kept', why: 'may-run' };
  const before = earlierBoot(input, lease);
  if (before !== undefined && !input.memory.tookUp.has(name))
    return { is: 'released', why: { proof: 'boot', before } };
  if (holder && mayRestart(holder)) return { is: 'kept', why: 'restart-policy' };
  return absenceOf(input, name);
}

/** Held by something that is no container of Docker's. */
function heldEvenSo(
  { inFlight, docker }: ReconcileInput,
  { address, lease }: NodeLeaseSeen,
): KeepReason | undefined {
  if (lease.by === 'cni') return 'other-door';
  if (inFlight.has(address)) return 'in-flight';
  const ofDocker = lease.by === 'aux' && lease.container === undefined;
  if (ofDocker && docker.gatewayUnsaid.has(lease.network)) return 'reserved';
  return docker.reserved.has(address) ? 'reserved' : undefined;
}

const holderIn = (
  { docker }: ReconcileInput,
  { container }: LeaseRecord,
): SeenContainer | undefined =>
  container === undefined ? undefined : docker.containers.get(container);

/**
 * A container that is up and attached without an address is in the middle of something. One that shows
 * its addresses, or is not attached, holds no other: Docker keeps one endpoint per attachment.
 */
const mayRun = ({ state, bare }: SeenContainer, network: string): boolean =>
  !isDown(state) && (bare.has(network) || state === 'restarting' || state === 'removing');

/** Everything else Docker may say, known to us or not, counts as up. */
const DOWN = new Set(['created', 'exited', 'dead']);

/** It holds no address, whatever Docker may still say of it. */
export const isDown = (state: string): boolean => DOWN.has(state);

/** Not knowing the policy is no proof. A container that never ran is not brought back by one. */
const mayRestart = ({ state, restarts }: SeenContainer): boolean =>
  state !== 'created' && isDown(state) && restarts !== false;

const earlierBoot = (
  { bootId }: ReconcileInput,
  { bootId: before }: LeaseRecord,
): string | undefined => (bootId === undefined || before === bootId ? undefined : before);

function absenceOf({ memory, steadyMs, apartMs }: ReconcileInput, name: string): Finding {
  const before = memory.absent.get(name);
  const sinceMs = Math.min(before?.sinceMs ?? steadyMs, steadyMs);
  const absence = { sinceMs, looks: (before?.looks ?? 0) + 1 };
  const forMs = steadyMs - sinceMs;
  if (absence.looks < LOOKS || forMs < apartMs) return { is: 'absent', absence };
  return { is: 'released', why: { proof: 'absent', looks: absence.looks, forMs } };
}
