import type { BackoffRule } from '../backoff.ts';
import type { JsonObject } from '../json.ts';

/** `[field, operator, value]` as the scheduler evaluates it. */
export interface Constraint {
  readonly field: string;
  readonly operator: string;
  readonly value?: string | undefined;
}

/** Room that one instance takes on its node. */
export interface Resources {
  readonly cpus: number;
  readonly mem: number;
  readonly disk: number;
  readonly gpus: number;
}

/** Host ports of one instance: `any` of the offer's, and those asked for by number. */
export interface HostPorts {
  readonly any: number;
  readonly fixed: readonly number[];
}

export interface UpgradeRule {
  readonly minHealth: number;
  readonly maxOver: number;
}

/** Seconds until a lost instance is replaced and until it is forgotten; `disabled` means never. */
export type UnreachableRule =
  { readonly inactiveAfter: number; readonly expungeAfter: number } | 'disabled';

/** What apps and pods have in common once read: one configuration at one version. */
export interface Spec {
  readonly kind: 'app' | 'pod';
  readonly id: string;
  /** ISO times, as Marathon's versions are. */
  readonly version: string;
  readonly lastScaling: string;
  readonly lastConfigChange: string;
  readonly instances: number;
  readonly resources: Resources;
  readonly ports: HostPorts;
  /** Networks that each give an instance one address. */
  readonly networks: readonly string[];
  readonly networkLabels: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly env: Readonly<Record<string, string>>;
  readonly constraints: readonly Constraint[];
  readonly backoff: BackoffRule;
  readonly upgrade: UpgradeRule;
  readonly unreachable: UnreachableRule;
  readonly killSelection: 'YOUNGEST_FIRST' | 'OLDEST_FIRST';
  readonly containerizer: 'DOCKER' | 'MESOS';
  readonly image: string;
  readonly role: string;
  readonly resident: boolean;
  readonly hasHealthChecks: boolean;
  readonly dependencies: readonly string[];
  /** Names of a pod's containers; one per app. */
  readonly containers: readonly string[];
  /** As Marathon shows it, without version and versionInfo. */
  readonly definition: JsonObject;
}

/** Key of the back-off: one configuration of one spec. */
export const backoffKey = (spec: Spec): string => `${spec.id}@${spec.lastConfigChange}`;

/** The body that Marathon stores and shows. */
export const shownApp = (spec: Spec): JsonObject => ({
  ...spec.definition,
  instances: spec.instances,
  version: spec.version,
  versionInfo: { lastScalingAt: spec.lastScaling, lastConfigChangeAt: spec.lastConfigChange },
});

export const shownPod = (spec: Spec): JsonObject => ({ ...spec.definition, version: spec.version });

export const shown = (spec: Spec): JsonObject =>
  spec.kind === 'app' ? shownApp(spec) : shownPod(spec);
