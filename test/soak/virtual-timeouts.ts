import type { World } from '../fakes/simulated-world.ts';

/**
 * While `work` goes on, AbortSignal.timeout counts the world's time: code under test may use it, and a
 * timer of the machine's would make two runs of one seed differ.
 */
export async function onVirtualTime<T>(world: World, work: () => Promise<T>): Promise<T> {
  const real = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (ms) => {
    const over = new AbortController();
    world.after(ms, '', () => over.abort(new DOMException('timed out', 'TimeoutError')));
    return over.signal;
  };
  try {
    return await work();
  } finally {
    AbortSignal.timeout = real;
  }
}
