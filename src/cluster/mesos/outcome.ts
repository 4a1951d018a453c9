import { BadMesosAnswer, MesosRefused, MesosUnreachable } from '../errors.ts';

/** `done`, or one of some ways to fail, with the reason in words. */
export type Said<Ill extends string> =
  { readonly outcome: 'done' } | { readonly outcome: Ill; readonly why: string };

/** Mesos' words for what is no failure, or one that has a name. */
export type Words<Ill extends string> = readonly (readonly [
  status: number,
  words: RegExp,
  outcome: Ill | AnyIll | 'done',
])[];

/** What every call may end in. */
export type AnyIll = 'refused' | 'unreachable';

export const DONE = { outcome: 'done' } as const;

/**
 * What Mesos says to `ask`, faults of the way included. An answer that `words` does not know is `refused`.
 *
 * @throws the signal's reason; what is no fault of Mesos or of the way to it
 */
export async function outcomeOf<Ill extends string>(
  words: Words<Ill>,
  signal: AbortSignal,
  ask: () => Promise<Said<Ill | AnyIll>>,
): Promise<Said<Ill | AnyIll>> {
  try {
    return await ask();
  } catch (fault: unknown) {
    signal.throwIfAborted();
    if (fault instanceof MesosUnreachable || fault instanceof BadMesosAnswer)
      return { outcome: 'unreachable', why: fault.message };
    if (fault instanceof MesosRefused) return said(words, fault);
    throw fault;
  }
}

function said<Ill extends string>(
  words: Words<Ill>,
  { status, answer, message }: MesosRefused,
): Said<Ill | AnyIll> {
  const found = words.find(([code, pattern]) => code === status && pattern.test(answer));
  const outcome = found?.[2] ?? 'refused';
  return outcome === 'done' ? DONE : { outcome, why: message };
}
