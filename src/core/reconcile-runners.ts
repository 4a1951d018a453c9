import type { LeaseRecord } from './records.ts';
import type { ContainerFacts, ReconcileInput, ReconcileStep, SeenEndpoint } from './reconcile.ts';

/**
 * What becomes of everything that runs: it has a lease that says all there is to say, gets one, or is
 * reported. One address is one lease, so of two containers on it the ledger can name one only.
 */
export function runnersOf(input: ReconcileInput): readonly ReconcileStep[] {
  const leaseAt = new Map(input.leases.map(({ address, lease }) => [address, lease]));
  const steps: ReconcileStep[] = [];
  for (const [address, holders] of byAddress(input.docker.endpoints)) {
    const containers = holders.map(({ container }) => container);
    const lease = leaseAt.get(address);
    const holder = holders.find(({ container }) => container === lease?.container) ?? holders[0];
    if (holders.length > 1)
      steps.push({ do: 'report', conflict: { kind: 'double', address, containers } });
    if (holder) steps.push(...stepsFor(input, holder, lease));
  }
  return [...steps, ...reservedOf(input, leaseAt)];
}

/** Sorted, so that the same two containers are always told apart the same way. */
function byAddress(endpoints: readonly SeenEndpoint[]): ReadonlyMap<string, SeenEndpoint[]> {
  const all = new Map<string, Map<string, SeenEndpoint>>();
  for (const endpoint of endpoints) {
    const at = all.get(endpoint.address) ?? new Map<string, SeenEndpoint>();
    at.set(endpoint.container, endpoint);
    all.set(endpoint.address, at);
  }
  return new Map(
    [...all].map(([address, holders]) => [
      address,
      [...holders.values()].sort((a, b) => (a.container < b.container ? -1 : 1)),
    ]),
  );
}

function stepsFor(
  input: ReconcileInput,
  endpoint: SeenEndpoint,
  lease: LeaseRecord | undefined,
): readonly ReconcileStep[] {
  const { address, network, container } = endpoint;
  if (lease) return completion(input, endpoint, lease);
  if (input.inFlight.has(address)) return []; // its lease is being written
  if (network === undefined) {
    const says = 'its Docker network names no network of the ledger';
    return [{ do: 'report', conflict: { kind: 'foreign', address, container, says } }];
  }
  const facts = input.docker.facts.get(container);
  return [
    {
      do: 'adopt',
      endpoint: { ...endpoint, network },
      by: 'docker',
      incarnation: incarnationOf(endpoint),
      ...(facts ? { facts } : {}),
    },
  ];
}

/** The same at every look at the same start of the container, and another at the next. */
const incarnationOf = ({ container, endpoint }: SeenEndpoint): string =>
  `adopted:${endpoint ?? container}`;

function completion(
  { docker, inFlight }: ReconcileInput,
  endpoint: SeenEndpoint,
  lease: LeaseRecord,
): readonly ReconcileStep[] {
  const { address, container, mac } = endpoint;
  if (inFlight.has(address) || lease.by === 'aux') return [];
  const before = lease.container ?? container;
  const facts = docker.facts.get(container);
  const news = newsOf(endpoint, lease, facts);
  const steps: ReconcileStep[] = [];
  if (before !== container)
    steps.push({ do: 'report', conflict: { kind: 'taken-over', address, container, before } });
  if (news) {
    const { incarnation } = lease;
    const named = { address, incarnation, container, ...(mac === undefined ? {} : { mac }) };
    steps.push({ do: 'complete', ...named, ...news });
  }
  return steps;
}

/** What the lease does not say yet; undefined when it says all there is. */
function newsOf(
  { container, mac }: SeenEndpoint,
  lease: LeaseRecord,
  facts: ContainerFacts | undefined,
): { readonly facts?: ContainerFacts } | undefined {
  const other = lease.container !== container;
  if (facts && (lease.startedMs === undefined || (other && lease.container !== undefined)))
    return { facts };
  return other || (mac !== undefined && mac !== lease.mac) ? {} : undefined;
}

/** Docker's own addresses, a bridge's gateway say: nobody else may get them either. */
const reservedOf = (
  { docker, inFlight }: ReconcileInput,
  leaseAt: ReadonlyMap<string, LeaseRecord>,
): readonly ReconcileStep[] =>
  [...docker.reserved]
    .filter(([address]) => !leaseAt.has(address) && !inFlight.has(address))
    .map(([address, network]) => ({
      do: 'adopt',
      endpoint: { address, network, container: '' },
      by: 'aux',
      incarnation: `aux:${address}`,
    }));
