import { type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import type { Stage } from './stage.ts';
import { ask } from './http.ts';

const list = async (base: string, path: string, key?: string): Promise<JsonObject[]> => {
  const { body } = await ask(base, 'GET', path);
  return listOf(key === undefined ? body : objectOf(body)[key]).map(objectOf);
};

const name = (id: unknown): string => textOf(id).slice(1);
const count = (value: unknown): number => numberOf(value, 0);

const apps = async ({ marathonUrl }: Stage): Promise<string[]> => {
  const queue = await list(marathonUrl, '/v2/queue', 'queue');
  const waits = (id: unknown): string => {
    const mine = queue.find(({ app, pod }) => objectOf(app ?? pod)['id'] === id);
    const left = count(objectOf(mine?.['delay'])['timeLeftSeconds']);
    return mine ? `, ${count(mine['count'])} waiting${left > 0 ? ` ${left} s` : ''}` : '';
  };
  const found = await list(marathonUrl, '/v2/apps', 'apps');
  return found.map(
    (app) =>
      `${name(app['id'])}: ${count(app['instances'])} wanted, ${count(app['tasksRunning'])} running, ` +
      `${count(app['tasksStaged'])} staged${waits(app['id'])}` +
      (listOf(app['deployments']).length > 0 ? ', deploying' : ''),
  );
};

const tasks = async ({ marathonUrl }: Stage): Promise<string[]> => {
  const found = await list(marathonUrl, '/v2/tasks', 'tasks');
  return found
    .map(({ appId, host, state, ipAddresses }) => {
      const addresses = listOf(ipAddresses).map((one) => textOf(objectOf(one)['ipAddress']));
      return `${name(appId)}: ${textOf(state)} on ${textOf(host)} ${addresses.join(' ')}`;
    })
    .sort();
};

const pods = async ({ marathonUrl }: Stage): Promise<string[]> => {
  const found = await list(marathonUrl, '/v2/pods/::status');
  return found.map(({ id, status, instances, spec }) => {
    const wanted = count(objectOf(objectOf(spec)['scaling'])['instances']);
    const stable = listOf(instances).filter((one) => objectOf(one)['status'] === 'STABLE');
    return `${name(id)}: ${wanted} wanted, ${stable.length} stable, ${textOf(status)}`;
  });
};

const nodes = async ({ mesosUrl }: Stage): Promise<string[]> => {
  const found = await list(mesosUrl, '/slaves', 'slaves');
  const running = await list(mesosUrl, '/tasks?limit=100000', 'tasks');
  return found.map(({ id, hostname, used_resources: used, resources, deactivated }) => {
    const up = running.filter((one) => one['slave_id'] === id && one['state'] === 'TASK_RUNNING');
    const cpus = `${count(objectOf(used)['cpus']).toFixed(1)} of ${count(objectOf(resources)['cpus'])} cpus`;
    const marked = deactivated === true ? ', deactivated' : '';
    return `${textOf(hostname)}: ${cpus}, ${up.length} running${marked}`;
  });
};

const failures = ({ world }: Stage): string[] => {
  const total = world.failures.total();
  return [`launch failures: ${total} in total, ${world.failures.lastMinute()} in the last minute`];
};

const minutes = ({ world }: Stage): string[] => [
  `launch failures by the minute: ${world.failures.minutes().join(' ')}`,
];

const deployments = async ({ marathonUrl }: Stage): Promise<string[]> => {
  const found = await list(marathonUrl, '/v2/deployments');
  return found.map(({ affectedApps, affectedPods, currentStep, totalSteps, currentActions }) => {
    const touched = [...listOf(affectedApps), ...listOf(affectedPods)].map(name).join(', ');
    const does = listOf(currentActions).map((one) => textOf(objectOf(one)['action']));
    return `${touched}: step ${count(currentStep)} of ${count(totalSteps)}, ${does.join(' ')}`;
  });
};

/** What `show` can show; empty answers read as `none`. */
export const VIEWS: Readonly<Record<string, (stage: Stage) => string[] | Promise<string[]>>> = {
  apps, tasks, pods, nodes, failures, minutes, deployments,
}; // prettier-ignore
