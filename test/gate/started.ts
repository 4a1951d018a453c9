import assert from 'node:assert/strict';
import type { TestCluster } from './cluster.ts';
import type { Spec } from './specs.ts';

/**
 * Has the apps (and pods) admitted and run, and waits until nothing is promised to them any more.
 * The cluster's time is virtual.
 */
export async function started(cluster: TestCluster, ...specs: readonly Spec[]): Promise<void> {
  const wanted: Record<string, number> = {};
  for (const spec of specs) {
    const path = 'containers' in spec ? '/v2/pods' : '/v2/apps';
    const answer = await cluster.request('POST', path, spec);
    assert.equal(answer.status, 201, answer.text);
    if (verdictOf(answer) !== 'pass') wanted[String(spec['id'])] = instancesOf(spec);
  }
  await settled(cluster, wanted);
}

const instancesOf = (spec: Spec): number => {
  const { instances = 1 } = (spec['scaling'] ?? spec) as { instances?: number };
  return instances;
};

/** Lets the cluster's time pass until each app holds so many leases and is promised nothing. */
export async function settled(
  cluster: TestCluster,
  wanted: Readonly<Record<string, number>>,
): Promise<void> {
  const apps = Object.keys(wanted);
  await cluster.until(
    async () => {
      await cluster.clock?.advance(5_000);
      const leases = await cluster.leases();
      return apps.every((id) => leases.filter(({ app }) => app === id).length === wanted[id]);
    },
    `leases are held: ${JSON.stringify(wanted)}`,
  );
  for (const { loops } of cluster.gates) for (const loop of loops) loop.wake();
  await cluster.until(
    async () => {
      const promises = await cluster.reservations();
      return !apps.some((app) => promises.has(app));
    },
    `nothing is promised to ${apps.join(', ')}`,
  );
}

/** Instances promised, by app, of the apps below `group`. */
export async function promisedBelow(
  cluster: TestCluster,
  group: string,
): Promise<Readonly<Record<string, number>>> {
  const promises = [...(await cluster.reservations())].filter(([app]) =>
    app.startsWith(`${group}/`),
  );
  return Object.fromEntries(promises.map(([app, { target }]) => [app, target]));
}

/** The word of a verdict header: admit, reroute, hold, refuse, pass; undefined when unseen. */
export const verdictOf = ({ headers }: { readonly headers: Headers }): string | undefined =>
  headers.get('corral-verdict')?.split(';')[0];
