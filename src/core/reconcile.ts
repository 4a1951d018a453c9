import type { LeaseRecord } from './lease-record.ts';
import { evidenceFor, type Absences, type Kept, type ReleaseReason } from './reconcile-evidence.ts';
import { runnersOf } from './reconcile-runners.ts';

/**
 * What a node's Docker shows against what the ledger says of the node. Release only on evidence, adopt
 * what runs, and say why whatever else is left as it is.
 */

/** One address that Docker shows in use. */
export interface SeenEndpoint {
  readonly address: string;
  /** Corral's name of the network; undefined when the Docker network names none that we know. */
  readonly network: string | undefined;
  readonly pool?: string;
  readonly container: string;
  readonly mac?: string;
  /** Docker's id of this attachment: new at every start of the container. */
  readonly endpoint?: string;
}

/** What Docker knows of a container, running or not. */
export interface SeenContainer {
  /** As Docker spells it: created, running, paused, restarting, removing, exited, dead. */
  readonly state: string;
  /** A restart policy may bring it back; undefined: not asked for. */
  readonly restarts?: boolean;
  /** Corral's networks that it is attached to without showing an address there. */
  readonly bare: ReadonlySet<string>;
}

/** What the environment and the labels of a started container say. */
export interface ContainerFacts {
  readonly app?: string;
  readonly task?: string;
  readonly netInKbit?: number;
  readonly netOutKbit?: number;
  /** ms since the epoch */
  readonly startedMs: number;
}

export interface Reserved {
  /** Corral's. */
  readonly network: string;
  /** Some pool of the network has it to give; a router outside the ranges nobody can be given. */
  readonly givable: boolean;
}

/** One look at Docker, every question answered with 200. */
export interface DockerLook {
  readonly endpoints: readonly SeenEndpoint[];
  readonly containers: ReadonlyMap<string, SeenContainer>;
  /** Of containers that were inspected. */
  readonly facts: ReadonlyMap<string, ContainerFacts>;
  /** Addresses that Docker networks keep for themselves. */
  readonly reserved: ReadonlyMap<string, Reserved>;
  /** Corral's networks of which some Docker network does not say its gateway: Docker picked one. */
  readonly gatewayUnsaid: ReadonlySet<string>;
}

export interface NodeLeaseSeen {
  readonly address: string;
  readonly lease: LeaseRecord;
}

/** Everything that a turn of the reconcile rests on. */
export interface ReconcileInput {
  readonly docker: DockerLook;
  /** Read before Docker was looked at, so that none of them is younger than the look. */
  readonly leases: readonly NodeLeaseSeen[];
  /** `address incarnation` of releases that Docker asked for and that the ledger has not heard of. */
  readonly pending: ReadonlySet<string>;
  /** Addresses being handed out right now. */
  readonly inFlight: ReadonlySet<string>;
  /** Of the running system; undefined when it cannot be read: then no boot has ever changed. */
  readonly bootId: string | undefined;
  /** Of a clock that is never set, ms. */
  readonly steadyMs: number;
  /** Looks that found nobody must span at least this long, ms. */
  readonly apartMs: number;
  readonly memory: ReconcileMemory;
}

/** What earlier looks of this process found. */
export interface ReconcileMemory {
  /** `address incarnation` of leases that nobody was seen on -> since when. */
  readonly absent: Absences;
  /** Leases of an earlier boot that something was seen on in this one. */
  readonly tookUp: ReadonlySet<string>;
}

export const NOTHING_REMEMBERED: ReconcileMemory = { absent: new Map(), tookUp: new Set() };

export type ReconcileStep =
  | {
      readonly do: 'adopt';
      readonly endpoint: SeenEndpoint & { readonly network: string };
      readonly by: 'docker' | 'aux';
      readonly incarnation: string;
      readonly facts?: ContainerFacts;
    }
  | {
      readonly do: 'complete';
      readonly address: string;
      readonly incarnation: string;
      readonly container: string;
      readonly mac?: string;
      readonly facts?: ContainerFacts;
    }
  | {
      readonly do: 'release';
      readonly address: string;
      readonly lease: LeaseRecord;
      readonly why: ReleaseReason;
    }
  | { readonly do: 'report'; readonly conflict: Conflict };

/** Something that only people can put right. */
export type Conflict =
  /** Two containers of this node show one address. */
  | { readonly kind: 'double'; readonly address: string; readonly containers: readonly string[] }
  /** The ledger says that another node holds it. */
  | {
      readonly kind: 'elsewhere';
      readonly address: string;
      readonly container: string;
      readonly holder: string;
    }
  /** No pool that this node reaches has such an address. */
  | {
      readonly kind: 'foreign';
      readonly address: string;
      readonly container: string;
      readonly says: string;
    }
  /** The lease named another container. */
  | {
      readonly kind: 'taken-over';
      readonly address: string;
      readonly container: string;
      readonly before: string;
    };

export interface Reconciled {
  /** In the order in which they are to be done: what runs is written before anything is given up. */
  readonly steps: readonly ReconcileStep[];
  /** Leases that nobody is seen on and that are kept even so: for people, and for tests. */
  readonly kept: readonly Kept[];
  readonly memory: ReconcileMemory;
}

export const holdingName = (address: string, incarnation: string): string =>
  `${address} ${incarnation}`;

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
  { endpoints, reserved }: Pick<DockerLook, 'endpoints' | 'reserved'>,
): readonly ReconcileStep[] {
  const nameOf = ({ address, container, endpoint }: SeenEndpoint): string =>
    `${address} ${container} ${endpoint ?? ''}`;
  const still = new Set(endpoints.map(nameOf));
  return steps.filter(
    (step) =>
      step.do !== 'adopt' ||
      (step.by === 'aux' ? reserved.has(step.endpoint.address) : still.has(nameOf(step.endpoint))),
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
