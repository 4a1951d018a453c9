import type { ConsoleDeps } from '../deps.ts';
import type { Route } from '../route.ts';
import { fenceShape } from '../shapes/fence.ts';

/** Nodes that are kept out of Mesos' offers. */
export const fenceRoutes = ({ fence }: ConsoleDeps): readonly Route[] => [
  {
    method: 'get',
    path: '/v1/fence',
    summary: 'nodes kept out of Mesos offers, why, and what that costs',
    answer: async ({ signal }) => ({ body: fenceShape(await fence(signal)) }),
  },
];
