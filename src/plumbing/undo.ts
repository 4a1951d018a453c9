import { bySignal } from './deadline.ts';

/** One thing to put back. Undoing what is not there is success, so that undoing twice is too. */
export type UndoStep = (signal: AbortSignal) => Promise<void>;

/**
 * Puts things back, in order, on clocks of its own: the deadline that killed the job must not kill the
 * cleanup. A step that fails, or ignores its signal, does not stop the next.
 *
 * @param withinMs  for each step
 * @throws AggregateError with every fault
 */
export async function undo(steps: readonly UndoStep[], withinMs: number): Promise<void> {
  const faults: unknown[] = [];
  for (const step of steps)
    await bySignal(AbortSignal.timeout(withinMs), step).catch((fault: unknown) =>
      faults.push(fault),
    );
  if (faults.length > 0)
    throw new AggregateError(
      faults,
      `cleanup left ${faults.length} of ${steps.length} steps undone`,
    );
}
