import { stepsToClean } from '../../core/shape-steps.ts';
import type { Usage } from '../../core/shape-usage.ts';
import { startLoop } from '../../plumbing/loop.ts';
import { Hands } from './hands.ts';
import { KernelRefused } from './errors.ts';
import { Passes } from './passes.ts';
import { linkNews, Ports } from './ports.ts';
import { Reader } from './reader.ts';
import { Meter } from './meter.ts';
import type { ShaperDeps, ShaperState } from './shaper-deps.ts';

export interface Shaper {
  state(): ShaperState;
  /** What changed is put in force at once, and looked at after; several calls during one pass make one more. */
  wake(): void;
  /**
   * Puts what is wanted now in force and reads it back.
   *
   * @returns the state after it: what is not in force is among its faults
   * @throws ToolFailed, UnreadableKernel, or what `wanted` throws
   */
  settle(signal: AbortSignal): Promise<ShaperState>;
  /** One dump for all; calls within half a second share it. */
  usage(signal: AbortSignal): Promise<readonly Usage[]>;
  /** Ends the loop and the programs; limits stay. */
  stop(): Promise<void>;
}

const TIMING = { backoffMs: 500, deadlineMs: 60_000 };

/** Keeps the kernel of one node equal to what is wanted, for ever. */
export function startShaper(deps: ShaperDeps): Shaper {
  const { clock, netns } = deps;
  const [reader, hands, ports] = [new Reader(netns), new Hands(netns), new Ports()];
  const passes = new Passes({ ...deps, reader, hands, ports });
  const meter = new Meter({ clock, reader });
  const state = (): ShaperState => ({ loop: loops.state(), ...passes.state() });
  const tell = (): void => deps.onPass?.(state(), passes.concluded().judged);
  const loops = startLoops(deps, passes, tell);
  const watching = watch(deps, ports, () => loops.hurry());
  return {
    state,
    wake: () => loops.wake(),
    settle: async (signal) => {
      await passes.settle(signal);
      tell();
      return state();
    },
    usage: (signal) => meter.usage(passes.concluded().inForce, signal),
    stop: async () => {
      await Promise.all([watching.stop(), loops.stop()]);
      await passes.idle();
      await hands.close();
    },
  };
}

/** What need not wait for a look has loops of its own beside that of the passes. */
function startLoops({ clock, log, everyMs }: ShaperDeps, passes: Passes, tell: () => void) {
  const timing = { ...TIMING, everyMs, backoffCapMs: everyMs, clock, log };
  const pass = async (signal: AbortSignal): Promise<void> => {
    await passes.next(signal);
    tell();
    if (passes.unseen()) looking.wake();
    const refusal = passes.concluded().refusal;
    if (refusal) throw refusal;
  };
  const hurry = async (signal: AbortSignal): Promise<void> => {
    await passes.hurry(signal);
    if (passes.unseen()) looking.wake();
  };
  const looking = startLoop('shape', pass, timing);
  const hurrying = startLoop('limits at once', hurry, timing);
  const meeting = startLoop('who started', (signal) => passes.meet(signal), timing);
  const all = [hurrying, meeting, looking];
  return {
    state: () => looking.state(),
    hurry: () => hurrying.wake(),
    wake: () => {
      for (const one of all) one.wake();
    },
    stop: () => Promise.all(all.map((one) => one.stop())),
  };
}

/** A new port is limited before a process behind it runs. */
function watch(
  deps: ShaperDeps,
  ports: Ports,
  onPort: () => void,
): { readonly stop: () => Promise<void> } {
  const ending = new AbortController();
  const watched = (async () => {
    for await (const news of linkNews(deps, ending.signal)) if (ports.hear(news)) onPort();
  })();
  return {
    stop: () => {
      ending.abort(new Error('the shaper was stopped'));
      return watched;
    },
  };
}

/**
 * Takes everything out of the kernel that Corral ever put there, and nothing else. Twice is as good as
 * once; a second look proves it.
 *
 * @returns how many steps it took
 * @throws KernelRefused, ToolFailed, UnreadableKernel
 */
export async function cleanKernel(signal: AbortSignal, netns?: string): Promise<number> {
  const reader = new Reader(netns);
  const hands = new Hands(netns);
  try {
    const { links, seen } = await reader.look(signal);
    const steps = stepsToClean(seen);
    const refused = await hands.carryOut(steps, links, signal);
    const left = stepsToClean((await reader.look(signal)).seen);
    // What went by itself in between is no fault.
    if (left.length > 0) throw new KernelRefused(refused, left.length);
    return steps.length;
  } finally {
    await hands.close();
  }
}
