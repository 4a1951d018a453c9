import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../../../src/core/errors.ts';
import { recognise } from '../../../src/cluster/marathon/routes.ts';
import { runs } from '../../runs.ts';

/**
 * A second, dumb reading of a path, written after Jersey and not after our own: matrix parameters
 * are cut, templates are matched on the raw path, only then is the id decoded and folded.
 */
const TEMPLATES: readonly (readonly [method: string, template: RegExp, kind: string])[] = [
  ['POST', /^\/v2\/apps\/?$/, 'createApp'],
  ['POST', /^\/v2\/apps\/(.+)\/restart\/?$/, 'restartApp'],
  ['PUT', /^\/v2\/apps\/?$/, 'updateApps'],
  ['PUT', /^\/v2\/apps\/(.+?)\/?$/, 'updateApp'],
  ['PATCH', /^\/v2\/apps\/?$/, 'updateApps'],
  ['PATCH', /^\/v2\/apps\/(.+?)\/?$/, 'updateApp'],
  ['DELETE', /^\/v2\/apps\/.+\/restart\/?$/, 'pass'],
  ['DELETE', /^\/v2\/apps\/(.+)\/tasks(?:\/[^/]+)?\/?$/, 'killTasks'],
  ['POST', /^\/v2\/groups\/?$/, 'createGroup'],
  ['POST', /^\/v2\/groups\/(.+?)\/?$/, 'createGroup'],
  ['PUT', /^\/v2\/groups\/?$/, 'updateGroup'],
  ['PUT', /^\/v2\/groups\/(.+?)\/?$/, 'updateGroup'],
  ['POST', /^\/v2\/pods\/?$/, 'createPod'],
  ['PUT', /^\/v2\/pods\/(.+?)\/?$/, 'updatePod'],
  ['DELETE', /^\/v2\/pods\/(.+)::instances(?:\/[^/]+)?\/?$/, 'killPodInstances'],
  ['POST', /^\/v2\/tasks\/delete\/?$/, 'killTasksByIds'],
  ['DELETE', /^\/v2\/queue\/(.+)\/delay\/?$/, 'resetDelay'],
  ['DELETE', /^\/v2\/deployments\/[^/]+\/?$/, 'cancelDeployment'],
];

function folded(id: string): string {
  const kept: string[] = [];
  for (const segment of id.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

function jersey(method: string, target: string): { kind: string; id: string | undefined } {
  const path = target
    .replace(/^https?:\/\/[^/]*/, '')
    .replace(/\?.*$/, '')
    .replace(/;[^/]*/g, '');
  for (const [verb, template, kind] of TEMPLATES) {
    const match = verb === method ? template.exec(path) : null;
    if (!match) continue;
    const raw = match[1];
    try {
      return { kind, id: raw === undefined ? undefined : folded(decodeURIComponent(raw)) };
    } catch {
      // "%6/": Marathon answers 400 and does nothing.
      return { kind: 'pass', id: undefined };
    }
  }
  return { kind: 'pass', id: undefined };
}

const requests = fc.constantFrom(
  ['POST', '/v2/apps'],
  ['POST', '/v2/apps/a/b/restart'],
  ['PUT', '/v2/apps'],
  ['PUT', '/v2/apps/a/b'],
  ['PATCH', '/v2/apps/a'],
  ['DELETE', '/v2/apps/a/b'],
  ['DELETE', '/v2/apps/a/restart'],
  ['DELETE', '/v2/apps/a/b/tasks'],
  ['DELETE', '/v2/apps/a/tasks/t-1'],
  ['POST', '/v2/groups/a'],
  ['PUT', '/v2/groups'],
  ['PUT', '/v2/groups/a/b'],
  ['POST', '/v2/pods'],
  ['PUT', '/v2/pods/a'],
  ['DELETE', '/v2/pods/a/b::instances/i'],
  ['POST', '/v2/tasks/delete'],
  ['DELETE', '/v2/queue/a/delay'],
  ['DELETE', '/v2/deployments/d-1'],
);

/** One way to write a path differently; `at` says where, between 0 and 1. */
type Mangle = (path: string, at: number) => string;
const place = (path: string, at: number): number => Math.floor(at * path.length);
const slashAt = (path: string, at: number): number => path.lastIndexOf('/', place(path, at));
const inserted = (path: string, index: number, text: string): string =>
  path.slice(0, index) + text + path.slice(index);

const mangles: readonly Mangle[] = [
  (path, at) => inserted(path, slashAt(path, at), '/'),
  (path, at) => inserted(path, slashAt(path, at), '/.'),
  (path, at) => inserted(path, slashAt(path, at), '/z/..'),
  (path, at) => inserted(path, slashAt(path, at), '/..'),
  (path, at) => inserted(path, slashAt(path, at), '/%2e%2E'),
  (path, at) => inserted(path, slashAt(path, at), ';k=v'),
  (path, at) => inserted(path, slashAt(path, at), '/tasks'),
  (path, at) => inserted(path, slashAt(path, at), '/restart'),
  (path, at) => {
    const index = place(path, at);
    const code = path.charCodeAt(index).toString(16).padStart(2, '0');
    return `${path.slice(0, index)}%${code}${path.slice(index + 1)}`;
  },
  (path, at) => {
    const index = slashAt(path, at);
    return index < 1 ? path : `${path.slice(0, index)}%2F${path.slice(index + 1)}`;
  },
  (path) => `${path}/`,
  (path) => `${path};m`,
  (path) => `http://marathon.example.org:8080${path}`,
];

const mangled = fc
  .tuple(
    requests,
    fc.array(
      fc.tuple(fc.constantFrom(...mangles), fc.double({ min: 0, max: 0.999, noNaN: true })),
      {
        maxLength: 4,
      },
    ),
  )
  .map(([[method = '', path = ''], steps]) => ({
    method,
    target: steps.reduce((so, [mangle, at]) => mangle(so, at), path),
  }));

const idOf = (route: object): unknown =>
  ['id', 'app', 'path']
    .map((key) => Object.entries(route).find(([name]) => name === key)?.[1])
    .find(Boolean);

describe('trap 23: random ways to write a target', () => {
  it('a target that Jersey would route to a judged row is judged as that row, or refused', () => {
    const seen = { judged: 0, refused: 0 };
    fc.assert(
      fc.property(mangled, ({ method, target }) => {
        const marathon = jersey(method, target);
        try {
          const route = recognise(method, target);
          if (marathon.kind === 'pass') return;
          assert.equal(route.kind, marathon.kind);
          if (marathon.id !== undefined) assert.equal(idOf(route), marathon.id);
          seen.judged += 1;
        } catch (fault) {
          assert.ok(fault instanceof Refusal, String(fault));
          seen.refused += 1;
        }
      }),
      { numRuns: runs(5000) },
    );
    assert.ok(seen.judged > runs(500) && seen.refused > runs(500), JSON.stringify(seen));
  });

  it('what is sent upstream is recognised as the very same route', () =>
    fc.assert(
      fc.property(mangled, ({ method, target }) => {
        try {
          const route = recognise(method, target);
          if (route.kind === 'pass') return;
          assert.deepEqual(recognise(method, route.canonicalTarget), route);
          assert.equal(
            new URL(route.canonicalTarget, 'http://x.example.org').pathname,
            route.canonicalTarget,
          );
        } catch (fault) {
          assert.ok(fault instanceof Refusal, String(fault));
        }
      }),
      { numRuns: runs(3000) },
    ));
});
