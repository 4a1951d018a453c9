import type { Resources } from './specs/spec.ts';

/** A machine of the pretend cluster, as its owner describes it. */
export interface NodeOptions {
  readonly name: string;
  readonly cpus: number;
  /** MiB. */
  readonly mem: number;
  /** MiB. */
  readonly disk: number;
  readonly gpus?: number;
  /** Host ports offered, both ends included. */
  readonly ports?: readonly [number, number];
  readonly attributes?: Readonly<Record<string, string | number>>;
  readonly region?: string;
  readonly zone?: string;
  /** The agent's own address; filler in statuses of containers that have none. */
  readonly address?: string;
}

/** A reservation of the fence's token. */
export interface Token {
  readonly role: string;
  readonly principal?: string;
  readonly labels: readonly { readonly key: string; readonly value: string }[];
}

/** An agent as the master knows it. */
export interface SimNode {
  readonly name: string;
  /** Another one after the agent lost its work directory. */
  agentId: string;
  readonly address: string;
  readonly total: Resources;
  readonly ports: readonly [number, number];
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly region: string | undefined;
  readonly zone: string | undefined;
  readonly registeredMs: number;
  /** Set by an operator through DEACTIVATE_AGENT. */
  deactivated: boolean;
  /** An operator's DRAIN_AGENT; such an agent is deactivated too. */
  drain: 'DRAINING' | 'DRAINED' | undefined;
  /** Who reserved the token of an agent that has one. */
  token: Token | undefined;
  /** False while the agent is cut off from the master. */
  reachable: boolean;
  /** Known to the present leader from the registry only. */
  recovered: boolean;
  /** Images that need no pull any more. */
  readonly images: Set<string>;
  /** Room taken by nobody's task, as `fill` makes it. */
  filler: Resources;
}

export const NOTHING: Resources = { cpus: 0, mem: 0, disk: 0, gpus: 0 };

export const plus = (a: Resources, b: Resources): Resources => ({
  cpus: a.cpus + b.cpus,
  mem: a.mem + b.mem,
  disk: a.disk + b.disk,
  gpus: a.gpus + b.gpus,
});

export const minus = (a: Resources, b: Resources): Resources => ({
  cpus: a.cpus - b.cpus,
  mem: a.mem - b.mem,
  disk: a.disk - b.disk,
  gpus: a.gpus - b.gpus,
});

/** The leading master hears from it. */
export const isHeard = ({ reachable, recovered }: SimNode): boolean => reachable && !recovered;

/** Node number `index` (from 0) of a cluster whose master is called `master`. */
export const createNode = (
  options: NodeOptions,
  index: number,
  master: string,
  now: number,
): SimNode => ({
  name: options.name,
  agentId: `${master}-S${index}`,
  address: options.address ?? `198.51.100.${index + 1}`,
  total: { cpus: options.cpus, mem: options.mem, disk: options.disk, gpus: options.gpus ?? 0 },
  ports: options.ports ?? [31_000, 32_000],
  attributes: options.attributes ?? {},
  region: options.region,
  zone: options.zone,
  registeredMs: now,
  deactivated: false,
  drain: undefined,
  token: undefined,
  reachable: true,
  recovered: false,
  images: new Set(),
  filler: NOTHING,
});
