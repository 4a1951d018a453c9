import { parseStrictJson } from '../../plumbing/strict-json.ts';
import type { ConsoleDeps } from '../deps.ts';
import type { Route } from '../route.ts';
import { planShape } from '../shapes/plan.ts';
import { readyShape } from '../shapes/ready.ts';

/** Planning, and what other programs ask of a service. */
export const serviceRoutes = ({ plan, ready, registry }: ConsoleDeps): readonly Route[] => [
  {
    method: 'post',
    path: '/v1/plan',
    summary: 'where a definition could go, or why not; nothing is reserved and nothing sent',
    takes: "an app, a pod, an array of apps or a group in Marathon's spelling",
    answer: async ({ body, signal }) => ({
      body: planShape(await plan(parseStrictJson(await body()), signal)),
    }),
  },
  {
    method: 'get',
    path: '/ready',
    summary: 'every dependency and loop by name; 503 unless all are ready',
    answer: async ({ signal }) => {
      const shape = readyShape(await ready(signal));
      return { status: shape.ready ? 200 : 503, body: shape };
    },
  },
  {
    method: 'get',
    path: '/metrics',
    summary: "figures in Prometheus' text format",
    answer: async () => ({ type: registry.contentType, body: await registry.metrics() }),
  },
];
