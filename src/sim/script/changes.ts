import { type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import { BadScriptLine } from '../errors.ts';
import { appPart, idOf, wholeApp, wholePod } from './definition.ts';
import { ask, outcome } from './http.ts';
import type { Command, Stage } from './stage.ts';
import { type Line, argument } from './words.ts';

const tell = async (
  { marathonUrl }: Stage,
  line: Line,
  request: readonly [method: string, path: string, body?: JsonObject],
): Promise<string[]> => {
  const [method, path, body] = request;
  const answer = await ask(marathonUrl, method, path, body);
  return [`${line.command} ${argument(line, 0, 'a name')}: ${outcome(answer)}`];
};

const isPod = (line: Line): boolean => line.args[1] === 'pod';

const force = ({ args }: Line): string => (args.includes('force') ? '?force=true' : '');

const deploy: Command = (stage, line) => {
  const name = argument(line, 0, 'a name');
  return isPod(line)
    ? tell(stage, line, ['POST', '/v2/pods', wholePod(line, name)])
    : tell(stage, line, ['POST', '/v2/apps', wholeApp(line, name)]);
};

const scale: Command = (stage, line) => {
  const instances = Number(argument(line, 1, 'a count'));
  if (Number.isNaN(instances)) throw new BadScriptLine(line.text, 'the count is no number');
  const path = `/v2/apps${idOf(argument(line, 0, 'a name'))}${force(line)}`;
  return tell(stage, line, ['PUT', path, { instances }]);
};

const upgrade: Command = (stage, line) => {
  const name = argument(line, 0, 'a name');
  return isPod(line)
    ? tell(stage, line, ['PUT', `/v2/pods${idOf(name)}${force(line)}`, wholePod(line, name)])
    : tell(stage, line, ['PUT', `/v2/apps${idOf(name)}${force(line)}`, appPart(line)]);
};

const restart: Command = (stage, line) =>
  tell(stage, line, [
    'POST',
    `/v2/apps${idOf(argument(line, 0, 'a name'))}/restart${force(line)}`,
    {},
  ]);

const remove: Command = (stage, line) => {
  const kind = isPod(line) ? 'pods' : line.args[1] === 'group' ? 'groups' : 'apps';
  return tell(stage, line, [
    'DELETE',
    `/v2/${kind}${idOf(argument(line, 0, 'a name'))}${force(line)}`,
  ]);
};

/** `kill shop/web` ends every task, `kill shop/web 2 scale` two and lowers the count. */
const kill: Command = async (stage, line) => {
  const id = idOf(argument(line, 0, 'a name'));
  const how = ['scale', 'wipe'].filter((word) => line.args.includes(word));
  const query = how.map((word) => `${word}=true`).join('&');
  const { body } = await ask(stage.marathonUrl, 'GET', `/v2/apps${id}/tasks`);
  const all = listOf(objectOf(body)['tasks'])
    .map((task) => textOf(objectOf(task)['id']))
    .sort();
  const ids = all.slice(0, numberOf(Number(line.args[1] ?? NaN), all.length) || all.length);
  return tell(stage, line, ['POST', `/v2/tasks/delete?${query}`, { ids }]);
};

/** `cancel shop/web` rolls its deployment back, `cancel shop/web force` only stops it. */
const cancel: Command = async (stage, line) => {
  const id = idOf(argument(line, 0, 'a name'));
  const { body } = await ask(stage.marathonUrl, 'GET', '/v2/deployments');
  const found = listOf(body)
    .map(objectOf)
    .find(({ affectedApps, affectedPods }) =>
      [...listOf(affectedApps), ...listOf(affectedPods)].includes(id),
    );
  if (!found) return [`cancel ${id.slice(1)}: no deployment`];
  return tell(stage, line, ['DELETE', `/v2/deployments/${textOf(found['id'])}${force(line)}`]);
};

/** Puts the version before the present one back. */
const rollback: Command = async (stage, line) => {
  const path = `/v2/apps${idOf(argument(line, 0, 'a name'))}`;
  const { body } = await ask(stage.marathonUrl, 'GET', `${path}/versions`);
  const [, version] = listOf(objectOf(body)['versions']);
  if (typeof version !== 'string') return [`rollback ${line.args[0] ?? ''}: no earlier version`];
  return tell(stage, line, ['PUT', path, { version }]);
};

/** Commands that go through Marathon's API. */
export const CHANGES: Readonly<Record<string, Command>> = {
  deploy, scale, upgrade, restart, delete: remove, kill, cancel, rollback,
}; // prettier-ignore
