import { canonicalAddress, formatAddress, parseAddress } from '../core/address.ts';
import { type ContainerSays, factsOf, type FactNames } from '../core/container-facts.ts';
import { isUsable } from '../core/pool.ts';
import { isDown } from '../core/reconcile-evidence.ts';
import { toInspect } from '../core/reconcile.ts';
import type { NodeLeaseSeen } from '../core/reconcile-input.ts';
import type {
  ContainerFacts,
  DockerLook,
  Reserved,
  SeenContainer,
  SeenEndpoint,
} from '../core/docker-seen.ts';
import type { Desk } from '../ledger/desk.ts';
import type { Read } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { EngineContainer, EngineNetwork, Summary } from './docker/engine-translate.ts';
import type { Engine } from './docker/engine.ts';
import { askedRates } from './asked-rates.ts';
import { fewAtOnce } from './few-at-once.ts';
import { networkNamed, type NamedNetwork, poolOf } from './named-network.ts';

export interface LookDeps {
  readonly engine: Pick<Engine, 'networks' | 'network' | 'containers' | 'container'>;
  readonly desk: Pick<Desk, 'pools' | 'poolNamed'>;
  readonly store: Pick<Read, 'get'>;
  /** The name under which Docker knows our IPAM driver. */
  readonly plugin: string;
  readonly factNames: FactNames;
  readonly clock: Clock;
  readonly log: Log;
  /** What a container says in a way that cannot be used. */
  readonly onOdd?: (container: string, odd: ContainerSays['faults']) => void;
}

/** A Docker network whose addresses we give, with all its ends. */
export interface OurNetwork {
  readonly docker: EngineNetwork;
  /** Undefined when it names no network, or a pool that the ledger does not have. */
  readonly named: NamedNetwork | undefined;
}

/**
 * Looks at everything that Docker has of ours. It is whole or it throws: an answer that is missing is
 * no proof of absence.
 *
 * @throws DockerUnreachable, DockerRefused, BadDockerAnswer, and as Desk.pools
 */
export async function lookAtDocker(
  deps: LookDeps,
  leases: readonly NodeLeaseSeen[],
  signal: AbortSignal,
): Promise<DockerLook> {
  const networks = await ourNetworks(deps, signal);
  const summaries = await deps.engine.containers('all', signal);
  const seen = {
    endpoints: endpointsOf(networks, summaries),
    containers: containersOf(networks, summaries),
    ...keptOf(networks),
  };
  const details = await inspected(deps, toInspect(seen, leases), signal);
  const facts = new Map([...details].map(([id, one]) => [id, factsAbout(deps, one)]));
  return {
    ...seen,
    endpoints: await fewAtOnce(seen.endpoints, (end) => withRates(deps, end, { facts, signal })),
    containers: withPolicies(seen.containers, details),
    facts,
  };
}

type LabelledEndpoint = SeenEndpoint & Pick<EngineNetwork, 'labels'>;

async function withRates(
  { store, factNames, onOdd }: LookDeps,
  { labels, ...end }: LabelledEndpoint,
  { facts, signal }: { facts: ReadonlyMap<string, ContainerFacts>; signal: AbortSignal },
): Promise<SeenEndpoint> {
  const said = facts.get(end.container);
  if (said === undefined) return end;
  const { container, network } = end;
  const asking = { container, app: said.app, network, labels };
  const deps = { store, names: factNames.rates, onOdd };
  return { ...end, rates: await askedRates(deps, said, asking, signal) };
}

async function ourNetworks(
  { engine, desk, plugin }: LookDeps,
  signal: AbortSignal,
): Promise<readonly OurNetwork[]> {
  const ours = (await engine.networks(signal)).filter(({ ipam }) => ipam.driver === plugin);
  const found = await fewAtOnce(ours, async ({ id }): Promise<OurNetwork | undefined> => {
    const docker = await engine.network(id, signal);
    return docker && { docker, named: await networkNamed(desk, docker, signal) };
  });
  return found.filter((network) => network !== undefined);
}

/**
 * What the networks show, and what containers that are up show of themselves. One that did not start
 * goes on showing the address that Docker has taken back.
 */
function endpointsOf(
  networks: readonly OurNetwork[],
  summaries: readonly Summary[],
): readonly LabelledEndpoint[] {
  const up = summaries.filter(({ state }) => !isDown(state));
  return networks.flatMap(({ docker, named }) => {
    const ends = [
      ...docker.endpoints,
      ...up.flatMap(({ id, attached }) =>
        attached
          .filter(({ networkId }) => networkId === docker.id)
          .map((end) => [id, end] as const),
      ),
    ];
    return ends.flatMap(([container, { address, address6, mac, endpointId }]) =>
      [address, address6]
        .filter((one) => one !== undefined)
        .map((one): LabelledEndpoint => {
          const canonical = canonicalAddress(one);
          const pool = named && poolOf(named, canonical);
          return {
            ...{ address: canonical, network: named?.network, container, labels: docker.labels },
            ...(pool === undefined ? {} : { pool }),
            ...(mac === undefined ? {} : { mac }),
            ...(endpointId === '' ? {} : { endpoint: endpointId }),
          };
        }),
    );
  });
}

/** Attached without an address in either of Docker's answers: in the middle of something. */
function containersOf(
  networks: readonly OurNetwork[],
  summaries: readonly Summary[],
): ReadonlyMap<string, SeenContainer> {
  const networkOf = new Map(networks.map((one) => [one.docker.id, one]));
  return new Map(
    summaries.map(({ id, state, attached }) => {
      const bare = attached
        .filter(({ address, address6 }) => address === undefined && address6 === undefined)
        .map(({ networkId }) => networkOf.get(networkId ?? ''))
        .filter((network) => network !== undefined && !network.docker.endpoints.has(id))
        .flatMap((network) => network?.named?.network ?? []);
      return [id, { state, bare: new Set(bare) }];
    }),
  );
}

function keptOf(networks: readonly OurNetwork[]): Pick<DockerLook, 'reserved' | 'gatewayUnsaid'> {
  const reserved = new Map<string, Reserved>();
  const gatewayUnsaid = new Set<string>();
  for (const { docker, named } of networks) {
    if (named === undefined) continue;
    const { network, pools } = named;
    for (const { gateway, aux } of docker.ipam.pools) {
      if (gateway === undefined) gatewayUnsaid.add(network);
      for (const text of [...(gateway === undefined ? [] : [gateway]), ...Object.values(aux)]) {
        const address = parseAddress(text);
        const givable = pools.some(({ space }) => isUsable(space, address));
        reserved.set(formatAddress(address), { network, givable });
      }
    }
  }
  return { reserved, gatewayUnsaid };
}

/** One that does not answer, because it is being started say, is left for the next look. */
async function inspected(
  { engine, log }: LookDeps,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, EngineContainer>> {
  const found = await fewAtOnce(ids, (id) =>
    engine.container(id, signal).catch((fault: unknown) => {
      signal.throwIfAborted();
      log.debug('a container could not be inspected', { container: id, fault: String(fault) });
      return undefined;
    }),
  );
  return new Map(found.filter((one) => one !== undefined).map((one) => [one.id, one]));
}

const withPolicies = (
  containers: ReadonlyMap<string, SeenContainer>,
  details: ReadonlyMap<string, EngineContainer>,
): ReadonlyMap<string, SeenContainer> =>
  new Map(
    [...containers].map(([id, container]) => {
      const policy = details.get(id)?.restart.policy;
      return [id, policy === undefined ? container : { ...container, restarts: policy !== 'no' }];
    }),
  );

/** Once it has started; the faults in what it says are told, once for all of its addresses. */
export function factsAbout(
  { factNames, clock, onOdd }: Pick<LookDeps, 'factNames' | 'clock' | 'onOdd'>,
  container: Pick<EngineContainer, 'id' | 'env' | 'labels'>,
): ContainerFacts {
  const { faults, ...says } = factsOf(container, factNames);
  if (faults.length > 0) onOdd?.(container.id, faults);
  return { ...says, startedMs: clock.now() };
}
