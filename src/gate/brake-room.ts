import type { DemandContext } from '../cluster/marathon/demand-context.ts';
import { canonicalApp } from '../cluster/marathon/canonical-app.ts';
import type { MarathonContext } from '../cluster/marathon/canonical-context.ts';
import { canonicalPod } from '../cluster/marathon/canonical-pod.ts';
import { podWithInstances } from '../cluster/marathon/scale.ts';
import { askOf, type Claim } from '../core/claim.ts';
import { explain } from '../core/explain.ts';
import { place } from '../core/place.ts';
import type { NodeReason } from '../core/verdict-record.ts';
import { replaceStale } from '../core/replan.ts';
import type { Room } from '../core/room.ts';
import { describe } from '../core/shortage-words.ts';
import type { View } from '../ledger/view.ts';
import { claimOf } from './claims.ts';
import type { HeldSpec } from './held-spec.ts';

/** Whether one more instance of an app finds room, and why not. */
export interface OneMore {
  /** Away from the nodes that were left out. */
  readonly elsewhere: boolean;
  readonly anywhere: boolean;
  /** What is short elsewhere, in words with figures. */
  readonly short: string;
  /** Node by node, of all nodes; cut. */
  readonly nodes: readonly NodeReason[];
  readonly claim: Claim;
}

export interface OneMoreDeps {
  readonly view: View;
  readonly demand: Omit<DemandContext, 'networks' | 'bridgeName'>;
  /** Nodes that an answer tells of. */
  readonly mostNodes: number;
}

/**
 * Asks the picture for room for one more instance, beside all that is promised to others. Undefined when
 * the app takes no address of ours.
 *
 * @param without  nodes on which it failed to start
 * @throws         BadBody, UnusableRate and what else is wrong with the definition
 */
export function oneMore(
  { view, demand, mostNodes }: OneMoreDeps,
  of: HeldSpec,
  { without, context }: { readonly without: readonly string[]; readonly context: MarathonContext },
): OneMore | undefined {
  const { snapshot } = view;
  replaceStale(snapshot);
  const claim = claimOf(fromNothing(of, context), {
    demand: { ...demand, networks: snapshot.networks(), bridgeName: context.bridgeName },
    room: snapshot.room(),
    heldOn: (app) => snapshot.heldOn(app),
    hold: 'never',
    rewritable: false,
  });
  if (!claim) return undefined;
  const room = snapshot.roomWithout([of.id]);
  const ask = askOf(claim, 1);
  const elsewhere = place(lacking(room, without), ask);
  return {
    elsewhere: elsewhere.fits,
    anywhere: elsewhere.fits || place(room, ask).fits,
    short: elsewhere.fits ? '' : describe(elsewhere.shortage).message,
    nodes: explain(room, ask, mostNodes),
    claim,
  };
}

function lacking(room: Room, without: readonly string[]): Room {
  const out = new Set(without);
  return { ...room, nodes: new Map([...room.nodes].filter(([name]) => !out.has(name))) };
}

/** As if all of its instances were still to start: the question is what one of them needs. */
function fromNothing({ id, kind, spec, instances }: HeldSpec, context: MarathonContext) {
  const after = kind === 'app' ? canonicalApp(spec, context) : canonicalPod(spec, context);
  const none = kind === 'app' ? { ...after, instances: 0 } : podWithInstances(after, 0);
  const some = Math.max(1, instances);
  const wanted = kind === 'app' ? { ...after, instances: some } : podWithInstances(after, some);
  return { id, kind, before: none, after: wanted, restart: false };
}
