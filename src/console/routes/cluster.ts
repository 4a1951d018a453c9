import Joi from 'joi';
import type { ConsoleDeps } from '../deps.ts';
import { NotKnown } from '../errors.ts';
import type { Route } from '../route.ts';
import { networkShape } from '../shapes/networks.ts';
import { nodeDetailShape, nodeShape } from '../shapes/nodes.ts';
import { type Page, type PageQuery, pageOf } from '../shapes/page.ts';
import { poolShape } from '../shapes/pools.ts';
import { heldShape, reservationShape } from '../shapes/promises.ts';

const byName = Joi.object<PageQuery>({
  limit: Joi.number().integer().min(1).max(10_000).default(1_000).description('most items'),
  after: Joi.string().max(1_024).description('name after which the page starts'),
});

/** A page under the name of what it lists. */
const listed = <T>(what: string, { items, next }: Page<T>) => ({
  body: { [what]: items, ...(next !== undefined && { next }) },
});

const pageQuery = (query: Readonly<Record<string, unknown>>): PageQuery =>
  query as unknown as PageQuery;

/** Nodes as they stand. */
export const nodeRoutes = ({ snapshot }: ConsoleDeps): readonly Route[] => [
  {
    method: 'get',
    path: '/v1/nodes',
    summary: 'nodes by name, with what each has left',
    query: byName,
    answer: ({ query }) => {
      const page = pageOf(snapshot().nodes(), ({ name }) => name, pageQuery(query));
      return listed('nodes', { ...page, items: page.items.map(nodeShape) });
    },
  },
  {
    method: 'get',
    path: '/v1/nodes/:name',
    summary: 'one node, with its attributes, link and apps',
    answer: ({ params: { name = '' } }) => {
      const node = snapshot().node(name);
      if (!node) throw new NotKnown('node', name);
      return { body: nodeDetailShape(node) };
    },
  },
];

/** Pools and networks as they stand. */
export const poolRoutes = ({ snapshot }: ConsoleDeps): readonly Route[] => [
  {
    method: 'get',
    path: '/v1/pools',
    summary: 'pools by name, with their addresses by state',
    answer: () => ({ body: { pools: snapshot().pools().map(poolShape) } }),
  },
  {
    method: 'get',
    path: '/v1/networks',
    summary: 'networks by name, with the sums of their pools',
    answer: () => {
      const picture = snapshot();
      const pools = picture.pools();
      const named = [...picture.networks()].sort(([one], [other]) => (one < other ? -1 : 1));
      return {
        body: { networks: named.map(([name, record]) => networkShape(name, record, pools)) },
      };
    },
  },
];

/** What is promised and what waits. */
export const promiseRoutes = ({ snapshot, held }: ConsoleDeps): readonly Route[] => [
  {
    method: 'get',
    path: '/v1/reservations',
    summary: 'room promised to admitted apps, by app',
    query: byName,
    answer: ({ query }) => {
      const picture = snapshot();
      const apps = [...picture.reservations()].sort(([one], [other]) => (one < other ? -1 : 1));
      const page = pageOf(apps, ([app]) => app, pageQuery(query));
      const items = page.items.map(([app, record]) =>
        reservationShape(app, record, { held: picture.heldBy(app), owed: picture.owed(app) }),
      );
      return listed('reservations', { ...page, items });
    },
  },
  {
    method: 'get',
    path: '/v1/held',
    summary: 'apps that run with fewer instances than asked until there is room',
    answer: async ({ signal }) => ({
      body: { held: (await held(signal)).map(({ app, record }) => heldShape(app, record)) },
    }),
  },
];
