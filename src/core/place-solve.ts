import { flowing, type Problem, type Solution } from './place-flow.ts';
import { searched } from './place-search.ts';
import { sum } from './place-sides.ts';

/**
 * Places as many instances as classes and sides hold, at most `limit`. Exact for up to two sides, see
 * place-flow.ts; for more see place-search.ts.
 */
export function solve(problem: Problem): Solution {
  if (problem.sides.length === 0) return filled(problem);
  return problem.sides.length <= 2 ? flowing(problem) : searched(problem);
}

function filled({ caps, limit }: Problem): Solution {
  let left = limit;
  const perClass = caps.map((cap) => {
    const taken = Math.min(left, cap);
    left -= taken;
    return taken;
  });
  return { total: sum(perClass), perClass, usage: [] };
}
