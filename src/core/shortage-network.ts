import { poolSide, sum } from './place-sides.ts';
import { solve } from './place-solve.ts';
import { networksOf, survey, type Survey } from './place-survey.ts';
import type { Ask, Room } from './room.ts';

export interface NetworkShortage {
  readonly network: string;
  /** Addresses free in the pools that the candidates reach. */
  readonly free: number;
  /** Those pools, and the candidates that reach them. */
  readonly pools: number;
  readonly nodes: number;
  /** Instances with an address of this network on a node that has room for them. */
  readonly holds: number;
}

/** What has been found out about the whole room. */
interface Found {
  readonly network: string;
  /** By all of the ask's networks, when it is at hand. */
  readonly surveyed: Survey | undefined;
  /** Lists of pools, and how many candidates reach them. */
  readonly reaches: ReadonlyMap<readonly string[], number>;
}

/** One network looked at as if the ask's others had addresses enough. */
export function networkShortage(
  room: Room,
  ask: Ask,
  { network, surveyed, reaches }: Found,
): NetworkShortage {
  const { classes, networks } = surveyOf(room, ask, { network, surveyed });
  const sides = networks.map((one, i) => poolSide(classes, one, i));
  const caps = classes.map(({ fits }) => sum(fits));
  const { total } = solve({ caps, sides, limit: ask.instances });
  return { network, ...reached(room, reaches, network), holds: total };
}

/** Where the ask has this network alone, nobody has to look again. */
function surveyOf(
  room: Room,
  ask: Ask,
  { network, surveyed }: Pick<Found, 'network' | 'surveyed'>,
): Survey {
  const [one, ...others] = surveyed?.networks ?? [];
  if (surveyed && one?.name === network && others.length === 0) return surveyed;
  return survey(
    room,
    ask,
    networksOf(room, ask).filter(({ name }) => name === network),
  );
}

function reached(room: Room, reaches: Found['reaches'], network: string) {
  const free = new Map<string, number>();
  let nodes = 0;
  for (const [pools, count] of reaches) {
    const mine = pools.filter((pool) => room.pools.get(pool)?.network === network);
    for (const pool of mine) free.set(pool, Math.max(0, room.pools.get(pool)?.free ?? 0));
    if (mine.length > 0) nodes += count;
  }
  return { free: sum([...free.values()]), pools: free.size, nodes };
}
