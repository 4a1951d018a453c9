import type { DockerLook, SeenContainer, SeenEndpoint } from './docker-seen.ts';
import { evidenceFor, type Kept } from './reconcile-evidence.ts';
import type { NodeLeaseSeen, ReconcileInput, ReconcileMemory } from './reconcile-input.ts';
import { runnersOf } from './reconcile-runners.ts';
import type { ReconcileStep } from './reconcile-step.ts';

/**
 * What a node's Docker shows against what the ledger says of the node. Release only on evidence, adopt
 * what runs, and say why whatever else is left as it is.
 */
export interface Reconciled {
  /** In the order in which they are to be done: what runs is written before anything is given up. */
  readonly steps: readonly ReconcileStep[];
  /** Leases that nobody is seen on and that are kept even so: for people, and for tests. */
  readonly kept: readonly Kept[];
  readonly memory: ReconcileMemory;
}

/** One turn. The same input gives the same steps; a turn that was not carried out is simply run again. */
export function reconcile(input: ReconcileInput): Reconciled {
  const evidence = evidenceFor(input);
  return {
    steps: [...runnersOf(input), ...evidence.releases],
    kept: evidence.kept,
    memory: evidence.memory,
  };
}

/**
 * The steps without adoptions of what a second look, a moment later, no longer shows. Docker gives an
 * address up before it removes the endpoint, and there is no lease in between.
 */
export function confirmed(
  steps: readonly ReconcileStep[],
  {
    endpoints,
    reserved,
    leased = new Set(),
  }: Pick<DockerLook, 'endpoints' | 'reserved'> & {
    /** Leased to this node since the first look. */
    readonly leased?: ReadonlySet<string>;
  },
): readonly ReconcileStep[] {
  const nameOf = ({ address, container, endpoint }: SeenEndpoint): string =>
    `${address} ${container} ${endpoint ?? ''}`;
  const still = new Set(endpoints.map(nameOf));
  return steps.filter(
    (step) =>
      step.do !== 'adopt' ||
      (!leased.has(step.endpoint.address) &&
        (step.by === 'aux'
          ? reserved.has(step.endpoint.address)
          : still.has(nameOf(step.endpoint)))),
  );
}

/** Containers whose environment, labels or restart policy the next turn rests on. */
export function toInspect(
  { endpoints, containers }: Pick<DockerLook, 'endpoints' | 'containers'>,
  leases: readonly NodeLeaseSeen[],
): readonly string[] {
  const leaseAt = new Map(leases.map(({ address, lease }) => [address, lease]));
  const shown = new Set(endpoints.map(({ address }) => address));
  const unwritten = endpoints
    .filter(({ address, container }) => {
      const lease = leaseAt.get(address);
      return lease?.startedMs === undefined || lease.container !== container;
    })
    .map(({ container }) => container)
    .filter((container) => hasStarted(containers.get(container)));
  const idle = leases
    .filter(({ address }) => !shown.has(address))
    .map(({ lease }) => lease.container)
    .filter((container) => container !== undefined && hasEnded(containers.get(container)));
  return [...new Set([...unwritten, ...(idle as string[])])].sort();
}

const hasStarted = (container: SeenContainer | undefined): boolean =>
  container?.state === 'running' || container?.state === 'paused';

const hasEnded = (container: SeenContainer | undefined): boolean =>
  container?.state === 'exited' || container?.state === 'dead';
