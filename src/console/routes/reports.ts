import Joi from 'joi';
import { reportHeadShape, reportShape } from '../../core/capacity-json.ts';
import type { ConsoleDeps } from '../deps.ts';
import { NotKnown } from '../errors.ts';
import type { Route } from '../route.ts';

interface ReportQuery {
  readonly schedule?: string;
  readonly limit: number;
}

const query = Joi.object<ReportQuery>({
  schedule: Joi.string()
    .pattern(/^[a-z0-9][a-z0-9_-]*$/)
    .max(64)
    .description('only of this schedule'),
  limit: Joi.number().integer().min(1).max(1_000).default(50).description('most reports'),
});

/** Capacity reports, as they are kept. */
export const reportRoutes = ({ reports }: ConsoleDeps): readonly Route[] => [
  {
    method: 'get',
    path: '/v1/reports',
    summary: 'capacity reports, newest first, with the figures of all together',
    query,
    answer: async ({ query: asked, signal }) => {
      const heads = await reports.list(asked as unknown as ReportQuery, signal);
      return { body: { reports: heads.map(reportHeadShape) } };
    },
  },
  {
    method: 'get',
    path: '/v1/reports/:id',
    summary: 'one report with every row; 404 when its rows are not kept any more',
    answer: async ({ params: { id = '' }, signal }) => {
      const report = await reports.whole(id, signal);
      if (!report) throw new NotKnown('report with its rows', id);
      return { body: reportShape(report) };
    },
  },
];
