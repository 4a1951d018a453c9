import { type AttributeChange, withChanges } from '../core/attributes-diff.ts';
import { renderAttributes, sameAttributes } from '../core/attributes-text.ts';
import { replaceFile } from '../plumbing/write-file.ts';
import type { Clock } from '../plumbing/clock.ts';
import { AttributesNeedNewAgent, AttributesNotTaken } from './attributes-errors.ts';
import type { AttributesLook } from './attributes-file.ts';
import type { Ran } from './run-tool.ts';

/** The Mesos agent of this node as the master knows it. */
export interface RegisteredAgent {
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** It gets offers: a restarted one does once it has registered again. */
  readonly offered: boolean;
}

export interface ApplyDeps {
  readonly path: string;
  readonly look: AttributesLook;
  /** Runs the restart command, argv by argv. Never throws for how it ends. */
  readonly restart: (signal: AbortSignal) => Promise<Ran>;
  /** Absent: no master is configured, and nobody can be asked. */
  readonly registered?: (signal: AbortSignal) => Promise<RegisteredAgent | undefined>;
  /** Tries what no restart can bring about, too. */
  readonly incompatible: boolean;
  readonly clock: Clock;
  /** For command and return together; default 60 s, well inside the 75 s after which a master gives an agent up. */
  readonly withinMs?: number;
}

export interface Applied {
  readonly changes: readonly AttributeChange[];
  /** False: no master was there to ask, so it is not known. */
  readonly confirmed: boolean;
}

const WITHIN_MS = 60_000;
const ASK_EVERY_MS = 500;

/**
 * Writes the file, restarts the Mesos agent and waits until the master has it again: under the id that it
 * had, with the new attributes. When it does not come back so, the former file is put back and the agent is
 * restarted once more, on a clock of its own.
 *
 * @throws AttributesNeedNewAgent and nothing is changed; AttributesNotTaken
 */
export async function applyAttributes(deps: ApplyDeps, signal: AbortSignal): Promise<Applied> {
  const { look, path, incompatible } = deps;
  const never = look.changes.filter(({ additive }) => !additive);
  if (never.length > 0 && !incompatible)
    throw new AttributesNeedNewAgent(never.map(({ says }) => says));
  const before = await deps.registered?.(signal);
  const former = look.file?.attributes;
  const next = withChanges(former ?? new Map<string, string>(), look.changes);
  await replaceFile(path, renderAttributes(next));
  const why = await restarted(deps, { before, next }, signal);
  if (why === undefined) return { changes: look.changes, confirmed: before !== undefined };
  if (former === undefined)
    throw new AttributesNotTaken(
      why,
      `see the mesos agent's log; ${path} was not there before and is left`,
    );
  await replaceFile(path, renderAttributes(former));
  const again = await restarted(deps, { before, next: undefined }, new AbortController().signal);
  throw new AttributesNotTaken(
    why,
    again === undefined
      ? `the former ${path} is back and the agent runs with it; see its log for the reason`
      : `the former ${path} is back, but the agent is not (${again}): see its log and start it`,
  );
}

interface Expected {
  readonly before: RegisteredAgent | undefined;
  /** Absent: those it had. */
  readonly next: ReadonlyMap<string, string> | undefined;
}

/** @returns why not; undefined when all is well */
async function restarted(
  deps: ApplyDeps,
  expected: Expected,
  signal: AbortSignal,
): Promise<string | undefined> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(deps.withinMs ?? WITHIN_MS)]);
  const { code, err } = await deps.restart(within);
  if (code !== 0) return `the restart command ended with ${code}: ${err.trim().slice(0, 500)}`;
  return expected.before
    ? returned(deps, { ...expected, before: expected.before }, within)
    : undefined;
}

/** Asks the master until the agent is there as expected, or there as somebody else. */
async function returned(
  { registered, clock, withinMs = WITHIN_MS }: ApplyDeps,
  { before, next }: Expected & { readonly before: RegisteredAgent },
  within: AbortSignal,
): Promise<string | undefined> {
  let seen: string | undefined = 'the master was not asked';
  while (!within.aborted) {
    const now = await registered?.(within).catch((fault: unknown) => String(fault));
    seen = typeof now === 'string' ? now : faultOf(now, before, next);
    if (seen === undefined) return undefined;
    // it got another id: no waiting brings the former one back
    if (typeof now === 'object' && now.id !== before.id && now.offered) return seen;
    await clock.sleep(ASK_EVERY_MS, within).catch(() => undefined);
  }
  return `after ${withinMs / 1_000} s ${seen}`;
}

function faultOf(
  now: RegisteredAgent | undefined,
  before: RegisteredAgent,
  next: ReadonlyMap<string, string> | undefined,
): string | undefined {
  if (!now) return 'the master does not list it';
  if (now.id !== before.id) return `it has a new id, ${now.id} and not ${before.id}`;
  if (before.offered && !now.offered) return 'it gets no offers';
  const wanted = next ?? new Map(Object.entries(before.attributes));
  return sameAttributes(new Map(Object.entries(now.attributes)), wanted)
    ? undefined
    : 'the master has it with other attributes';
}
