import type { Clock } from '../../plumbing/clock.ts';
import { unlessAborted } from '../abort.ts';
import { LedgerClosed } from '../errors.ts';
import type { Batch, Revision } from '../store.ts';
import { fromFrame } from './faults.ts';
import type { Answer } from './frames.ts';
import type { Link } from './link.ts';
import { Dropped } from './wire.ts';
import type { Wire } from './wire.ts';

interface Place {
  readonly prefix: string;
  readonly after: Revision;
}

/** Watches over one connection after another, each from the last batch that was handed out. */
export async function* watchOver(
  { link }: { readonly link: Link; readonly clock: Clock },
  { prefix, after }: Place,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  let last = after;
  for (;;) {
    const wire = await link.wire(signal);
    try {
      for await (const batch of watchOn(wire, { prefix, after: last }, signal)) {
        last = batch.revision;
        yield batch;
      }
    } catch (fault) {
      signal.throwIfAborted();
      if (!(fault instanceof Dropped || fault instanceof LedgerClosed)) throw fault;
      await unlessAborted(wire.closed, signal);
    }
  }
}

/** The server sends one batch, and another for each that we say we have taken. */
async function* watchOn(wire: Wire, place: Place, signal: AbortSignal): AsyncGenerator<Batch> {
  const answers: (Answer | Dropped)[] = [];
  let wake: () => void = () => undefined;
  const watch = wire.listen({ do: 'watch', ...place }, (answer) => {
    answers.push(answer);
    wake();
  });
  try {
    for (;;) {
      signal.throwIfAborted();
      const answer = answers.shift();
      if (answer !== undefined) {
        yield batchOf(answer);
        wire.tell({ do: 'more', watch: watch.id });
      } else await unlessAborted(new Promise<void>((resolve) => (wake = resolve)), signal);
    }
  } finally {
    watch.stop();
    wire.tell({ do: 'unwatch', watch: watch.id });
  }
}

function batchOf(answer: Answer | Dropped): Batch {
  if (answer instanceof Dropped) throw answer;
  if ('fault' in answer) throw fromFrame(answer.fault, 'a watch');
  return ('batch' in answer ? answer.batch : undefined) as Batch;
}
