import type { LeaseRecord } from './lease-record.ts';
import type { ReconcileStep } from './reconcile-step.ts';
import type { ReconcileInput } from './reconcile-input.ts';
import type { Rates } from './container-rates.ts';
import type { ContainerFacts, SeenEndpoint } from './docker-seen.ts';

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
  const { address, container } = endpoint;
  if (input.inFlight.has(address)) return []; // its lease is being written
  if (lease === undefined) return adoption(input, endpoint);
  const before = lease.container ?? container;
  if (before === container) return completion(input, endpoint, lease);
  const conflict = { kind: 'taken-over', address, container, before } as const;
  return [{ do: 'report', conflict }, ...adoption(input, endpoint)];
}

function adoption({ docker }: ReconcileInput, endpoint: SeenEndpoint): readonly ReconcileStep[] {
  const { address, network, container } = endpoint;
  if (network === undefined) {
    const says = 'its Docker network names no network of the ledger';
    return [{ do: 'report', conflict: { kind: 'foreign', address, container, says } }];
  }
  const { rates, ...end } = endpoint;
  const facts = withRates(docker.facts.get(container), rates);
  return [
    {
      do: 'adopt',
      endpoint: { ...end, network },
      by: 'docker',
      incarnation: incarnationOf(endpoint),
      ...(facts ? { facts } : {}),
    },
  ];
}

/** What the container says, and what others say of this end of it. */
const withRates = (
  facts: ContainerFacts | undefined,
  rates: Rates | undefined,
): ContainerFacts | undefined => facts && { ...facts, ...rates };

/** The same at every look at the same start of the container, and another at the next. */
const incarnationOf = ({ container, endpoint }: SeenEndpoint): string =>
  `adopted:${endpoint ?? container}`;

function completion(
  { docker }: ReconcileInput,
  { address, container, mac, rates }: SeenEndpoint,
  { incarnation, startedMs, container: named, mac: written }: LeaseRecord,
): readonly ReconcileStep[] {
  const facts = startedMs === undefined ? withRates(docker.facts.get(container), rates) : undefined;
  const otherMac = mac !== undefined && mac !== written;
  if (named === container && !otherMac && facts === undefined) return [];
  return [
    {
      do: 'complete',
      ...{ address, incarnation, container },
      ...(mac === undefined ? {} : { mac }),
      ...(facts ? { facts } : {}),
    },
  ];
}

/** Docker's own addresses, a bridge's gateway say: nobody else may get them either. */
const reservedOf = (
  { docker, inFlight }: ReconcileInput,
  leaseAt: ReadonlyMap<string, LeaseRecord>,
): readonly ReconcileStep[] =>
  [...docker.reserved]
    .filter(([, { givable }]) => givable)
    .filter(([address]) => !leaseAt.has(address) && !inFlight.has(address))
    .map(([address, { network }]) => ({
      do: 'adopt',
      endpoint: { address, network, container: '' },
      by: 'aux',
      incarnation: `aux:${address}`,
    }));
