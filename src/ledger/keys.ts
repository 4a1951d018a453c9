/**
 * Every key of the ledger, spelled once. All that a verdict rests on lies under `room`, so that one
 * watch sees each commit whole; leases and limits lie beside it and are never read to judge.
 *
 * App ids hold slashes, so they are percent-encoded as one segment.
 */
const ROOT = '/corral/v1';
const ROOM = `${ROOT}/room`;
/** A report's schedule, and its stamp there. */
export interface ReportPlace {
  readonly schedule: string;
  readonly stamp: string;
}

const segment = (name: string): string => encodeURIComponent(name);

export const prefixes = {
  room: `${ROOM}/`,
  networks: `${ROOM}/networks/`,
  pools: `${ROOM}/pools/`,
  blocks: `${ROOM}/blocks/`,
  births: `${ROOT}/births/`,
  blocksOf: (pool: string) => `${ROOM}/blocks/${segment(pool)}/`,
  nodes: `${ROOM}/nodes/`,
  tallies: `${ROOM}/tallies/`,
  reservations: `${ROOM}/reservations/`,
  held: `${ROOM}/held/`,
  injected: `${ROOM}/injected/`,
  appRates: `${ROOM}/app-rates/`,
  leases: `${ROOT}/leases/`,
  leasesOf: (node: string) => `${ROOT}/leases/${segment(node)}/`,
  limits: `${ROOT}/limits/`,
  limitsOf: (node: string) => `${ROOT}/limits/${segment(node)}/`,
  limitStatuses: `${ROOT}/limit-status/`,
  limitStatusesOf: (node: string) => `${ROOT}/limit-status/${segment(node)}/`,
  audit: `${ROOT}/audit/`,
  alive: `${ROOT}/alive/`,
  verdicts: `${ROOT}/verdicts/`,
  failures: `${ROOT}/failures/`,
  reports: `${ROOT}/reports/`,
  reportsOf: (schedule: string) => `${ROOT}/reports/${segment(schedule)}/`,
  reportPartsOf: (schedule: string) => `${ROOT}/report-parts/${segment(schedule)}/`,
  reportSchedules: `${ROOT}/report-schedules/`,
  reportOutbox: `${ROOT}/report-outbox/`,
  reportOutboxOf: (schedule: string) => `${ROOT}/report-outbox/${segment(schedule)}/`,
  starving: `${ROOT}/starving/`,
  reconciled: `${ROOT}/reconciled/`,
  elections: `${ROOT}/elections/`,
  fence: `${ROOT}/fence/`,
  fences: `${ROOT}/fence/nodes/`,
  fenceOrders: `${ROOT}/fence/orders/`,
} as const;

export const keys = {
  network: (network: string) => prefixes.networks + segment(network),
  pool: (pool: string) => prefixes.pools + segment(pool),
  /** `n` is the block's index in its pool, up to 2^56 in a /64; padded, so that blocks list in order. */
  block: (pool: string, n: number | bigint) =>
    prefixes.blocksOf(pool) + String(n).padStart(17, '0'),
  /** Moves with every new block of a pool, and nobody who makes one is guarded by it. */
  births: (pool: string) => prefixes.births + segment(pool),
  node: (node: string) => prefixes.nodes + segment(node),
  tally: (node: string) => prefixes.tallies + segment(node),
  admission: `${ROOM}/admission`,
  reservation: (app: string) => prefixes.reservations + segment(app),
  held: (app: string) => prefixes.held + segment(app),
  injected: (app: string) => prefixes.injected + segment(app),
  appRates: (app: string) => prefixes.appRates + segment(app),
  lease: (node: string, address: string) => prefixes.leasesOf(node) + segment(address),
  limit: (node: string, address: string) => prefixes.limitsOf(node) + segment(address),
  /** What the node's agent says of the limit; people write the limit's key and read this one. */
  limitStatus: (node: string, address: string) => prefixes.limitStatusesOf(node) + segment(address),
  audit: (id: string) => prefixes.audit + segment(id),
  /** There while `corral ledger rebuild` runs: nothing new is given out. */
  rebuilding: `${ROOM}/rebuilding`,
  /** A node found no address in the pool while others keep some in stock. */
  starving: (pool: string, node: string) => prefixes.starving + segment(pool) + '/' + segment(node),
  /** When a node last compared its containers with the ledger. */
  reconciled: (node: string) => prefixes.reconciled + segment(node),
  alive: (node: string) => prefixes.alive + segment(node),
  verdict: (id: string) => prefixes.verdicts + segment(id),
  failure: (id: string) => prefixes.failures + segment(id),
  report: ({ schedule, stamp }: ReportPlace) => prefixes.reportsOf(schedule) + segment(stamp),
  /** A piece of a report's rows; padded, so that pieces list in order. */
  reportPart: ({ schedule, stamp }: ReportPlace, n: number) =>
    `${prefixes.reportPartsOf(schedule)}${segment(stamp)}/${String(n).padStart(4, '0')}`,
  reportSchedule: (schedule: string) => prefixes.reportSchedules + segment(schedule),
  reportOutbox: ({ schedule, stamp }: ReportPlace) =>
    prefixes.reportOutboxOf(schedule) + segment(stamp),
  election: (name: string) => prefixes.elections + segment(name),
  /** A node that we took out of Mesos' offers. */
  fence: (node: string) => prefixes.fences + segment(node),
  /** What people say of a node's fence. */
  fenceOrder: (node: string) => prefixes.fenceOrders + segment(node),
} as const;

/** The last segment of a key under `prefix`: a pool's, node's, network's or app's name. */
export const nameIn = (prefix: string, key: string): string =>
  decodeURIComponent(key.slice(prefix.length));

/** What a key under `prefixes.blocks` means; undefined when it is not one of ours. */
export function blockIn(key: string): { readonly pool: string; readonly n: bigint } | undefined {
  const [pool, n, more] = key.slice(prefixes.blocks.length).split('/');
  if (pool === undefined || n === undefined || more !== undefined || !/^\d{17}$/.test(n))
    return undefined;
  return { pool: decodeURIComponent(pool), n: BigInt(n) };
}

/** What a key under `prefixes.starving` means; undefined when it is not one of ours. */
export const starvingIn = (
  key: string,
): { readonly pool: string; readonly node: string } | undefined => {
  const place = holdingOf(prefixes.starving, key);
  return place && { pool: place.node, node: place.address };
};

/** What a key under `prefixes.leases` or `prefixes.limits` means; undefined when it is not one of ours. */
export function holdingOf(
  prefix: string,
  key: string,
): { readonly node: string; readonly address: string } | undefined {
  const [node, address, more] = key.slice(prefix.length).split('/');
  if (node === undefined || address === undefined || more !== undefined) return undefined;
  try {
    return { node: decodeURIComponent(node), address: decodeURIComponent(address) };
  } catch {
    return undefined; // anyone may write beside our keys
  }
}
