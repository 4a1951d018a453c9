import { isOwn } from './attributes.ts';
import { holds, sameValue, typeOf } from './attributes-text.ts';

/** What Mesos' agent is started with: `equal` takes no change at all, and is its default. */
export type ReconfigurationPolicy = 'equal' | 'additive';

/** One attribute that is not as the ledger has it. */
export interface AttributeChange {
  readonly name: string;
  readonly from?: string;
  readonly to?: string;
  /** An agent that is started with it under `additive` keeps its id, and its containers. */
  readonly additive: boolean;
  /** In words. */
  readonly says: string;
}

/**
 * What differs between the attributes there are and those that should be. Names that are not Corral's own
 * are the operator's and stay, unless the node's record says otherwise.
 *
 * @see Mesos src/slave/compatibility.cpp
 */
export function attributeChanges(
  now: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): readonly AttributeChange[] {
  const changes: AttributeChange[] = [];
  for (const [name, to] of wanted) {
    const from = now.get(name);
    if (from === undefined)
      changes.push({ name, to, additive: true, says: `${name}:${to} is new` });
    else if (!sameValue(from, to)) changes.push(changed(name, from, to));
  }
  for (const [name, from] of now)
    if (isOwn(name) && !wanted.has(name))
      changes.push({ name, from, additive: false, says: `${name}:${from} is to go` });
  return changes.sort((one, other) => (one.name < other.name ? -1 : 1));
}

function changed(name: string, from: string, to: string): AttributeChange {
  const grows = typeOf(from) === 'RANGES' && typeOf(to) === 'RANGES' && holds(to, from);
  const says = grows
    ? `${name} grows from ${from} to ${to}`
    : `${name} changes from ${from} to ${to}`;
  return { name, from, to, additive: grows, says };
}

/** The attributes with some changes made. */
export function withChanges(
  now: ReadonlyMap<string, string>,
  changes: readonly AttributeChange[],
): ReadonlyMap<string, string> {
  const next = new Map(now);
  for (const { name, to } of changes)
    if (to === undefined) next.delete(name);
    else next.set(name, to);
  return next;
}

/** Which changes the file may take by itself, so that the agent's next start goes well whenever it comes. */
export const mayWrite = (policy: ReconfigurationPolicy, { additive }: AttributeChange): boolean =>
  policy === 'additive' && additive;

/** How people make the changes that no file may take by itself. */
export const PROCEDURE = `Mesos reads attributes at an agent's start, and compares them with those before:
  1. under --reconfiguration_policy=additive new names and wider ranges are taken, and nothing else; under equal,
     the default, nothing is. Set the policy first, and agent.attributes.policy with it.
  2. What the policy takes: stop the Mesos agent, edit the file, start it, all well within 75 s (the master gives
     an agent up after 5 pings of 15 s) and within its recovery_timeout (15 min). Containers keep running.
     "corral attributes apply --restart-command ..." does that, and puts the file back if the agent does not return.
  3. What it does not take: drain the node, stop the agent, edit the file, remove <work_dir>/meta/slaves/latest and
     start it. It gets a new agent id, and what still ran on it is destroyed.`;
