import { Counter, Gauge } from 'prom-client';
import type { ContainerSays, FactNames } from '../core/container-facts.ts';
import type { Clock } from '../plumbing/clock.ts';
import { itemOf, json, type ReadyItem } from './api.ts';
import { events } from './docker/events.ts';
import { type Reconciler, startReconcile } from './reconcile.ts';
import type { AgentContext, StartPart } from './part.ts';
import { startWitness, type Witness } from './witness.ts';

export interface ReconcilePartOptions {
  readonly factNames: FactNames;
  /** See ReconcileDeps. */
  readonly apartMs?: number;
  readonly confirmAfterMs?: number;
  readonly onLooked?: (running: ReadonlySet<string>) => void;
  /** Told the reconciler as soon as it runs. */
  readonly onStarted?: (reconciler: Reconciler, witness: Witness) => void;
}

/** The witness and the reconcile as parts of an agent: what runs is written, what is gone given up. */
export const reconcilePart =
  (options: ReconcilePartOptions): StartPart =>
  (context) => {
    const reconciler = reconcilerFor(context, options);
    const witness = witnessFor(context, options, () => reconciler.wake());
    measure(context, reconciler, witness);
    options.onStarted?.(reconciler, witness);
    return {
      ready: () => [readyOf(reconciler), listening(witness)],
      routes: new Map([
        [
          '/v1/reconcile',
          () => Promise.resolve(json({ ...reconciler.state(), witness: witness.state() })),
        ],
      ]),
      stop: async () => {
        await Promise.all([witness.stop(), reconciler.stop()]);
      },
      compared: (signal) => reconciler.looked(signal),
    };
  };

/** What both look at Docker with. */
const eyesOf = (
  { engine, desk, store, clock, log, settings: { plugin } }: AgentContext,
  { factNames }: ReconcilePartOptions,
) => ({
  ...{ engine, desk, store, clock, log, plugin, factNames },
  onOdd: (container: string, odd: ContainerSays['faults']): void =>
    log.warn('what a container asks for cannot be used; the default stands', { container, odd }),
});

export const reconcilerFor = (context: AgentContext, options: ReconcilePartOptions): Reconciler =>
  startReconcile({
    ...eyesOf(context, options),
    ...{ journal: context.journal, holdings: context.allocator },
    ...{ node: context.node, bootId: context.bootId, steadyMs: context.monotonic },
    everyMs: context.settings.reconcileEveryMs,
    ...(options.apartMs === undefined ? {} : { apartMs: options.apartMs }),
    ...(options.onLooked ? { onLooked: options.onLooked } : {}),
    ...(options.confirmAfterMs === undefined ? {} : { confirmAfterMs: options.confirmAfterMs }),
  });

export const witnessFor = (
  context: AgentContext,
  options: ReconcilePartOptions,
  onMissed: () => void,
): Witness =>
  startWitness({
    ...eyesOf(context, options),
    early: context.early,
    events: (signal) => events(context, signal),
    holdingAt: (address) => context.allocator.held.get(address),
    onMissed,
  });

function readyOf(reconciler: Reconciler): ReadyItem {
  const { last, conflicts, ...loop } = reconciler.state();
  const item = itemOf(loop);
  if (!item.ready || last === undefined) return item;
  const { running, adopted, released, kept } = last;
  const found = `${running} running, ${adopted} adopted, ${released} released, ${kept} kept`;
  return { ...item, detail: `${found}, ${conflicts.length} in conflict` };
}

const listening = (witness: Witness): ReadyItem => {
  const { listening: ready, completed, missed } = witness.state();
  return {
    name: 'docker events',
    ready,
    detail: `${completed} leases completed, ${missed} missed`,
  };
};

interface Figure {
  readonly name: string;
  readonly help: string;
  readonly value: () => number;
}

function measure(
  { registry, clock }: AgentContext,
  reconciler: Reconciler,
  witness: Witness,
): void {
  for (const { name, help, value } of gaugesOf(clock, reconciler))
    new Gauge({
      ...{ name, help, registers: [registry] },
      collect() {
        this.set(value());
      },
    });
  for (const { name, help, value } of countersOf(witness))
    new Counter({
      ...{ name, help, registers: [registry] },
      collect() {
        this.reset();
        this.inc(value());
      },
    });
}

const gaugesOf = (clock: Clock, reconciler: Reconciler): readonly Figure[] => [
  {
    name: 'corral_agent_reconcile_age_seconds',
    help: 'since the containers were last compared with the ledger',
    value: () => (clock.now() - (reconciler.state().lastOkMs ?? 0)) / 1_000,
  },
  {
    name: 'corral_agent_conflicting_addresses',
    help: 'addresses that two containers claim, or that nobody can be given',
    value: () => reconciler.state().conflicts.length,
  },
  {
    name: 'corral_agent_kept_addresses',
    help: 'leases that nobody is seen on and that are kept even so',
    value: () => reconciler.state().kept.length,
  },
];

const countersOf = (witness: Witness): readonly Figure[] => [
  {
    name: 'corral_agent_leases_completed_total',
    help: 'completions of leases from events of Docker',
    value: () => witness.state().completed,
  },
  {
    name: 'corral_agent_events_missed_total',
    help: 'events of Docker that could not be made use of',
    value: () => witness.state().missed,
  },
  {
    name: 'corral_agent_rates_unusable_total',
    help: 'containers that ask for a rate, or say who they are, in a way that cannot be used',
    value: () => witness.state().odd,
  },
];
