import type { MarathonContext } from '../cluster/marathon/canonical-context.ts';
import type { Change } from '../cluster/marathon/change.ts';
import { spelledIn, withSpelled, type SpelledConstraint } from '../cluster/marathon/edit.ts';
import { isPodUpgrade, isUpgrade } from '../cluster/marathon/is-upgrade.ts';
import type { JsonObject } from '../cluster/marathon/json.ts';

/** A change after the constraints that the gate once added have been seen to. */
export interface Recalled {
  readonly change: Change;
  /** The whole constraint set to send, because the client's body lacks what was added. */
  readonly resend?: readonly SpelledConstraint[];
  /** What was added earlier no longer belongs to the app once this change is through. */
  readonly forgotten: boolean;
}

const same = (one: SpelledConstraint, other: SpelledConstraint): boolean =>
  JSON.stringify(one) === JSON.stringify(other);
const lacking = (
  set: readonly SpelledConstraint[],
  from: readonly SpelledConstraint[],
): readonly SpelledConstraint[] => from.filter((one) => !set.some((other) => same(one, other)));

/**
 * Whether a body states all that Marathon has, as one does that was read and changed, or that leaves
 * constraints out. One that lacks a part is the client's own word, even where it says the same as ours.
 */
const sentBack = (
  stated: readonly SpelledConstraint[],
  stored: readonly SpelledConstraint[],
): boolean => lacking(stated, stored).length === 0;

/**
 * Keeps a scale a scale. A client that sends its own file again leaves out what the gate added, which
 * by itself would restart every instance: then the very same constraints are sent again. When the
 * change replaces the instances anyway, what was added is taken out, to be worked out anew.
 *
 * @param added  the constraints added earlier, as Marathon got them
 */
export function recall(
  change: Change,
  added: readonly SpelledConstraint[],
  context: MarathonContext,
): Recalled {
  const { kind, before, after } = change;
  if (added.length === 0 || after === undefined) return { change, forgotten: false };
  if (before === undefined) return { change, forgotten: true };
  // Marathon never took them (it refused that change, or a gate died): there is nothing to keep.
  if (lacking(spelledIn(kind, before), added).length > 0) return { change, forgotten: true };
  const stated = spelledIn(kind, after);
  const missing = lacking(stated, added);
  const whole = [...stated, ...missing];
  const kept = missing.length > 0 ? withSpelled(kind, after, whole) : after;
  const restarts =
    missing.length > 0 ? replaces(kind, { before, after: kept }, context) : change.restart;
  if (!restarts) {
    const same = { change: { ...change, after: kept, restart: false }, forgotten: false };
    return missing.length > 0 ? { ...same, resend: whole } : same;
  }
  if (!sentBack(stated, spelledIn(kind, before)))
    return { change: { ...change, restart: true }, forgotten: true };
  const own = lacking(added, stated);
  const taken = { ...change, after: withSpelled(kind, after, own), restart: true };
  return { change: taken, resend: own, forgotten: true };
}

const replaces = (
  kind: 'app' | 'pod',
  { before, after }: { before: JsonObject; after: JsonObject },
  context: MarathonContext,
): boolean => (kind === 'app' ? isUpgrade(before, after, context) : isPodUpgrade(before, after));
