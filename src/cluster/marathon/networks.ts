import { BadBody } from '../errors.ts';
import type { DemandContext, Remark } from './demand-context.ts';
import type { DockerParameters } from './docker-parameters.ts';
import { member, objectAt, objectsAt, textAt, type Json, type JsonObject } from './json.ts';

export type NetworkMode = 'host' | 'container' | 'container/bridge';

/** A managed network that every instance takes one address on. */
export interface Joined {
  readonly network: string;
  /** As CNI gets them; what Docker does not get of them the ledger tells the node. */
  readonly labels?: Json;
  /** Of the labels. */
  readonly path: string;
}

export interface Networking {
  readonly mode: NetworkMode;
  readonly joined: readonly Joined[];
  readonly faults: readonly Remark[];
  readonly warnings: readonly Remark[];
}

interface Listed extends Joined {
  readonly mode: NetworkMode;
}

/** DOCKER unless the container says MESOS; an app without a container runs in MESOS. */
export const isDocker = (app: JsonObject): boolean => {
  const container = objectAt(app, 'container');
  return (
    container !== undefined && (textAt(container, 'type') ?? 'DOCKER').toUpperCase() === 'DOCKER'
  );
};

/** Each network listed, the bridge under the name that Mesos knows it by. */
function listedIn(spec: JsonObject, bridgeName: string): readonly Listed[] {
  return objectsAt(spec, 'networks').map((item, index) => {
    const path = `/networks(${index})`;
    const mode = (textAt(item, 'mode') ?? 'container').toLowerCase();
    if (mode !== 'host' && mode !== 'container' && mode !== 'container/bridge') {
      const errors = ['must be container, container/bridge or host'];
      throw new BadBody([{ path: `${path}/mode`, errors }]);
    }
    const network = mode === 'container/bridge' ? bridgeName : (textAt(item, 'name') ?? '');
    const labels = member(item, 'labels');
    return { mode, network, path: `${path}/labels`, ...(labels !== undefined && { labels }) };
  });
}

const unnamed = (listed: readonly Listed[]): readonly Remark[] =>
  listed
    .filter(({ mode, network }) => mode === 'container' && network === '')
    .map(({ path }) => ({
      path: path.replace('/labels', '/name'),
      message: 'the network has no name, and Marathon has no default network',
    }));

/** A network counts once, however often it is named. */
function managedOnly(joined: readonly Joined[], { networks }: DemandContext): readonly Joined[] {
  const first = new Map<string, Joined>();
  for (const { network, labels, path } of joined) {
    if (!networks.has(network) || first.has(network)) continue;
    first.set(network, { network, path, ...(labels !== undefined && { labels }) });
  }
  return [...first.values()];
}

/**
 * What a pod, or an app under Mesos' own containerizer, joins: one address per listed network.
 *
 * @throws BadBody for an unknown mode
 */
export function networksOf(spec: JsonObject, context: DemandContext): Networking {
  const listed = listedIn(spec, context.bridgeName);
  return {
    mode: listed[0]?.mode ?? 'host',
    joined: managedOnly(
      listed.filter(({ mode }) => mode !== 'host'),
      context,
    ),
    faults: unnamed(listed),
    warnings: [],
  };
}

/**
 * What an app under Docker joins: one network, by mode or by parameter. A parameter's network has no
 * labels. The bridge is docker0, which is host-local whatever Mesos calls its own.
 *
 * @see Marathon: api/serialization/ContainerSerializer, which sends Docker the name only
 */
export function dockerNetworksOf(
  app: JsonObject,
  context: DemandContext,
  { networks, replaces }: DockerParameters,
): Networking {
  const listed = listedIn(app, context.bridgeName);
  const byMode = listed.filter(({ mode }) => mode === 'container');
  const joined = [
    ...(replaces ? [] : byMode),
    ...networks.map(({ value: network, path }) => ({ network, path })),
  ];
  return {
    mode: listed[0]?.mode ?? 'host',
    joined: managedOnly(joined, context),
    faults: unnamed(listed),
    warnings: replaces ? lostLabels(byMode, context) : [],
  };
}

const lostLabels = (listed: readonly Listed[], { rateNames }: DemandContext): readonly Remark[] =>
  listed.flatMap(({ labels, path }) =>
    [rateNames.in, rateNames.out]
      .filter((name) => typeof labels === 'object' && labels !== null && name in labels)
      .map((name) => ({
        path: `${path}/${name}`,
        message: 'a parameter of Docker names another network, which these labels say nothing of',
      })),
  );
