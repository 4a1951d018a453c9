import { ApiRefusal, badRequest, notFound } from '../errors.ts';
import { canonicalId } from '../ids.ts';
import { listOf, objectOf, textOf } from '../json.ts';
import type { Deployment } from '../scheduler/deployments.ts';
import { succeeding } from '../scheduler/revert.ts';
import { withSpec, withoutSpec } from '../scheduler/root.ts';
import { canonicalPod, checkPod, podShape, specOfPod } from '../specs/pod.ts';
import { checkShape } from '../specs/shape.ts';
import { type Spec, shownPod } from '../specs/spec.ts';
import type { World } from '../world.ts';
import { idOf } from './apps.ts';
import { type Call, type Handler, type Reply, flagOf, jsonOf } from './call.ts';
import { checkRoot, refuseTaken } from './edit-app.ts';
import { podStatus } from './show-pod.ts';

const findPod = ({ marathon }: World, id: string): Spec => {
  const found = marathon.root.specs.get(id);
  if (found?.kind !== 'pod') throw notFound(`Pod '${id}'`);
  return found;
};

const podsOf = ({ marathon }: World): Spec[] =>
  [...marathon.root.specs.values()].filter(({ kind }) => kind === 'pod');

const readPod = (call: Call, version: string): Spec => {
  const { marathon } = call.world;
  const body = jsonOf(call);
  checkShape(podShape, body);
  const pod = canonicalPod(objectOf(body), marathon.names);
  checkPod(pod);
  const id = canonicalId(textOf(pod['id']));
  const versions = { version, lastScaling: version, lastConfigChange: version };
  return succeeding(marathon.root.specs.get(id), specOfPod({ ...pod, id }, versions), version);
};

const store = (call: Call, spec: Spec, version: string): Deployment => {
  const { marathon } = call.world;
  const after = checkRoot(withSpec({ ...marathon.root, version }, spec));
  return marathon.change(after, flagOf(call, 'force', false));
};

const tell = ({ world, clientIp, url }: Call, type: string): void =>
  world.events.publish(type, { clientIp, uri: url });

const createPod: Handler = (call) => {
  const version = call.world.marathon.history.stamp();
  const spec = readPod(call, version);
  refuseTaken(call.world.marathon.root, spec.id);
  const { id } = store(call, spec, version);
  tell(call, 'pod_created_event');
  const headers = { 'Marathon-Deployment-Id': id, Location: spec.id };
  return { status: 201, body: shownPod(spec), headers };
};

const updatePod: Handler = (call) => {
  const version = call.world.marathon.history.stamp();
  const spec = readPod(call, version);
  if (spec.id !== idOf(call))
    throw badRequest(`'${idOf(call)}' does not match definition's id '${spec.id}'`);
  if (call.world.marathon.root.specs.get(spec.id)?.kind === 'app')
    throw new ApiRefusal(409, { message: `An app with id [${spec.id}] already exists.` });
  const { id } = store(call, spec, version);
  tell(call, 'pod_updated_event');
  return { status: 200, body: shownPod(spec), headers: { 'Marathon-Deployment-Id': id } };
};

const deletePod: Handler = (call) => {
  const { marathon } = call.world;
  const { id } = findPod(call.world, idOf(call));
  const version = marathon.history.stamp();
  const after = { ...withoutSpec(marathon.root, id), version };
  const deployment = marathon.change(after, flagOf(call, 'force', false));
  tell(call, 'pod_deleted_event');
  return {
    status: 202,
    headers: { 'Marathon-Deployment-Id': deployment.id, Location: deployment.id },
  };
};

const killInstances = (call: Call, wanted: readonly string[]): Reply => {
  const { marathon } = call.world;
  const { id } = findPod(call.world, idOf(call));
  const chosen = marathon.instances.of(id).filter((one) => wanted.includes(one.id));
  if (chosen.length === 0) throw notFound(`Instance ${wanted.join(', ')}`);
  marathon.killTasks(chosen, flagOf(call, 'wipe', false));
  const shown = chosen.map((one) => ({ id: one.id, agentId: one.node?.agentId }));
  return { status: 200, body: call.params[1] === undefined ? shown : shown[0] };
};

export const podHandlers = {
  list: (({ world }) => ({ status: 200, body: podsOf(world).map(shownPod) })) satisfies Handler,
  show: ((call) => ({
    status: 200,
    body: shownPod(findPod(call.world, idOf(call))),
  })) satisfies Handler,
  create: createPod,
  put: updatePod,
  delete: deletePod,
  statuses: (({ world }) => ({
    status: 200,
    body: podsOf(world).map((spec) => podStatus(world, spec)),
  })) satisfies Handler,
  status: ((call) => ({
    status: 200,
    body: podStatus(call.world, findPod(call.world, idOf(call))),
  })) satisfies Handler,
  versions: ((call) => {
    const { id } = findPod(call.world, idOf(call));
    return { status: 200, body: call.world.marathon.history.of(id).map(({ version }) => version) };
  }) satisfies Handler,
  version: ((call) => ({
    status: 200,
    body: shownPod(call.world.marathon.history.spec('Pod', idOf(call), call.params[1] ?? '')),
  })) satisfies Handler,
  killMany: ((call) => killInstances(call, listOf(jsonOf(call)).map(String))) satisfies Handler,
  killOne: ((call) => killInstances(call, [call.params[1] ?? ''])) satisfies Handler,
};
