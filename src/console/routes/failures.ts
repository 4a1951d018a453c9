import Joi from 'joi';
import type { ConsoleDeps } from '../deps.ts';
import type { Route } from '../route.ts';
import { failureShape } from '../shapes/failures.ts';

interface FailureQuery {
  readonly limit: number;
  readonly before?: string;
}

const query = Joi.object<FailureQuery>({
  limit: Joi.number().integer().min(1).max(500).default(50).description('most lines'),
  before: Joi.string()
    .pattern(/^[0-9a-z]{1,64}-[0-9a-z]{1,64}$/)
    .description('id after which the page starts'),
});

/** Launches that nodes refused. */
export const failureRoutes = ({ failures: log }: ConsoleDeps): readonly Route[] => [
  {
    method: 'get',
    path: '/v1/failures',
    summary: 'launches that nodes refused for lack of an address or bandwidth, newest minute first',
    query,
    answer: async ({ query: asked, signal }) => {
      const { failures, next } = await log.list(asked as unknown as FailureQuery, signal);
      const shown = failures.map(({ id, record }) => failureShape(id, record));
      return { body: { failures: shown, ...(next !== undefined && { next }) } };
    },
  },
];
