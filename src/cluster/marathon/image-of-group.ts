import { appAsItIs, groupAsItIs, groupAsItWas } from './as-it-is.ts';
import { checkedGroup } from './body-check.ts';
import type { MarathonContext } from './canonical-context.ts';
import { type AfterImage, changed, refused } from './change.ts';
import { afterGroupUpdate, effectivePath, groupChanges, groupWish } from './group-update.ts';
import { emptyGroup, type GroupTree } from './group-tree.ts';
import type { Group, Json } from './json.ts';
import type { Inquiry } from './reads.ts';
import type { CreateGroup, UpdateGroup } from './route.ts';

function* regrouped(before: GroupTree, body: Group, context: MarathonContext): Inquiry<AfterImage> {
  const wish = groupWish(body);
  if (wish.wish !== 'rollback') {
    return changed(groupChanges(before, afterGroupUpdate(before, body, context), context));
  }
  const stored = yield* groupAsItWas(before.id, wish.version);
  if (stored) return changed(groupChanges(before, stored, context));
  return refused(422, `Group ${before.id} not available in version ${wish.version}`);
}

/** POST /v2/groups and /v2/groups/{id} */
export function* createdGroup(
  route: CreateGroup,
  body: Json | undefined,
  context: MarathonContext,
): Inquiry<AfterImage> {
  const group = checkedGroup(body);
  const path = effectivePath(group, route.path);
  if (yield* groupAsItIs(path)) {
    return refused(409, `Group ${path} is already created. Use PUT to change this group.`);
  }
  if (yield* appAsItIs(path, context)) {
    return refused(409, `An app with the path ${path} already exists.`);
  }
  return yield* regrouped(emptyGroup(path), group, context);
}

/** PUT /v2/groups and /v2/groups/{id} */
export function* updatedGroup(
  route: UpdateGroup,
  body: Json | undefined,
  context: MarathonContext,
): Inquiry<AfterImage> {
  const group = checkedGroup(body);
  const path = effectivePath(group, route.path);
  const before = yield* groupAsItIs(path);
  return yield* regrouped(before ?? emptyGroup(path), group, context);
}
