import type { Etcd3 } from 'etcd3';
import type { Clock } from '../../plumbing/clock.ts';
import type { Revision } from '../store.ts';
import type { Calls } from './calls.ts';
import { MARKS, bytesOf } from './keys.ts';

interface Listener {
  beat(revision: Revision): void;
}

/**
 * Asks the cluster, by quorum, for its revision as long as anything is watched, and tells the watches. A
 * member that hangs, or is cut off from the others, shows by not getting there; grpc's keep-alive sees
 * only the first, and late.
 */
export class Pulse {
  readonly #deps: { client: Etcd3; calls: Calls; clock: Clock; everyMs: number };
  readonly #listeners = new Set<Listener>();
  #stop: AbortController | undefined;

  constructor(deps: { client: Etcd3; calls: Calls; clock: Clock; everyMs: number }) {
    this.#deps = deps;
  }

  /** @returns what ends the telling */
  tell(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#stop === undefined) {
      this.#stop = new AbortController();
      this.#run(this.#stop.signal).catch(() => undefined);
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stop?.abort();
      this.#stop = undefined;
    };
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, everyMs } = this.#deps;
    for (;;) {
      await clock.sleep(everyMs, signal);
      const revision = await this.#revision(signal).catch(() => undefined);
      signal.throwIfAborted();
      if (revision === undefined) continue;
      for (const listener of this.#listeners) listener.beat(revision);
    }
  }

  async #revision(signal: AbortSignal): Promise<Revision> {
    const { client, calls } = this.#deps;
    const answer = await calls.run(
      'a pulse',
      (options) => client.kv.range({ key: bytesOf(MARKS), keys_only: true }, options),
      signal,
    );
    return Number(answer.header.revision);
  }
}
