import { Refusal } from '../core/errors.ts';
import { type FenceForce } from '../fence/means.ts';
import { forceOf } from '../fence/force.ts';
import type { CliContext } from './context.ts';
import { openMesos } from './facts.ts';
import { forceDeps } from './fence.ts';
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
  { settings, out, clock, signal }: CliContext,
  { json: asJson }: { readonly json?: true },
): Promise<void> {
  const { gate, fence } = settings();
  const mesos = openMesos(gate.mesos, gate);
  if (!mesos) throw new NoMesos();
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]);
    const force = await forceOf(forceDeps(mesos, settings(), clock), within);
    const { mode } = fence;
    const told = { mode, mesos: force.ability.version, fence: wordOf(force, mode), why: force.why };
    out(asJson ? json({ ...told, isAble: force.isAble }) : facts(Object.entries(told)));
  } finally {
    mesos.close();
  }
}

function wordOf({ isAble, means }: FenceForce, mode: 'off' | 'watch' | 'on'): string {
  if (!isAble) return 'none: constraints only';
  const way = means.by === 'deactivate' ? 'by deactivating agents' : 'by reserving their token';
  return mode === 'on' ? way : `${way}, not in force: fence.mode is ${mode}`;
}
