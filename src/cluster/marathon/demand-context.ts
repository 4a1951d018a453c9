import type { Constraint } from '../../core/constraints.ts';
import type { Rates } from '../../core/container-rates.ts';
import type { Demand } from '../../core/demand.ts';

/** What a {"secret"} in place of a rate means: no admission, or the network's default. */
export type SecretPolicy = 'refuse' | 'default';

export interface NetworkDefaults {
  readonly defaultInKbit: number;
  readonly defaultOutKbit: number;
}

/** What has to be known besides the definition to tell what it takes. */
export interface DemandContext {
  /** The networks that Corral manages, by the name that apps use. */
  readonly networks: ReadonlyMap<string, NetworkDefaults>;
  /** Names of the variables and labels that carry a rate: net_in and net_out. */
  readonly rateNames: { readonly in: string; readonly out: string };
  readonly secretPolicy: SecretPolicy;
  /** Marathon's --mesos_bridge_name: what container/bridge mode joins. */
  readonly bridgeName: string;
}

/** Something about a definition that its owner should know; `path` as Marathon writes it. */
export interface Remark {
  readonly path: string;
  readonly message: string;
}

export interface Upgrade {
  /** minimumHealthCapacity and maximumOverCapacity, 0..1. */
  readonly minHealth: number;
  readonly maxOver: number;
}

/** One app or pod in core's words. */
export interface AppDemand {
  /** Takes at least one address on a managed network. */
  readonly managed: boolean;
  /** Of one instance. */
  readonly demand: Demand;
  /** Rates that Marathon keeps to itself, by network: labels of networks under Docker. */
  readonly labelled: Readonly<Record<string, Rates>>;
  readonly instances: number;
  readonly constraints: readonly Constraint[];
  readonly upgrade: Upgrade;
  /** Has persistent volumes. */
  readonly resident: boolean;
  /** What Marathon will refuse; left out of the figures above. */
  readonly faults: readonly Remark[];
  /** What works, but perhaps not as its owner thinks. */
  readonly warnings: readonly Remark[];
}
