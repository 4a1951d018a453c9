import { arrayAt, isArray, isObject, type Json, textAt } from '../cluster/marathon/json.ts';
import { canonicalId } from '../cluster/marathon/path-id.ts';
import type { JudgedRoute } from '../cluster/marathon/route.ts';
import { replaceStale } from '../core/replan.ts';
import type { Verdict } from '../core/verdict.ts';
import type { View } from '../ledger/view.ts';
import { BadPlan, LedgerBehind } from './errors.ts';
import { type ChangeRequest, type JudgeDeps, jsonOf, prepare } from './judge.ts';
import { weigh, type WeighOptions } from './weigh.ts';

export interface PlannerDeps extends Pick<JudgeDeps, 'read' | 'context'> {
  readonly view: View;
  readonly options: WeighOptions;
}

/** Judges without promising anything. */
export interface Planner {
  /**
   * What the gate would say if this definition (an app, a pod, a group, or an array of apps) were PUT.
   *
   * @throws BadPlan, LedgerBehind, and what is wrong with the definition
   */
  plan(definition: Json, signal: AbortSignal): Promise<Verdict>;
  /** Instances that the first app of a change would get; undefined when it claims no room. */
  wouldGet(request: ChangeRequest, signal: AbortSignal): Promise<number | undefined>;
}

export function createPlanner(deps: PlannerDeps): Planner {
  return {
    plan: async (definition, signal) => {
      const body = Buffer.from(JSON.stringify(definition));
      const verdict = await consider(deps, { route: routeFor(definition), body }, signal);
      return verdict ?? { answer: 'admit', grants: [], message: 'this change claims no room' };
    },
    wouldGet: async (request, signal) => {
      const verdict = await consider(deps, request, signal);
      if (verdict === undefined) return undefined;
      return verdict.answer === 'refuse' ? 0 : verdict.grants[0]?.instances;
    },
  };
}

async function consider(
  deps: PlannerDeps,
  { route, body, hold }: ChangeRequest,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  const prepared = await prepare(deps, { route, json: jsonOf(route, body) }, signal);
  if (prepared === undefined)
    throw new BadPlan('Marathon would refuse it as it stands', 'correct the definition');
  const { ready, lastFault } = deps.view.state();
  if (!ready) throw new LedgerBehind(lastFault ?? 'it is being read');
  replaceStale(deps.view.snapshot);
  return weigh({ ...prepared, ...(hold && { hold }) }, deps.view, deps.options).verdict;
}

/** The change that a definition by itself stands for: a PUT of it. */
function routeFor(definition: Json): JudgedRoute {
  const shared = { partial: true, patch: false, force: false };
  if (isArray(definition)) return { kind: 'updateApps', ...shared, canonicalTarget: '/v2/apps' };
  const id = isObject(definition) ? textAt(definition, 'id') : undefined;
  if (!isObject(definition) || id === undefined)
    throw new BadPlan('it has no "id"', 'give an app, a pod, a group, or an array of apps');
  const path = canonicalId(id);
  if (arrayAt(definition, 'containers'))
    return { kind: 'updatePod', id: path, force: false, canonicalTarget: `/v2/pods${path}` };
  if (arrayAt(definition, 'apps') ?? arrayAt(definition, 'groups'))
    return { kind: 'updateGroup', path, force: false, canonicalTarget: `/v2/groups${path}` };
  return { kind: 'updateApp', id: path, ...shared, canonicalTarget: `/v2/apps${path}` };
}
