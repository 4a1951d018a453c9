import { nameFault, valueFault } from './attributes-text.ts';
import { reaches } from './pool.ts';
import type { NodeRecord, NetworkRecord, PoolRecord } from './topology-record.ts';

/** What the ledger says about a node that does not change while it works: no free counts, ever. */
export interface NodeTopology {
  readonly node: string;
  readonly record: NodeRecord;
  readonly pools: ReadonlyMap<string, PoolRecord>;
  readonly networks: ReadonlyMap<string, NetworkRecord>;
  /** Attributes that the node has beside its record's; they may say which pools it reaches. */
  readonly others: ReadonlyMap<string, string>;
}

export interface NodeAttributes {
  /** Name to value, in Mesos' spelling. */
  readonly attributes: ReadonlyMap<string, string>;
  /** What the ledger says and Mesos cannot be told, in words. */
  readonly faults: readonly string[];
}

/** All that Corral itself names begins so; what else a file holds is the operator's. */
export const OWN_PREFIX = 'corral.';
const YES = 'yes';

export const isOwn = (name: string): boolean => name.startsWith(OWN_PREFIX);

/**
 * A node's attributes for Mesos: those of its record under their own names, `corral.pool.<pool>:yes` and
 * `corral.network.<network>:yes` for each that it reaches, and `corral.in`, `corral.out`: the uplink in Mbit/s.
 *
 * A name for each pool, not one list of all: Mesos lets a name be added to a running agent, and no text be
 * changed (reconfiguration_policy additive), and a constraint can ask for one name.
 */
export function attributesOf({
  node,
  record,
  pools,
  networks,
  others,
}: NodeTopology): NodeAttributes {
  const known = { ...Object.fromEntries(others), ...record.attributes };
  const networkOf = new Map(
    [...networks].flatMap(([network, { pools: named }]) => named.map((pool) => [pool, network])),
  );
  const reached = [...pools]
    .filter(([pool, { nodes }]) => networkOf.has(pool) && reaches(nodes, node, known))
    .map(([pool]) => pool);
  const served = new Set(reached.map((pool) => networkOf.get(pool) ?? ''));
  const wanted: [string, string][] = [
    ...Object.entries(record.attributes),
    ...reached.map((pool): [string, string] => [`${OWN_PREFIX}pool.${pool}`, YES]),
    ...[...served].map((network): [string, string] => [`${OWN_PREFIX}network.${network}`, YES]),
    [`${OWN_PREFIX}in`, mbit(record.linkInKbit)],
    [`${OWN_PREFIX}out`, mbit(record.linkOutKbit)],
  ];
  return checked(wanted);
}

/** Three decimals are all that Mesos keeps of a scalar: kbit/s are just that. */
const mbit = (kbit: number): string => String(kbit / 1_000);

function checked(wanted: readonly (readonly [string, string])[]): NodeAttributes {
  const attributes = new Map<string, string>();
  const faults: string[] = [];
  for (const [name, value] of wanted) {
    const wrongName = nameFault(name);
    const wrongValue = valueFault(value);
    if (wrongName !== undefined) faults.push(`attribute "${name}" is left out: ${wrongName}`);
    else if (wrongValue !== undefined)
      faults.push(`attribute "${name}" is left out, its value "${value}": ${wrongValue}`);
    else attributes.set(name, value);
  }
  return { attributes, faults };
}
