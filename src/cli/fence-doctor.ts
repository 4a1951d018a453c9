import { Refusal } from '../core/errors.ts';
import { type FenceForce } from '../fence/means.ts';
import { forceOf } from '../fence/force.ts';
import { isLed } from '../ledger/election.ts';
import type { CliContext } from './context.ts';
import { withStore } from './deps.ts';
import { openMesos } from './facts.ts';
import { FENCE_ELECTION, forceDeps } from './fence.ts';
import { facts, json } from './table.ts';

/** The settings name no Mesos master to ask. */
export class NoMesos extends Refusal {
  readonly code = 'no-mesos';
  readonly remedy = 'name the masters in gate.mesos, or in CORRAL_GATE_MESOS';
  constructor() {
    super('no Mesos master is configured, so that no fence can be in force');
  }
}

const WITHIN_MS = 15_000;

/** `corral doctor --cluster`: which fence is in force, and why. */
export async function fenceDoctor(
  context: CliContext,
  { json: asJson }: { readonly json?: true },
): Promise<void> {
  const { settings, out, clock, signal } = context;
  const { gate, fence } = settings();
  const mesos = openMesos(gate.mesos, gate);
  if (!mesos) throw new NoMesos();
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]);
    const force = await forceOf(forceDeps(mesos, settings(), clock), within);
    const { mode } = fence;
    const leader = await leaderOf(context, within);
    const { isAble, why, ability } = force;
    const told = { mode, leader, mesos: ability.version, fence: wordOf(force, mode, leader), why };
    out(asJson ? json({ ...told, isAble }) : facts(Object.entries(told)));
  } finally {
    mesos.close();
  }
}

type Leader = 'a gate' | 'nobody' | `unknown: ${string}`;

/** A ledger that is away takes nothing from what Mesos can do. */
async function leaderOf(context: CliContext, signal: AbortSignal): Promise<Leader> {
  try {
    const led = await withStore(context, (store) => isLed(store, FENCE_ELECTION, signal));
    return led ? 'a gate' : 'nobody';
  } catch (fault: unknown) {
    signal.throwIfAborted();
    if (!(fault instanceof Refusal)) throw fault;
    return `unknown: ${fault.message}`;
  }
}

function wordOf(
  { isAble, means }: FenceForce,
  mode: 'off' | 'watch' | 'on',
  leader: Leader,
): string {
  if (!isAble) return 'none: constraints only';
  const way = means.by === 'deactivate' ? 'by deactivating agents' : 'by reserving their token';
  if (mode !== 'on') return `${way}, not in force: fence.mode is ${mode}`;
  return leader === 'nobody' ? `${way}, not in force: no gate is at work` : way;
}
