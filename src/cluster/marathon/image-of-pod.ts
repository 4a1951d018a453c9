import { podAsItIs } from './as-it-is.ts';
import { checkedPod } from './body-check.ts';
import type { MarathonContext } from './canonical-context.ts';
import { type AfterImage, changed, refused } from './change.ts';
import type { Json } from './json.ts';
import { afterPodUpdate, podChange, podIdIn } from './pod-update.ts';
import type { Inquiry } from './reads.ts';
import type { UpdatePod } from './route.ts';

export const noSuchPod = (id: string): AfterImage => refused(404, `Pod '${id}' does not exist`);

/** POST /v2/pods */
export function* createdPod(body: Json | undefined, context: MarathonContext): Inquiry<AfterImage> {
  const pod = checkedPod(body);
  const id = podIdIn(pod);
  const before = yield* podAsItIs(id, context);
  if (before) return refused(409, `A pod with id [${id}] already exists.`);
  return changed([podChange(id, undefined, afterPodUpdate(undefined, pod, context))]);
}

/** PUT /v2/pods/{id}: always the whole pod; an unknown one is created. */
export function* updatedPod(
  { id }: UpdatePod,
  body: Json | undefined,
  context: MarathonContext,
): Inquiry<AfterImage> {
  const pod = checkedPod(body);
  const stated = podIdIn(pod);
  if (stated !== id) return refused(400, `${stated} does not match definition ${id}`);
  const before = yield* podAsItIs(id, context);
  return changed([podChange(id, before, afterPodUpdate(before, pod, context))]);
}
