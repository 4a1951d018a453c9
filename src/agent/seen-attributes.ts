import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { startLoop } from '../plumbing/loop.ts';
import { replaceFile } from '../plumbing/write-file.ts';
import { itemOf } from './api.ts';
import type { StartPart } from './part.ts';

export type Attributes = Readonly<Record<string, string>>;

export interface SeenAttributesDeps {
  /** Asks Mesos, or whatever says what it will be told. */
  readonly ask: (signal: AbortSignal) => Promise<Attributes>;
  /** Where what was seen last is kept. */
  readonly stateDirectory: string;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What Mesos says of this node, for the selectors of pools. */
export interface SeenAttributes {
  readonly current: () => Attributes;
  readonly part: StartPart;
}

const FILE = 'mesos-attributes.json';

/**
 * Asks again and again, and goes by the last answer: containers start again before the Mesos agent does, and
 * while it is away the node reaches what it reached before.
 */
export async function openSeenAttributes(deps: SeenAttributesDeps): Promise<SeenAttributes> {
  const { ask, stateDirectory, everyMs, clock, log } = deps;
  let seen = await rememberedAttributes(stateDirectory);
  const turn = async (signal: AbortSignal): Promise<void> => {
    const now = sorted(await ask(signal));
    if (JSON.stringify(now) === JSON.stringify(seen)) return;
    await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
    await replaceFile(join(stateDirectory, FILE), `${JSON.stringify(now)}\n`, { mode: 0o600 });
    log.info("the node's attributes in Mesos are others than before", { before: seen, now });
    seen = now;
  };
  return {
    current: () => seen ?? {},
    part: () => {
      const timing = { backoffMs: 500, backoffCapMs: 5_000, deadlineMs: 10_000, clock, log };
      const loop = startLoop('mesos attributes', turn, { ...timing, everyMs });
      return {
        ready: () => {
          const item = itemOf(loop.state());
          if (!seen) return [item];
          const asked = item.ready ? '' : `, as they were seen last: ${item.detail}`;
          return [{ ...item, ready: true, detail: `${textOf(seen)}${asked}` }];
        },
        stop: () => loop.stop(),
      };
    },
  };
}

/** What was seen last, by this process or one before; undefined when nothing ever was. */
export async function rememberedAttributes(
  stateDirectory: string,
): Promise<Attributes | undefined> {
  try {
    return attributesIn(JSON.parse(await readFile(join(stateDirectory, FILE), 'utf8')));
  } catch (fault) {
    const isMissing = fault instanceof Error && 'code' in fault && fault.code === 'ENOENT';
    if (isMissing || fault instanceof SyntaxError) return undefined; // Mesos says it again
    throw fault;
  }
}

function attributesIn(value: unknown): Attributes | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const pairs = Object.entries(value);
  return pairs.every((pair): pair is [string, string] => typeof pair[1] === 'string')
    ? Object.fromEntries(pairs)
    : undefined;
}

const sorted = (attributes: Attributes): Attributes =>
  Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));

const textOf = (attributes: Attributes): string =>
  Object.entries(attributes)
    .map(([name, value]) => `${name}:${value}`)
    .join(';') || 'none';
