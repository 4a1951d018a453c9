import { readFile } from 'node:fs/promises';
import {
  type Attributes,
  openSeenAttributes,
  rememberedAttributes,
} from '../agent/seen-attributes.ts';
import type { StartPart } from '../agent/part.ts';
import { ownAttributes } from '../cluster/mesos/own-agent.ts';
import type { Settings } from '../config/settings.ts';
import { parseAttributes } from '../core/attributes-text.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { openMesos } from './facts.ts';

/** What the selectors of pools go by, beside the node's record. */
export interface NodeAttributes {
  readonly attributes?: () => Attributes;
  readonly parts: readonly StartPart[];
}

/**
 * For an agent at work: what its Mesos agent says of itself; where that is not to be asked, what the file says
 * that it is started with.
 */
export async function nodeAttributes(
  { agent, gate }: Pick<Settings, 'agent' | 'gate'>,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<NodeAttributes> {
  const source = sourceOf(agent, gate);
  if (!source) return { parts: [] };
  const seen = await openSeenAttributes({
    ...{ ask: source.ask, stateDirectory: agent.stateDirectory, clock, log },
    everyMs: agent.mesos.everyMs,
  });
  const part: StartPart = async (context) => {
    const started = await seen.part(context);
    return {
      ...started,
      stop: async () => {
        await started.stop();
        source.close();
      },
    };
  };
  return { attributes: seen.current, parts: [part] };
}

/** For a command on the node: what the agent saw last. */
export async function lastSeen({
  agent,
}: Pick<Settings, 'agent'>): Promise<Pick<NodeAttributes, 'attributes'>> {
  const seen = await rememberedAttributes(agent.stateDirectory);
  return seen ? { attributes: () => seen } : {};
}

interface Source {
  readonly ask: (signal: AbortSignal) => Promise<Attributes>;
  readonly close: () => void;
}

function sourceOf(
  { mesos, attributes }: Settings['agent'],
  gate: Settings['gate'],
): Source | undefined {
  const client = openMesos(mesos.url === undefined ? [] : [mesos.url], gate);
  if (client)
    return { ask: (signal) => ownAttributes(client, signal), close: () => client.close() };
  const { file } = attributes;
  return file === undefined ? undefined : { ask: () => attributesIn(file), close: () => undefined };
}

/** Of a file that is not there yet: none. */
async function attributesIn(path: string): Promise<Attributes> {
  try {
    return Object.fromEntries(parseAttributes(await readFile(path, 'utf8')).attributes);
  } catch (fault) {
    if (fault instanceof Error && 'code' in fault && fault.code === 'ENOENT') return {};
    throw fault;
  }
}
