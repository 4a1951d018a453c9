import { objectsAt, textAt } from '../cluster/marathon/json.ts';
import type { Deployment } from '../cluster/marathon/wire.ts';

/** Actions that only bring counts to what they should be: Marathon does that by itself, too. */
const HARMLESS = new Set(['StartApplication', 'ScaleApplication', 'StartPod', 'ScalePod']);

const isAbout =
  (app: string) =>
  ({ affectedApps, affectedPods }: Deployment): boolean =>
    affectedApps.includes(app) || affectedPods.includes(app);

/** Whether Marathon takes no change of an app without force. */
export const isLocked = (app: string, deployments: readonly Deployment[]): boolean =>
  deployments.some(isAbout(app));

/**
 * Whether the deployments at work on an app may be cancelled where they stand. One that scales loses
 * nothing by it: what was asked for stays in Marathon, which goes on from there. One that replaces or
 * stops instances, of this app or another, would be left half done; so would one that tells no steps.
 */
export const mayOverride = (app: string, deployments: readonly Deployment[]): boolean =>
  deployments.filter(isAbout(app)).every((one) => {
    const actions = objectsAt(one, 'steps').flatMap((step) => objectsAt(step, 'actions'));
    return (
      actions.length > 0 && actions.every((action) => HARMLESS.has(textAt(action, 'action') ?? ''))
    );
  });
