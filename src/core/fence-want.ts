import { BURST_MS, type HeldBack } from './fence-burst.ts';
import { demandedDoors, type DoorNode, type PendingLaunch } from './fence-demand.ts';
import { type Detours, detoursOf } from './fence-detour.ts';
import type { FailureRecord } from './failure-record.ts';
import type { FenceFigures } from './fence-record.ts';
import type { FenceRoom } from './fence-room.ts';
import { formatRate } from './rate.ts';
import type { NodeRoom } from './room.ts';

/** When a node is closed and opened. */
export interface FenceRules {
  /** Launches that may come in one go: with fewer addresses than this left, a node is closed; at least 1. */
  readonly margin: number;
  /** Addresses beyond the margin that a closed node must have to open again. */
  readonly reopenExtra: number;
  /** How long a closed node must have that room, ms. */
  readonly reopenAfterMs: number;
  /** How long launches may wait before nodes with less than the margin are opened for them, ms. */
  readonly patienceMs: number;
  /** With less bandwidth left than this, a node is closed, kbit/s. */
  readonly netInBelowKbit: number;
  readonly netOutBelowKbit: number;
}

/** What is to be of a node. Nodes without one are to be open. */
export interface FenceWant {
  readonly closed: boolean;
  /** In words, with figures. */
  readonly why: string;
  readonly figures: FenceFigures;
  /** Launches wait for it. */
  readonly isDemanded: boolean;
}

/** Since when each closed node has the room to open again, ms: the memory between two looks. */
export type RoomSince = ReadonlyMap<string, number>;

export interface WantInput {
  readonly nodes: ReadonlyMap<string, NodeRoom>;
  readonly rooms: ReadonlyMap<string, FenceRoom>;
  /** Nodes that we closed or are closing. */
  readonly closed: ReadonlySet<string>;
  readonly pending: readonly PendingLaunch[];
  /** Launches that failed for lack of room lately. */
  readonly failures: readonly FailureRecord[];
  /** Launches that wait for addresses to rest. */
  readonly heldBack: Pick<HeldBack, 'nodes' | 'apps'>;
  /** Instances of an app that hold their addresses, by node. */
  readonly heldOn: (app: string) => ReadonlyMap<string, number>;
  /** Where apps stay that name no region. */
  readonly homeRegion?: string;
  readonly rules: FenceRules;
  readonly since: RoomSince;
  readonly nowMs: number;
}

export interface Wanted {
  /** Of the nodes that are to be closed, and of all that are. */
  readonly wants: ReadonlyMap<string, FenceWant>;
  readonly since: RoomSince;
}

/**
 * Which nodes are to be out of Mesos' offers. A node is closed as soon as it has less than the margin, and
 * while launches that wait would fail there, again or all at once; it opens once it has had enough for a
 * while, or when launches that wait need what little it has.
 */
export function wantFence(input: WantInput): Wanted {
  const { rooms, closed, nodes, nowMs, heldBack } = input;
  const { wrong, failing } = detours(input);
  const { doors, ...rest } = sorted(input, wrong);
  const pending = input.pending.filter(({ app }) => !heldBack.apps.has(app));
  const demanded = demandedDoors({
    ...{ pending, doors, ...rest, failing, nowMs },
    heldBack: { doors: heldBack.nodes, forMs: BURST_MS },
    patienceMs: input.rules.patienceMs,
  });
  const since = new Map<string, number>();
  const wants = new Map<string, FenceWant>();
  const want = (name: string, isDemanded: boolean): void => {
    const [node, room] = [nodes.get(name), rooms.get(name)];
    if (!node || !room) return;
    const detour = wrong.get(name);
    const verdict = judge(input, { name, room, since });
    const why = detour?.why ?? verdict;
    const isClosed = detour?.yields === false || (why !== undefined && !isDemanded);
    const figures = figuresOf(node, room);
    wants.set(name, { closed: isClosed, why: why ?? 'it has room', figures, isDemanded });
  };
  for (const { name } of doors) want(name, demanded.has(name));
  for (const [name, { yields }] of wrong) if (!yields) want(name, false);
  for (const name of closed) if (!rooms.has(name)) wants.set(name, REACHES_NOTHING);
  return { wants, since };
}

/** Of launches that failed, and of those that would. */
function detours(input: WantInput): Detours {
  const { wrong, failing } = detoursOf(input);
  const all = new Map(wrong);
  for (const [name, why] of input.heldBack.nodes)
    if (!all.has(name)) all.set(name, { why, yields: true });
  return { wrong: all, failing };
}

const REACHES_NOTHING: FenceWant = {
  closed: false,
  why: 'it reaches no pool any more',
  figures: { addresses: 0, netInKbit: 0, netOutKbit: 0, cpus: 0, memMiB: 0 },
  isDemanded: false,
};

/** Nodes that are closed or tight, and of the others what waiting launches may count on. */
function sorted(
  { nodes, rooms, closed, rules }: WantInput,
  wrong: Detours['wrong'],
): {
  readonly doors: DoorNode[];
  readonly roomy: Set<string>;
  readonly roomyNetworks: Set<string>;
} {
  const doors: DoorNode[] = [];
  const roomy = new Set<string>();
  const roomyNetworks = new Set<string>();
  for (const [name, room] of rooms) {
    const node = nodes.get(name);
    if (!node || wrong.get(name)?.yields === false) continue;
    const isOpen = !closed.has(name);
    const isTight = wrong.has(name) || lack(room, rules, 0) !== undefined;
    const { cpus, memMiB, offered } = node;
    if (!isOpen || isTight) doors.push({ name, room, cpus, memMiB, isOpen });
    else if (offered) {
      roomy.add(name);
      for (const network of networksIn(room)) roomyNetworks.add(network);
    }
  }
  return { doors, roomy, roomyNetworks };
}

const networksIn = ({ networks }: FenceRoom): readonly string[] =>
  [...networks].flatMap(([network, left]) => (left.room > 0 ? [network] : []));

/** Why a node is to be closed; undefined when it is to be open. */
function judge(
  { closed, rules, since: before, heldBack, nowMs }: WantInput,
  { name, room, since }: { name: string; room: FenceRoom; since: Map<string, number> },
): string | undefined {
  if (!closed.has(name)) return lack(room, rules, 0);
  const lacks = lack(room, rules, rules.reopenExtra);
  if (lacks !== undefined) return lacks;
  // closed for launches that are held back, it had its room all the while; a clock that was set back
  // begins the wait anew, and no more
  const known = heldBack.nodes.has(name) ? nowMs - rules.reopenAfterMs : before.get(name);
  const from = Math.min(known ?? nowMs, nowMs);
  since.set(name, from);
  const leftMs = from + rules.reopenAfterMs - nowMs;
  return leftMs > 0 ? `it has room again, and opens in ${Math.ceil(leftMs / 1000)} s` : undefined;
}

/** What is short, in words; `extra` addresses beyond the margin are asked for. */
function lack(room: FenceRoom, rules: FenceRules, extra: number): string | undefined {
  const margin = Math.max(1, rules.margin) + extra;
  if (room.addresses < margin) {
    const count = room.addresses === 0 ? 'no' : String(room.addresses);
    const left = `${count} address${room.addresses === 1 ? '' : 'es'} left on network ${room.network}`;
    return margin === 1 ? left : `${left}, fewer than ${margin}`;
  }
  return (
    lackOfRate('net_in', room.netInKbit, rules.netInBelowKbit) ??
    lackOfRate('net_out', room.netOutKbit, rules.netOutBelowKbit)
  );
}

function lackOfRate(name: string, leftKbit: number, belowKbit: number): string | undefined {
  if (leftKbit >= Math.max(1, belowKbit)) return undefined;
  const left = leftKbit > 0 ? formatRate(leftKbit) : 'nothing';
  return `${left} left of ${name}, less than ${formatRate(Math.max(1, belowKbit))}`;
}

const figuresOf = ({ cpus, memMiB }: NodeRoom, room: FenceRoom): FenceFigures => ({
  addresses: room.addresses,
  ...(room.network !== '' && { network: room.network }),
  netInKbit: room.netInKbit,
  netOutKbit: room.netOutKbit,
  cpus,
  memMiB,
});
