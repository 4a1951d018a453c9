/**
 * What `work` makes of a signal, or the signal's reason once it is aborted: a callee that ignores its
 * signal cannot hold its caller. Work that outlives the signal goes on unseen; its fault is dropped.
 */
export async function bySignal<T>(
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  let leave: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    leave = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([work(signal), aborted]);
  } finally {
    if (leave) signal.removeEventListener('abort', leave);
  }
}
