import type { Chance } from '../../../src/sim/chance.ts';
import type { Action } from './actions.ts';
import type { RandomCluster } from './cluster.ts';

/** An app or pod that clients of a script speak of, whether it is there or not. */
export interface Named {
  readonly id: string;
  readonly kind: 'app' | 'pod';
}

export interface Known {
  readonly chance: Chance;
  readonly cluster: RandomCluster;
  readonly apps: readonly Named[];
}

const NAMES = ['web', 'mail', 'cart', 'shop/front', 'shop/back', 'shop/db', 'jobs/night', 'log'];

export const apps = (chance: Chance): readonly Named[] =>
  NAMES.map((name) => ({ id: `/${name}`, kind: chance.next() < 0.2 ? 'pod' : 'app' }));

type Spec = Readonly<Record<string, unknown>>;

/** A change as one of many clients would send it. */
export function changeOf(known: Known): Action {
  const { chance } = known;
  const of = known.apps[chance.between(0, known.apps.length - 1)]!;
  const drawn = chance.next();
  if (drawn < 0.4) return put(known, of);
  if (drawn < 0.6) return scale(known, of);
  if (drawn < 0.7) return upgrade(known, of);
  if (drawn < 0.76 && of.kind === 'app') return post(`/v2/apps${of.id}/restart`, {});
  if (drawn < 0.86) return remove(of);
  if (drawn < 0.92) return group(known);
  const count = chance.next() < 0.5 ? chance.between(1, 4) : undefined;
  const scaled = chance.next() < 0.4;
  const wipe = !scaled && chance.next() < 0.3;
  return { do: 'kill', app: of.id, ...(count && { count }), scale: scaled, wipe };
}

const post = (path: string, body: unknown): Action => ({ do: 'ask', method: 'POST', path, body });
const putAt = (path: string, body: unknown): Action => ({ do: 'ask', method: 'PUT', path, body });
const forced = ({ chance }: Known): string => (chance.next() < 0.4 ? '?force=true' : '');

/** A whole definition, new or in place of what is there. */
const put = (known: Known, { id, kind }: Named): Action =>
  kind === 'app'
    ? putAt(`/v2/apps${id}${forced(known)}`, appOf(known, id))
    : putAt(`/v2/pods${id}${forced(known)}`, podOf(known, id));

function scale(known: Known, { id, kind }: Named): Action {
  const instances = known.chance.between(0, 10);
  return kind === 'app'
    ? putAt(`/v2/apps${id}${forced(known)}`, { instances })
    : putAt(`/v2/pods${id}${forced(known)}`, podOf(known, id));
}

/** New containers for old: another image, another rate. */
const upgrade = (known: Known, { id, kind }: Named): Action =>
  kind === 'app'
    ? putAt(`/v2/apps${id}${forced(known)}`, {
        container: imageOf(known),
        env: envOf(known),
        upgradeStrategy: strategyOf(known),
      })
    : putAt(`/v2/pods${id}${forced(known)}`, podOf(known, id));

const remove = ({ id, kind }: Named): Action => ({
  do: 'ask',
  method: 'DELETE',
  path: `/v2/${kind}s${id}`,
});

/** Several apps at once, or all of a group gone. */
function group(known: Known): Action {
  const { chance } = known;
  const inside = known.apps.filter(({ id, kind }) => id.startsWith('/shop/') && kind === 'app');
  if (chance.next() < 0.2)
    return { do: 'ask', method: 'DELETE', path: '/v2/groups/shop?force=true' };
  const definitions = inside.map(({ id }) => appOf(known, id));
  return putAt(`/v2/groups/shop${forced(known)}`, { id: '/shop', apps: definitions });
}

const imageOf = ({ chance }: Known): Spec => ({
  type: chance.next() < 0.8 ? 'DOCKER' : 'MESOS',
  docker: { image: `registry.example.org/app:${chance.between(1, 3)}` },
});

function envOf({ chance, cluster }: Known): Spec {
  const rate = (): string => `${cluster.rates[chance.between(0, cluster.rates.length - 1)]!}mbit`;
  return { net_in: rate(), net_out: rate() };
}

const STRATEGIES = [
  { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
  { minimumHealthCapacity: 1, maximumOverCapacity: 0.3 },
  { minimumHealthCapacity: 0.5, maximumOverCapacity: 0.2 },
  { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
];
const strategyOf = ({ chance }: Known): Spec => STRATEGIES[chance.between(0, 3)]!;

const networkOf = ({ chance, cluster: { networks } }: Known): string =>
  networks[chance.between(0, networks.length - 1)]!;

function appOf(known: Known, id: string): Spec {
  const { chance } = known;
  const plain = chance.next() < 0.08;
  return {
    id,
    cmd: 'sleep 1000',
    instances: chance.between(1, 8),
    cpus: chance.between(1, 8) / 10,
    mem: 64,
    container: imageOf(known),
    env: envOf(known),
    upgradeStrategy: strategyOf(known),
    constraints: constraintsOf(known),
    ...(chance.next() < 0.3 && { labels: { CORRAL_HOLD: 'true' } }),
    networks: plain ? [{ mode: 'host' }] : [{ mode: 'container', name: networkOf(known) }],
  };
}

function constraintsOf({ chance, cluster: { racks } }: Known): readonly (readonly string[])[] {
  const drawn = chance.next();
  if (drawn < 0.6) return [];
  if (drawn < 0.7) return [['hostname', 'UNIQUE']];
  if (drawn < 0.8) return [['hostname', 'MAX_PER', String(chance.between(1, 3))]];
  if (drawn < 0.92) return [['rack', 'LIKE', racks[chance.between(0, racks.length - 1)]!]];
  return [['rack', 'GROUP_BY', String(racks.length)]];
}

const podOf = (known: Known, id: string): Spec => ({
  id,
  containers: [
    {
      name: 'main',
      image: { kind: 'DOCKER', id: `registry.example.org/pod:${known.chance.between(1, 3)}` },
      resources: { cpus: known.chance.between(1, 8) / 10, mem: 64 },
    },
  ],
  environment: envOf(known),
  networks: [{ mode: 'container', name: networkOf(known) }],
  scaling: { kind: 'fixed', instances: known.chance.between(1, 5) },
});
