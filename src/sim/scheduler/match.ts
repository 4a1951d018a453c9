import type { Chance } from '../chance.ts';
import { type SimNode } from '../nodes.ts';
import { accepts } from '../placement.ts';
import type { HostPorts, Resources, Spec } from '../specs/spec.ts';
import type { Instance } from './instance.ts';
import type { Reason } from './queue-stats.ts';

export interface MatchInput {
  readonly spec: Spec;
  readonly node: SimNode;
  readonly room: Resources;
  readonly usedPorts: ReadonlySet<number>;
  /** Instances of the spec on record. */
  readonly instances: readonly Instance[];
  readonly masterRegion: string | undefined;
}

export type Match =
  | { readonly ok: true; readonly ports: readonly number[] }
  | { readonly ok: false; readonly reason: Reason };

const no = (reason: Reason): Match => ({ ok: false, reason });

/** Instances that constraints count: those of this configuration that are out on a node. */
const placedOf = ({ spec, instances }: MatchInput): Instance[] =>
  instances.filter(
    (one) =>
      one.condition !== 'Scheduled' &&
      one.condition !== 'Unreachable' &&
      one.spec.version >= spec.lastConfigChange,
  );

const constraintsHold = (input: MatchInput): boolean => {
  const placed = placedOf(input);
  const at = {
    node: input.node,
    placed: placed.flatMap(({ node }) => node ?? []),
    instances: placed[0]?.spec.instances ?? 1,
  };
  return input.spec.constraints.every((constraint) => accepts(constraint, at));
};

/** A spec that says nothing of regions or zones stays in the master's own region. */
const regionFits = ({ spec, node, masterRegion }: MatchInput): boolean =>
  node.region === undefined ||
  node.region === masterRegion ||
  spec.constraints.some(({ field }) => field === '@region' || field === '@zone');

const EPSILON = 1e-9;

const shortOf = (room: Resources, { cpus, mem, disk, gpus }: Resources): Reason | undefined => {
  if (room.cpus + EPSILON < cpus) return 'InsufficientCpus';
  if (room.mem + EPSILON < mem) return 'InsufficientMemory';
  if (room.disk + EPSILON < disk) return 'InsufficientDisk';
  return room.gpus < gpus ? 'InsufficientGpus' : undefined;
};

const portsFor = (
  { any, fixed }: HostPorts,
  { node, usedPorts }: MatchInput,
  chance: Chance,
): number[] | undefined => {
  const [low, high] = node.ports;
  const bad = fixed.some((port) => port < low || port > high || usedPorts.has(port));
  if (bad || new Set(fixed).size < fixed.length) return undefined;
  const ports = [...fixed];
  const start = chance.between(low, high);
  for (let step = 0; ports.length < fixed.length + any && step <= high - low; step += 1) {
    const port = low + ((start - low + step) % (high - low + 1));
    if (!usedPorts.has(port) && !ports.includes(port)) ports.push(port);
  }
  return ports.length === fixed.length + any ? ports : undefined;
};

/** Whether one instance of a spec can use what is left of an offer, and with which ports. */
export const matchOffer = (input: MatchInput, chance: Chance): Match => {
  if (!constraintsHold(input) || !regionFits(input)) return no('UnfulfilledConstraint');
  const short = shortOf(input.room, input.spec.resources);
  if (short) return no(short);
  const ports = portsFor(input.spec.ports, input, chance);
  return ports ? { ok: true, ports } : no('InsufficientPorts');
};
