import { eitherSignal } from '../../src/ledger/abort.ts';
import type { World } from '../fakes/simulated-world.ts';

/**
 * While `work` goes on, AbortSignal.timeout counts the world's time: code under test may use it, and a
 * timer of the machine's would make two runs of one seed differ. Node keeps what AbortSignal.any made for as
 * long as somebody listens, which those who were killed amid something do for ever; ours goes with its world.
 */
export async function onVirtualTime<T>(world: World, work: () => Promise<T>): Promise<T> {
  const real = {
    timeout: AbortSignal.timeout.bind(AbortSignal),
    any: AbortSignal.any.bind(AbortSignal),
  };
  AbortSignal.any = (signals) => eitherSignal(...signals).signal;
  AbortSignal.timeout = (ms) => {
    const over = new AbortController();
    world.after(ms, '', () => over.abort(new DOMException('timed out', 'TimeoutError')));
    return over.signal;
  };
  try {
    return await work();
  } finally {
    Object.assign(AbortSignal, real);
  }
}
