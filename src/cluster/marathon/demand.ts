import { firstHeard, type Rates } from '../../core/container-rates.ts';
import type { AddressDemand } from '../../core/demand.ts';
import { BadBody } from '../errors.ts';
import { constraintsOfApp } from './constraints-of.ts';
import type { AppDemand, DemandContext, Remark } from './demand-context.ts';
import { dockerParametersOf, type DockerParameters } from './docker-parameters.ts';
import { labelIn, totalOf, wishIn, type Wish } from './env.ts';
import { BypassedEnv, SharedAddress } from './errors.ts';
import { figureAt, MOST_INSTANCES, sumOf } from './figures.ts';
import { member, objectAt, objectsAt, type JsonObject } from './json.ts';
import { dockerNetworksOf, isDocker, networksOf, type Joined } from './networks.ts';
import { isResident, singleInstanceFaults, upgradeOfApp } from './peak-of.ts';
import { portsOf } from './ports.ts';

/** What the environment asks for in each direction. */
export interface Wishes {
  readonly in: readonly Wish[];
  readonly out: readonly Wish[];
}

/**
 * What one instance of an app takes, and how many there are to be.
 *
 * @param app  a full definition in canonical form: networks[] filled, no legacy fields
 * @throws     BadBody, UnusableRate, SecretRate, BypassedEnv, SharedAddress: figures that cannot
 *             be counted on
 */
export function demandOfApp(app: JsonObject, context: DemandContext): AppDemand {
  const parameters = isDocker(app)
    ? dockerParametersOf(app, Object.values(context.rateNames))
    : undefined;
  const networking = parameters
    ? dockerNetworksOf(app, context, parameters)
    : networksOf(app, context);
  const { joined, mode } = networking;
  const instances = instancesOf(app);
  const managed = joined.length > 0;
  const fixed = managed && parameters ? fixedAddresses(parameters, instances) : [];
  const upgrade = upgradeOfApp(app);
  const { constraints, faults } = constraintsOfApp(app);
  const first = parameters ? 'env' : 'labels';
  const counted = joined.map(addressWith({ ...wishesOf(app, context, managed), first }, context));
  return {
    managed,
    demand: {
      ...resourcesOf(app),
      ports: portsOf(app, mode),
      addresses: counted.map(({ address }) => address),
    },
    labelled: parameters ? labelledIn(counted) : {},
    instances,
    constraints,
    upgrade,
    resident: isResident(app),
    faults: [...networking.faults, ...faults, ...singleInstanceFaults(app, instances, upgrade)],
    warnings: [...networking.warnings, ...fixed],
  };
}

const instancesOf = (app: JsonObject): number =>
  figureAt(app, 'instances', '', { otherwise: 1, most: MOST_INSTANCES, whole: true });

/** Nobody limits an app outside the managed networks, so what its environment says is its own. */
const wishesOf = (app: JsonObject, context: DemandContext, managed: boolean): Wishes => {
  const { rateNames, secretPolicy } = context;
  const wish = (name: string): readonly Wish[] =>
    managed ? [wishIn(app['env'], { name, path: '/env' }, secretPolicy)] : [];
  return { in: wish(rateNames.in), out: wish(rateNames.out) };
};

export interface Counted {
  readonly address: AddressDemand;
  /** What of it a label said. */
  readonly labelled: Rates;
}

/**
 * A label speaks for its own network. Where CNI gets it, it wins, since CNI sees nothing else. Docker does
 * not get it, and the agent hears the environment first.
 */
export const addressWith =
  (wishes: Wishes & { readonly first: 'env' | 'labels' }, context: DemandContext) =>
  ({ network, labels, path }: Joined): Counted => {
    const { rateNames, networks } = context;
    const { defaultInKbit = 0, defaultOutKbit = 0 } = networks.get(network) ?? {};
    const label = (name: string, asked: readonly Wish[]): number | undefined =>
      wishes.first === 'env' && asked.some((wish) => wish !== undefined)
        ? undefined
        : labelIn(labels, { name, path });
    const netIn = label(rateNames.in, wishes.in);
    const netOut = label(rateNames.out, wishes.out);
    const address = {
      network,
      netInKbit: countable(netIn ?? totalOf(wishes.in, defaultInKbit), rateNames.in),
      netOutKbit: countable(netOut ?? totalOf(wishes.out, defaultOutKbit), rateNames.out),
    };
    return { address, labelled: firstHeard([{ netInKbit: netIn, netOutKbit: netOut }]) };
  };

const labelledIn = (counted: readonly Counted[]): AppDemand['labelled'] =>
  Object.fromEntries(
    counted
      .filter(({ labelled }) => Object.keys(labelled).length > 0)
      .map(({ address: { network }, labelled }) => [network, labelled]),
  );

function countable(kbit: number, name: string): number {
  if (Number.isSafeInteger(kbit)) return kbit;
  throw new BadBody([{ path: '/', errors: [`the sum of ${name} is over 2^53 kbit/s`] }]);
}

/** Docker parameters that cannot be counted are refused; one fixed address is only remarked on. */
function fixedAddresses(
  { bypasses, fixed }: DockerParameters,
  instances: number,
): readonly Remark[] {
  const [bypass] = bypasses;
  if (bypass) throw new BypassedEnv(bypass.path, bypass.key);
  const [first] = fixed;
  if (first && instances > 1) throw new SharedAddress(first.path, first.key, instances);
  return fixed.map(({ path, key }) => ({
    path,
    message: `"${key}" fixes an address, so an upgrade cannot run old and new side by side`,
  }));
}

/** Volumes that outlive their task take disk beside the sandbox. */
function resourcesOf(app: JsonObject) {
  const figure = (key: string, otherwise: number): number => figureAt(app, key, '', { otherwise });
  const volumes = objectsAt(objectAt(app, 'container') ?? {}, 'volumes');
  return {
    cpus: figure('cpus', 1),
    memMiB: figure('mem', 128),
    diskMiB: sumOf([figure('disk', 0), ...persistentMiB(volumes, '/container/volumes')]),
    gpus: figureAt(app, 'gpus', '', { otherwise: 0, whole: true }),
  };
}

/** Sizes of the persistent volumes among `volumes`, MiB. */
export const persistentMiB = (volumes: readonly JsonObject[], path: string): readonly number[] =>
  volumes.flatMap((volume, index) => {
    const persistent = objectAt(volume, 'persistent');
    const at = `${path}(${index})/persistent`;
    return persistent && member(persistent, 'size') !== undefined
      ? [figureAt(persistent, 'size', at, { otherwise: 0, whole: true })]
      : [];
  });
