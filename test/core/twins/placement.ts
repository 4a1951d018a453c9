import type { Constraint } from '../../../src/core/constraints.ts';
import type { Ask, NodeRoom, PlacedInstance, Room, Witness } from '../../../src/core/room.ts';

/**
 * The dumb twin of core/place.ts: launches one instance after the other as Marathon would, in every
 * order, on every node, with every choice of pools, and sees how far it gets. Shares no code with core.
 */

/** Patterns that the twin reads with JavaScript's RegExp, and one that only Java can read. */
export const PATTERNS = ['a', 'a|b', 'n[12]', '.*', 'n1|n2|n3', '', '(?=a)a'];
const UNREADABLE = '(?=a)a';

const readField = (field: string, place: PlacedInstance): string | undefined =>
  field === 'hostname' || field === '@hostname'
    ? place.node
    : field === '@region'
      ? place.region
      : field === '@zone'
        ? place.zone
        : place.attributes[field];

const asPlaced = (node: NodeRoom): PlacedInstance => ({
  node: node.name,
  attributes: node.attributes,
  ...(node.region === undefined ? {} : { region: node.region }),
  ...(node.zone === undefined ? {} : { zone: node.zone }),
});

/** Whether Marathon would launch one more there; what cannot be read counts as no. */
export function accepts(
  { field, operator, value = '' }: Constraint,
  node: NodeRoom,
  history: { placed: readonly PlacedInstance[]; total: number },
): boolean {
  const { placed } = history;
  if (operator === 'GROUP_BY' && !(Number(value) >= 1)) return false;
  const here = readField(field, asPlaced(node));
  if (here === undefined) return operator === 'UNLIKE';
  const values = placed.map((instance) => readField(field, instance));
  const same = values.filter((other) => other === here).length;
  switch (operator) {
    case 'LIKE':
    case 'UNLIKE':
      if (value === '' || value === UNREADABLE) return false;
      return new RegExp(`^(?:${value})$`, 'u').test(here) === (operator === 'LIKE');
    case 'IS':
      return here === value.replace(/^(\d+)\.0$/, '$1');
    case 'CLUSTER':
      return value === '' ? values.length === 0 || values[0] === here : here === value;
    case 'UNIQUE':
      return same === 0;
    case 'MAX_PER':
      return same === 0 || same < Number(value);
    case 'GROUP_BY':
      return acceptsGroup({ here, values, groups: Number(value), total: history.total });
  }
}

function acceptsGroup(group: {
  here: string;
  values: readonly (string | undefined)[];
  groups: number;
  total: number;
}): boolean {
  const counts = new Map<string | undefined, number>();
  for (const value of group.values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const mine = counts.get(group.here);
  if (mine === undefined) return counts.size < group.groups;
  const floor = Math.floor(group.total / group.groups);
  if (mine < floor) return true;
  let remainder = group.total % group.groups;
  for (const count of counts.values()) remainder -= Math.max(0, count - floor);
  return mine === floor && remainder > 0;
}

export interface State {
  readonly counts: Map<string, number>;
  readonly drawn: Map<string, number>;
  readonly placed: PlacedInstance[];
}

const thousandths = (amount: number): number => Math.round(amount * 1000);

function hasRoom(node: NodeRoom, { demand }: Ask, already: number): boolean {
  const times = already + 1;
  const enough = (free: number, each: number) =>
    thousandths(each) === 0 || thousandths(each) * times <= thousandths(free);
  const ports = new Set<number>();
  for (const [from, to] of node.ports) for (let port = from; port <= to; port++) ports.add(port);
  const { any, fixed } = demand.ports;
  if (fixed.length > 0 && (already > 0 || !fixed.every((port) => ports.has(port)))) return false;
  let [netIn, netOut] = [0, 0];
  for (const address of demand.addresses) {
    netIn += address.netInKbit;
    netOut += address.netOutKbit;
  }
  return (
    any * times + fixed.length <= ports.size &&
    enough(node.cpus, demand.cpus) &&
    enough(node.memMiB, demand.memMiB) &&
    enough(node.diskMiB, demand.diskMiB) &&
    enough(node.gpus, demand.gpus) &&
    enough(node.netInKbit, netIn) &&
    enough(node.netOutKbit, netOut)
  );
}

function launchable(room: Room, ask: Ask, node: NodeRoom, state: State): boolean {
  if (!node.offered) return false;
  const faraway = ask.constraints.some(({ field }) => field === '@region' || field === '@zone');
  const abroad = room.homeRegion !== undefined && node.region !== undefined;
  if (!faraway && abroad && node.region !== room.homeRegion) return false;
  const first = state.placed[0];
  const total = first === undefined ? 1 : (first.total ?? ask.total);
  return (
    hasRoom(node, ask, state.counts.get(node.name) ?? 0) &&
    ask.constraints.every((c) => accepts(c, node, { placed: state.placed, total }))
  );
}

/** Every way to take one address of each network from the pools that the node reaches. */
function draws(room: Room, ask: Ask, node: NodeRoom, state: State): string[][] {
  let ways: string[][] = [[]];
  for (const { network } of ask.demand.addresses) {
    const open = node.pools.filter((name) => {
      const pool = room.pools.get(name);
      return pool?.network === network && pool.free > (state.drawn.get(name) ?? 0);
    });
    ways = ways.flatMap((way) => open.map((pool) => [...way, pool]));
  }
  return ways;
}

const keyOf = (counts: Map<string, number>): string =>
  [...counts]
    .filter(([, n]) => n > 0)
    .sort()
    .join();

/** The most instances that can be launched; nothing beyond `within`, when given, is taken. */
export function bruteForce(room: Room, ask: Ask, within?: Witness): number {
  let most = 0;
  for (const end of endings(room, ask, within)) most = Math.max(most, end);
  return most;
}

const inside = (counts: Map<string, number>, most: ReadonlyMap<string, number>): boolean =>
  [...counts].every(([name, count]) => count <= (most.get(name) ?? 0));

/** How many were launched at each step of every way to go on; stops once all are. */
function* endings(room: Room, ask: Ask, within?: Witness): Generator<number> {
  const seen = new Set<string>();
  const todo: State[] = [{ counts: new Map(), drawn: new Map(), placed: [...ask.placed] }];
  for (let state = todo.pop(); state !== undefined; state = todo.pop()) {
    const launched = state.placed.length - ask.placed.length;
    yield launched;
    if (launched >= ask.instances) return;
    for (const next of following(room, ask, state)) {
      if (within && !inside(next.counts, within.nodes)) continue;
      if (within && !inside(next.drawn, within.pools)) continue;
      const key = `${keyOf(next.counts)}/${keyOf(next.drawn)}`;
      if (!seen.has(key)) todo.push(next);
      seen.add(key);
    }
  }
}

/** Every state that one more launch leads to. */
export function* following(room: Room, ask: Ask, state: State): Generator<State> {
  for (const node of room.nodes.values()) {
    if (!launchable(room, ask, node, state)) continue;
    for (const way of draws(room, ask, node, state)) {
      const drawn = new Map(state.drawn);
      for (const pool of way) drawn.set(pool, (drawn.get(pool) ?? 0) + 1);
      const counts = new Map(state.counts).set(node.name, (state.counts.get(node.name) ?? 0) + 1);
      yield { counts, drawn, placed: [...state.placed, asPlaced(node)] };
    }
  }
}

/** Whether asks without host ports fit side by side, by trying every way to place each of them. */
export function fitJointly(room: Room, [ask, ...others]: readonly Ask[]): boolean {
  if (ask === undefined) return true;
  const seen = new Set<string>();
  const todo: State[] = [{ counts: new Map(), drawn: new Map(), placed: [...ask.placed] }];
  for (let state = todo.pop(); state !== undefined; state = todo.pop()) {
    const isDone = state.placed.length - ask.placed.length >= ask.instances;
    if (isDone && fitJointly(beside(room, ask, state), others)) return true;
    if (isDone) continue;
    for (const next of following(room, ask, state)) {
      const key = `${keyOf(next.counts)}/${keyOf(next.drawn)}`;
      if (!seen.has(key)) todo.push(next);
      seen.add(key);
    }
  }
  return false;
}

function beside(room: Room, { demand }: Ask, { counts, drawn }: State): Room {
  const less = (free: number, each: number, count: number) =>
    Math.round((free - each * count) * 1e3) / 1e3;
  const nodes = [...room.nodes.values()].map((node): [string, NodeRoom] => {
    const count = counts.get(node.name) ?? 0;
    let [netIn, netOut] = [0, 0];
    for (const address of demand.addresses) {
      netIn += address.netInKbit;
      netOut += address.netOutKbit;
    }
    const left = {
      cpus: less(node.cpus, demand.cpus, count),
      memMiB: less(node.memMiB, demand.memMiB, count),
      diskMiB: less(node.diskMiB, demand.diskMiB, count),
      gpus: less(node.gpus, demand.gpus, count),
      netInKbit: less(node.netInKbit, netIn, count),
      netOutKbit: less(node.netOutKbit, netOut, count),
    };
    return [node.name, { ...node, ...left }];
  });
  const pools = [...room.pools].map(
    ([name, pool]) => [name, { ...pool, free: pool.free - (drawn.get(name) ?? 0) }] as const,
  );
  return { ...room, nodes: new Map(nodes), pools: new Map(pools) };
}
