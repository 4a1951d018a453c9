import { setTimeout as wait } from 'node:timers/promises';
import {
  type ReconcilePartOptions,
  reconcilerFor,
  witnessFor,
} from '../../src/agent/reconcile-part.ts';
import { type Engine, openEngine } from '../../src/agent/docker/engine.ts';
import type { Reconciler } from '../../src/agent/reconcile.ts';
import type { Witness } from '../../src/agent/witness.ts';
import { factName } from '../../src/core/container-facts.ts';
import type { ReconciledRecord } from '../../src/core/agent-record.ts';
import type { Rig } from './rig.ts';
import { soon } from './rig.ts';

/** Looks that found nobody count when they are this far apart: the minute of real life, shortened. */
const APART_MS = 200;

export const OPTIONS: ReconcilePartOptions = {
  factNames: {
    rates: { in: 'net_in', out: 'net_out' },
    app: [factName('env:MARATHON_APP_ID')],
    task: [factName('env:MESOS_TASK_ID'), factName('label:MESOS_TASK_ID')],
  },
  apartMs: APART_MS,
  confirmAfterMs: 300,
};

const PATIENCE = { withinMs: 120_000, detailsWithinMs: 120_000 };

interface Running {
  readonly reconciler: Reconciler;
  readonly witness: Witness | undefined;
  readonly engine: Engine;
}

interface Started {
  readonly reconciler: Reconciler;
  readonly witness: Witness;
  /** What the first look found. */
  readonly first: ReconciledRecord;
}

/** The rig's agent with a reconciler that looks when it is told to, and a witness. */
export class Watched {
  readonly #rig: Rig;
  #running: Running | undefined;

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  get reconciler(): Reconciler {
    if (!this.#running) throw new Error('nothing was started');
    return this.#running.reconciler;
  }

  /** With the agent that runs now; ends what was started with an earlier one. */
  async start({ witness = true } = {}): Promise<Started> {
    await this.stop();
    const { context } = this.#rig.agent;
    const quiet = { ...context, settings: { ...context.settings, reconcileEveryMs: 3_600_000 } };
    const reconciler = reconcilerFor(quiet, OPTIONS);
    // with more patience for Docker than the product has: nobody looks again here for what was missed
    const engine = openEngine({ ...PATIENCE, socket: context.settings.docker.socket });
    const patient = { ...context, engine };
    const witnessing = witness ? witnessFor(patient, OPTIONS, () => undefined) : undefined;
    this.#running = { reconciler, witness: witnessing, engine };
    await this.until(() => Promise.resolve(reconciler.state().last !== undefined));
    await this.until(() => Promise.resolve(witnessing?.state().listening ?? true));
    const first = reconciler.state().last as ReconciledRecord;
    return { reconciler, first, witness: witnessing as Witness };
  }

  /** One look, far enough after the one before. */
  async look(withinMs = 180_000): Promise<ReconciledRecord> {
    await wait(APART_MS + 20);
    return this.reconciler.looked(soon(withinMs));
  }

  async until(isSo: () => Promise<boolean>, withinMs = 180_000): Promise<void> {
    const until = performance.now() + withinMs;
    while (!(await isSo())) {
      if (performance.now() > until) throw new Error('it did not come to be so');
      await wait(20);
    }
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.witness?.stop();
    await running?.reconciler.stop();
    running?.engine.close();
  }
}
