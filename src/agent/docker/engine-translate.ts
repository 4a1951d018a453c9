import type { WireContainer, WireNetwork, WirePool, WireSummary } from './engine-wire.ts';

/** Docker's answers in our words: lists instead of null, absent instead of empty text. */

type Texts = Readonly<Record<string, string>>;

/** One subnet of a Docker network, as its IPAM driver was asked for it. */
export interface EnginePool {
  readonly subnet: string;
  readonly range?: string;
  readonly gateway?: string;
  readonly aux: Texts;
}

/** A container's end of a network. */
export interface Endpoint {
  readonly endpointId: string;
  readonly mac?: string;
  /** Without prefix. */
  readonly address?: string;
  readonly address6?: string;
}

export interface EngineNetwork {
  readonly id: string;
  readonly name: string;
  /** Of the network: bridge, macvlan… */
  readonly driver: string;
  readonly scope: string;
  readonly internal: boolean;
  readonly ipv6: boolean;
  readonly ipam: {
    readonly driver: string;
    readonly options: Texts;
    readonly pools: readonly EnginePool[];
  };
  readonly options: Texts;
  readonly labels: Texts;
  /** Container id -> its end. Empty in a list of networks. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
}

export interface Attached extends Endpoint {
  readonly network: string;
  readonly networkId?: string;
}

export type ContainerState =
  'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

export interface Summary {
  readonly id: string;
  readonly name: string;
  /** One of ContainerState with today's Docker. */
  readonly state: string;
  readonly createdMs: number;
  readonly labels: Texts;
  readonly attached: readonly Attached[];
}

export interface EngineContainer {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly running: boolean;
  readonly restarting: boolean;
  /** 0 when it does not run. */
  readonly pid: number;
  readonly exitCode: number;
  /** Why it did not start. */
  readonly fault?: string;
  readonly restart: { readonly policy: string; readonly most: number };
  readonly networkMode: string;
  /** It may mount what it likes over its own /sys and /proc. */
  readonly mayMount: boolean;
  readonly labels: Texts;
  /** Hostile: whoever wrote the app's definition wrote it. Later lines win, as they do in Docker. */
  readonly env: ReadonlyMap<string, string>;
  readonly sandbox?: string;
  readonly attached: readonly Attached[];
}

/** A network to be made. */
export interface NetworkSpec {
  readonly name: string;
  readonly driver: string;
  readonly ipam: {
    readonly driver: string;
    readonly options: Texts;
    readonly pools: readonly EnginePool[];
  };
  readonly ipv6: boolean;
  readonly options: Texts;
  readonly labels: Texts;
}

const said = <K extends string>(name: K, value: string | undefined): Partial<Record<K, string>> =>
  value === undefined || value === '' ? {} : ({ [name]: value } as Record<K, string>);

const bare = (address: string | undefined): string | undefined => address?.split('/')[0];

const poolOf = (pool: WirePool): EnginePool => ({
  subnet: pool.Subnet,
  ...said('range', pool.IPRange),
  ...said('gateway', bare(pool.Gateway)),
  aux: pool.AuxiliaryAddresses ?? {},
});

export const networkOf = (network: WireNetwork): EngineNetwork => ({
  id: network.Id,
  name: network.Name,
  driver: network.Driver,
  scope: network.Scope,
  internal: network.Internal,
  ipv6: network.EnableIPv6,
  ipam: {
    driver: network.IPAM.Driver ?? '',
    options: network.IPAM.Options ?? {},
    pools: (network.IPAM.Config ?? []).map(poolOf),
  },
  options: network.Options ?? {},
  labels: network.Labels ?? {},
  endpoints: new Map(
    Object.entries(network.Containers ?? {}).map(([id, end]) => [
      id,
      {
        endpointId: end.EndpointID ?? '',
        ...said('mac', end.MacAddress),
        ...said('address', bare(end.IPv4Address)),
        ...said('address6', bare(end.IPv6Address)),
      },
    ]),
  ),
});

type WireNetworks = NonNullable<WireContainer['NetworkSettings']['Networks']>;

const attachedOf = (networks: WireNetworks | null | undefined): readonly Attached[] =>
  Object.entries(networks ?? {}).map(([network, end]) => ({
    network,
    endpointId: end.EndpointID ?? '',
    ...said('networkId', end.NetworkID),
    ...said('mac', end.MacAddress),
    ...said('address', end.IPAddress),
    ...said('address6', end.GlobalIPv6Address),
  }));

export const summaryOf = (container: WireSummary): Summary => ({
  id: container.Id,
  name: (container.Names?.[0] ?? '').replace(/^\//, ''),
  state: container.State,
  createdMs: container.Created * 1_000,
  labels: container.Labels ?? {},
  attached: attachedOf(container.NetworkSettings?.Networks),
});

export const containerOf = (container: WireContainer): EngineContainer => ({
  id: container.Id,
  name: container.Name.replace(/^\//, ''),
  state: container.State.Status,
  running: container.State.Running,
  restarting: container.State.Restarting,
  pid: container.State.Pid,
  exitCode: container.State.ExitCode,
  ...said('fault', container.State.Error),
  restart: {
    policy: container.HostConfig.RestartPolicy?.Name || 'no',
    most: container.HostConfig.RestartPolicy?.MaximumRetryCount ?? 0,
  },
  networkMode: container.HostConfig.NetworkMode ?? '',
  mayMount: mayMount(container.HostConfig),
  labels: container.Config.Labels ?? {},
  env: new Map((container.Config.Env ?? []).map(variableIn)),
  ...said('sandbox', container.NetworkSettings.SandboxKey),
  attached: attachedOf(container.NetworkSettings.Networks),
});

const MOUNTERS = /^(CAP_)?(SYS_ADMIN|ALL)$/;

const mayMount = ({ Privileged, CapAdd }: WireContainer['HostConfig']): boolean =>
  Privileged === true || (CapAdd ?? []).some((name) => MOUNTERS.test(name));

function variableIn(line: string): readonly [string, string] {
  const at = line.indexOf('=');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}

/** The body of POST /networks/create. */
export const specWritten = (spec: NetworkSpec): object => ({
  Name: spec.name,
  CheckDuplicate: true,
  Driver: spec.driver,
  EnableIPv6: spec.ipv6,
  IPAM: {
    Driver: spec.ipam.driver,
    Options: spec.ipam.options,
    Config: spec.ipam.pools.map(({ subnet, range, gateway, aux }) => ({
      Subnet: subnet,
      ...(range !== undefined && { IPRange: range }),
      ...(gateway !== undefined && { Gateway: gateway }),
      ...(Object.keys(aux).length > 0 && { AuxiliaryAddresses: aux }),
    })),
  },
  Options: spec.options,
  Labels: spec.labels,
});
