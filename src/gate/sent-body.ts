import type { Change } from '../cluster/marathon/change.ts';
import { type BodyShape, edited, type Edits } from '../cluster/marathon/edit.ts';
import type { JudgedRoute } from '../cluster/marathon/route.ts';
import type { Asked } from './judge.ts';

/** The body that Marathon gets: the very bytes that came, unless the verdict has something to write into them. */
export function sentBody({ route, json, body, changes }: Asked, edits: Edits): Buffer {
  if (edits.size === 0 || json === undefined) return body;
  return Buffer.from(JSON.stringify(edited(shapeOf(route, changes), json, edits)));
}

/** How the body of a route names the run specs in it. */
function shapeOf(route: JudgedRoute, changes: readonly Change[]): BodyShape {
  const id = changes[0]?.id ?? '';
  if (route.kind === 'updateApps') return { of: 'apps' };
  if (route.kind === 'createGroup' || route.kind === 'updateGroup')
    return { of: 'group', path: route.path };
  return changes[0]?.kind === 'pod' ? { of: 'pod', id } : { of: 'app', id };
}
