import Joi from 'joi';
import type { ConsoleDeps, LimitReader } from '../deps.ts';
import type { Route } from '../route.ts';
import { auditShape, type LimitParts, limitShape } from '../shapes/limits.ts';
import { type PageQuery, pageOf } from '../shapes/page.ts';

interface LimitQuery extends PageQuery {
  readonly node?: string;
  readonly app?: string;
  readonly forced?: boolean;
}

const limitQuery = Joi.object<LimitQuery>({
  node: Joi.string().max(253).description('only of this node; far cheaper than all'),
  app: Joi.string().max(1_024).description('only of this app, by canonical id'),
  forced: Joi.boolean().description('only those that were forced past the link, or not'),
  limit: Joi.number().integer().min(1).max(10_000).default(1_000).description('most limits'),
  after: Joi.string().max(512).description('"next" of the page before'),
});

interface AuditQuery {
  readonly limit: number;
  readonly before?: string;
}

const auditQuery = Joi.object<AuditQuery>({
  limit: Joi.number().integer().min(1).max(500).default(50).description('most entries'),
  before: Joi.string()
    .pattern(/^[0-9a-z]{1,64}-[0-9a-z]{1,64}$/)
    .description('id after which the page starts'),
});

const nameOf = ({ node, address }: LimitParts): string => `${node} ${address}`;

async function limitsFor(
  reader: LimitReader,
  { node, app, forced, ...page }: LimitQuery,
  signal: AbortSignal,
): Promise<object> {
  const all = await reader.list(node === undefined ? {} : { node }, signal);
  const meant = all
    .filter(({ lease }) => app === undefined || app === lease.app)
    .filter(({ counted }) => forced === undefined || forced === (counted?.forced ?? false))
    .sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
  const { items, next } = pageOf(meant, nameOf, page);
  return { limits: items.map(limitShape), ...(next !== undefined && { next }) };
}

/** How fast containers may be, and who changed that. */
export const limitRoutes = ({ limits, audit }: ConsoleDeps): readonly Route[] => [
  {
    method: 'get',
    path: '/v1/limits',
    summary: 'limits in force, by node and address, and what became of edits',
    query: limitQuery,
    answer: async ({ query, signal }) => ({
      body: await limitsFor(limits, query as unknown as LimitQuery, signal),
    }),
  },
  {
    method: 'get',
    path: '/v1/audit',
    summary: 'who changed what, newest first',
    query: auditQuery,
    answer: async ({ query, signal }) => {
      const { entries, next } = await audit.list(query as unknown as AuditQuery, signal);
      const shown = entries.map(({ id, record }) => auditShape(id, record));
      return { body: { audit: shown, ...(next !== undefined && { next }) } };
    },
  },
];
