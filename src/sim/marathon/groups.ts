import { ApiRefusal, notFound } from '../errors.ts';
import { canonicalId } from '../ids.ts';
import { objectOf } from '../json.ts';
import { shownSteps } from '../scheduler/deployments.ts';
import { planSteps } from '../scheduler/plan.ts';
import { withoutGroup } from '../scheduler/root.ts';
import { type Call, type Handler, created, deploymentReply, flagOf, jsonOf } from './call.ts';
import { checkRoot } from './edit-app.ts';
import { editedGroup, readGroup, refuseNestedId, refuseTakenGroup } from './edit-group.ts';
import { appInfo, appsBelow, embedsOf, shownGroup } from './show.ts';

const groupId = ({ params }: Call): string => canonicalId(params[0] ?? '/');

const findGroup = (call: Call, id: string): string => {
  if (!call.world.marathon.root.groups.has(id)) throw notFound(`Group '${id}'`);
  return id;
};

const show: Handler = (call) => {
  const { world, params } = call;
  const embeds = embedsOf(call.query);
  const [raw = '/'] = params;
  if (raw.endsWith('/apps') && !world.marathon.root.groups.has(groupId(call))) {
    const apps = appsBelow(world, findGroup(call, canonicalId(raw.slice(0, -'/apps'.length))));
    return { status: 200, body: { apps: apps.map((spec) => appInfo(world, spec, embeds)) } };
  }
  return { status: 200, body: shownGroup(world, findGroup(call, groupId(call)), embeds) };
};

const create: Handler = (call) => {
  const { marathon } = call.world;
  const version = marathon.history.stamp();
  const edit = readGroup(jsonOf(call), groupId(call), version);
  refuseTakenGroup(marathon.root, edit.id);
  const after = checkRoot(editedGroup(call.world, { ...marathon.root, version }, edit));
  const deployment = marathon.change(after, flagOf(call, 'force', false));
  return created(deployment, edit.id, objectOf(deploymentReply(deployment).body));
};

const update: Handler = (call) => {
  const { marathon } = call.world;
  const version = marathon.history.stamp();
  const id = groupId(call);
  const edit = readGroup(jsonOf(call), id, version);
  refuseNestedId(edit, id, marathon.root);
  const after = editedGroup(call.world, { ...marathon.root, version }, edit);
  if (flagOf(call, 'dryRun', false))
    return { status: 200, body: { steps: shownSteps(planSteps(marathon.root, after)) } };
  return deploymentReply(marathon.change(checkRoot(after), flagOf(call, 'force', false)));
};

const patch: Handler = (call) => {
  findGroup(call, groupId(call));
  return { status: 200 };
};

const remove: Handler = (call) => {
  const { marathon } = call.world;
  const id = findGroup(call, groupId(call));
  const version = marathon.history.stamp();
  const after = { ...withoutGroup(marathon.root, id), version };
  return deploymentReply(marathon.change(after, flagOf(call, 'force', false)));
};

const versions: Handler = (call) => ({
  status: 200,
  body: call.world.marathon.history.versionsOf(findGroup(call, groupId(call))),
});

const version: Handler = (call) => {
  const [raw = '/', asked = raw] = call.params;
  const id = call.params.length > 1 ? canonicalId(raw) : '/';
  const root = call.world.marathon.history.at(asked);
  if (!root?.groups.has(id))
    throw new ApiRefusal(404, { message: `Group '${id}' does not exist in version ${asked}` });
  return { status: 200, body: shownGroup(call.world, id, embedsOf(call.query), root) };
};

export const groupHandlers = { show, create, update, patch, delete: remove, versions, version };
