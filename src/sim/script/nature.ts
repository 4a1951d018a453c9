import { NOTHING, minus } from '../nodes.ts';
import { objectOf, textOf } from '../json.ts';
import { BadScriptLine } from '../errors.ts';
import type { Trouble } from '../mesos/master.ts';
import { idOf } from './definition.ts';
import { ask } from './http.ts';
import { VIEWS } from './show.ts';
import type { Command, Stage } from './stage.ts';
import { type Line, argument, durationOf, numberOption } from './words.ts';
import type { SimNode } from '../nodes.ts';

/** A node by its name or the first label of it. */
const nodeOf = ({ world }: Stage, line: Line): SimNode => {
  const name = argument(line, 0, 'a node');
  return (
    world.fleet.nodes.find((node) => node.name.split('.')[0] === name) ?? world.fleet.node(name)
  );
};

const advance: Command = async ({ pass }, line) => {
  await pass(durationOf(line, line.args[0]));
  return [];
};

const show: Command = async (stage, line) => {
  const view = VIEWS[argument(line, 0, 'what to show')];
  if (!view)
    throw new BadScriptLine(line.text, `only ${Object.keys(VIEWS).join(', ')} can be shown`);
  const lines = await view(stage);
  return lines.length > 0 ? lines : ['none'];
};

/** `fill node-1 cpus=6` takes room that no task has; without figures all of it, `cpus=0` none. */
const fill: Command = (stage, line) => {
  const node = nodeOf(stage, line);
  const all = minus(node.total, stage.world.fleet.used(node));
  const said = Object.keys(line.options).length > 0;
  node.filler = said
    ? { ...NOTHING, cpus: numberOption(line, 'cpus') ?? 0, mem: numberOption(line, 'mem') ?? 0 }
    : { ...all };
  return [`${node.name}: ${node.filler.cpus} cpus and ${node.filler.mem} MiB filled`];
};

const partition: Command = (stage, line) => {
  const node = nodeOf(stage, line);
  stage.world.fleet.partition(node);
  return [`${node.name}: cut off`];
};

const heal: Command = (stage, line) => {
  const node = nodeOf(stage, line);
  stage.world.fleet.heal(node);
  return [`${node.name}: back`];
};

/** Another master leads, or the same one anew; agents register with it one after the other. */
const failover: Command = ({ world }) => {
  world.master.abdicate();
  return ['another Mesos master leads'];
};

/** The agent's work directory is wiped: it registers under another id and its tasks are gone. */
const renewAgent: Command = (stage, line) => {
  const node = nodeOf(stage, line);
  stage.world.master.renew(node);
  return [`${node.name}: another agent id`];
};

const TROUBLES: readonly string[] = ['lost', 'dropped', 'busy'] satisfies Trouble[];
const isTrouble = (word: string): word is Trouble => TROUBLES.includes(word);

/** `trouble lost 2`: the answers to the next two switches of agents are cut off. */
const trouble: Command = ({ world }, line) => {
  const word = argument(line, 0, 'lost, dropped or busy');
  if (!isTrouble(word))
    throw new BadScriptLine(line.text, `"${word}" is none of ${TROUBLES.join(', ')}`);
  const times = Number(line.args[1] ?? 1);
  for (let i = 0; i < times; i++) world.master.troubles.push(word);
  return [`the next ${times} switches: ${word}`];
};

/** `crash shop/web 2` lets two running instances fail, all of them without a count. */
const crash: Command = ({ world }, line) => {
  const id = idOf(argument(line, 0, 'a name'));
  const running = [...world.fleet.containers.values()].filter(
    ({ order, state }) => order.spec.id === id && state === 'TASK_RUNNING',
  );
  const chosen = running.slice(0, Number(line.args[1] ?? running.length));
  for (const { task } of chosen) world.fleet.crash(task, 1);
  return [`crash ${id.slice(1)}: ${chosen.length} ended`];
};

const switchAgent =
  (type: string, does: string): Command =>
  async (stage, line) => {
    const node = nodeOf(stage, line);
    const body = { type, [type.toLowerCase()]: { agent_id: { value: node.agentId } } };
    const answer = await ask(stage.mesosUrl, 'POST', '/api/v1', body);
    const said = answer.status === 200 ? does : `${answer.status} ${String(answer.body)}`;
    return [`${node.name}: ${said}`];
  };

const say: Command = (_stage, line) => [line.text.replace(/^say\s*/, '')];

const failuresFit = ({ world }: Stage, word: string): [boolean, string] => {
  const total = world.failures.total();
  const [, sign = '', figure = ''] = /^([<>]?)(\d+)$/.exec(word) ?? [];
  const wanted = Number(figure);
  const fits = sign === '<' ? total < wanted : sign === '>' ? total > wanted : total === wanted;
  return [fits, `${total} launch failures`];
};

const runningFits = async (
  stage: Stage,
  name: string,
  word: string,
): Promise<[boolean, string]> => {
  const { body } = await ask(stage.marathonUrl, 'GET', `/v2/apps${idOf(name)}`);
  const app = objectOf(objectOf(body)['app']);
  const running = Number(app['tasksRunning'] ?? 0);
  return [
    running === Number(word),
    `${running} of ${name} running${textOf(app['id']) === '' ? ', which is unknown' : ''}`,
  ];
};

/** `expect failures=>10`, `expect shop/web running=3`. */
const expect: Command = async (stage, line) => {
  const { failures, running } = line.options;
  const [fits, said] =
    failures !== undefined
      ? failuresFit(stage, failures)
      : await runningFits(stage, argument(line, 0, 'an app'), running ?? '');
  return [`${fits ? 'as expected' : 'NOT as expected'}: ${said}`];
};

/** Commands beside Marathon's API. */
export const NATURE: Readonly<Record<string, Command>> = {
  advance, wait: advance, show, fill, partition, heal, crash, say, expect,
  failover, trouble, 'renew-agent': renewAgent,
  drain: switchAgent('DRAIN_AGENT', 'draining'),
  undrain: switchAgent('REACTIVATE_AGENT', 'reactivated'),
  deactivate: switchAgent('DEACTIVATE_AGENT', 'deactivated'),
  reactivate: switchAgent('REACTIVATE_AGENT', 'reactivated'),
}; // prettier-ignore
