import type { Rates } from './container-rates.ts';

/** One address that Docker shows in use. */
export interface SeenEndpoint {
  readonly address: string;
  /** Corral's name of the network; undefined when the Docker network names none that we know. */
  readonly network: string | undefined;
  readonly pool?: string;
  readonly container: string;
  readonly mac?: string;
  /** What its limit is to be by all who may speak of it; absent until its container was inspected. */
  readonly rates?: Rates;
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
