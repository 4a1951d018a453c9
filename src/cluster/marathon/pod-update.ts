import { BadId } from '../errors.ts';
import { canonicalPod } from './canonical-pod.ts';
import type { MarathonContext } from './canonical-context.ts';
import type { Change } from './change.ts';
import { isPodUpgrade } from './is-upgrade.ts';
import { member, type Pod, textAt } from './json.ts';
import { bodySpecId } from './path-id.ts';

/** The canonical id of a pod's body, which must be absolute. @throws BadId */
export function podIdIn(body: Pod): string {
  const stated = textAt(body, 'id') ?? '';
  if (!stated.startsWith('/')) throw new BadId(stated, 'the id of a pod must be absolute');
  return bodySpecId(stated);
}

/**
 * The pod that a creation or update leaves behind, in canonical form: always the whole new one. A
 * role that it leaves open stays what it was.
 *
 * @param body  checked by `checkedPod`
 * @throws      BadBody, BadId
 */
export function afterPodUpdate(before: Pod | undefined, body: Pod, context: MarathonContext): Pod {
  const after = { ...canonicalPod(body, context), id: podIdIn(body) };
  const role = before && member(before, 'role');
  if (role === undefined || member(after, 'role') !== undefined) return after;
  return { ...after, role };
}

/** The change from one pod to another; either may be missing, not both. Both canonical. */
export function podChange(id: string, before: Pod | undefined, after: Pod | undefined): Change {
  const restart = before !== undefined && after !== undefined && isPodUpgrade(before, after);
  return { id, kind: 'pod', ...(before && { before }), ...(after && { after }), restart };
}
