import type { TallyRecord } from './lease-record.ts';

interface AppLeases {
  /** Leases by network. */
  readonly networks: Map<string, number>;
  /** Instances by node: the most leases that the app has there on one network. */
  readonly nodes: Map<string, number>;
}

type ByNetwork = Readonly<Record<string, number>>;

const NONE: ReadonlyMap<string, number> = new Map();

const countsOf = (tally: TallyRecord | undefined, app: string): ByNetwork =>
  tally !== undefined && Object.hasOwn(tally.apps, app) ? (tally.apps[app] ?? {}) : {};

const most = (counts: Iterable<number>): number => {
  let highest = 0;
  for (const count of counts) if (count > highest) highest = count;
  return highest;
};

const add = (counts: Map<string, number>, name: string, difference: number): void => {
  const count = (counts.get(name) ?? 0) + difference;
  if (count === 0) counts.delete(name);
  else counts.set(name, count);
};

const same = (one: ByNetwork, other: ByNetwork): boolean => {
  const networks = Object.keys(one);
  return (
    networks.length === Object.keys(other).length &&
    networks.every((network) => one[network] === other[network])
  );
};

/** Leases by app, kept in step with the tallies: one change costs the apps of one node. */
export class LeaseCounts {
  readonly #apps = new Map<string, AppLeases>();

  /** @returns the apps whose leases on `node` changed */
  change(node: string, before: TallyRecord | undefined, after: TallyRecord | undefined): string[] {
    const apps = new Set([...Object.keys(before?.apps ?? {}), ...Object.keys(after?.apps ?? {})]);
    return [...apps].filter((app) =>
      this.#changeApp(app, node, [countsOf(before, app), countsOf(after, app)]),
    );
  }

  #changeApp(app: string, node: string, [before, after]: readonly [ByNetwork, ByNetwork]): boolean {
    if (same(before, after)) return false;
    const leases = this.#apps.get(app) ?? { networks: new Map(), nodes: new Map() };
    for (const [network, count] of Object.entries(before)) add(leases.networks, network, -count);
    for (const [network, count] of Object.entries(after)) add(leases.networks, network, count);
    const instances = most(Object.values(after));
    if (instances === 0) leases.nodes.delete(node);
    else leases.nodes.set(node, instances);
    if (leases.nodes.size === 0 && leases.networks.size === 0) this.#apps.delete(app);
    else this.#apps.set(app, leases);
    return true;
  }

  /**
   * Instances of `app` as the leases show them: the most on one network, as an instance takes one
   * address of each of its networks.
   */
  heldBy(app: string): number {
    return most(this.#apps.get(app)?.networks.values() ?? []);
  }

  /** Leases of `app` on one network. */
  heldOf(app: string, network: string): number {
    return this.#apps.get(app)?.networks.get(network) ?? 0;
  }

  /** Instances of `app` by node; live, changes with the tallies. */
  heldOn(app: string): ReadonlyMap<string, number> {
    return this.#apps.get(app)?.nodes ?? NONE;
  }
}
