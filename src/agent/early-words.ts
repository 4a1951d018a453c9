import type { EngineContainer } from './docker/engine-translate.ts';
import type { Engine } from './docker/engine.ts';
import type { EngineEvent } from './docker/events.ts';

/** What a container says of itself. */
export type Words = Pick<EngineContainer, 'id' | 'env' | 'labels'>;

export interface EarlyWordsDeps {
  /** Connections of its own: Docker withholds some answers until a container has started. */
  readonly engine: Pick<Engine, 'container'>;
  /** Those of a container became known. */
  readonly onKnown: (words: Words) => void;
}

/** Most containers that are remembered, and that are asked for at the same time. */
const MOST = 4_096;
const MOST_AT_ONCE = 64;
/** Longest that Docker is waited for; then its start has told more, ms. */
const WITHIN_MS = 5_000;

/**
 * What containers say of themselves, from the moment they are made. It does not change as long as they
 * are there, and Docker tells it between `create` and `start`, mostly; from then on it withholds it until
 * the container runs. So who is quick limits a container to what it asked for before its first packet. Who
 * is not has lost nothing: the start tells it again.
 */
export class EarlyWords {
  readonly #deps: EarlyWordsDeps;
  readonly #known = new Map<string, Words>();
  #asked = 0;

  constructor(deps: EarlyWordsDeps) {
    this.#deps = deps;
  }

  of(container: string): Words | undefined {
    return this.#known.get(container);
  }

  hear(event: EngineEvent, signal: AbortSignal): void {
    if (event.what !== 'container') return;
    if (event.action === 'create') void this.#ask(event.container, signal);
    if (event.action === 'destroy') this.#known.delete(event.container);
  }

  async #ask(id: string, signal: AbortSignal): Promise<void> {
    if (this.#asked >= MOST_AT_ONCE || this.#known.size >= MOST) return;
    this.#asked += 1;
    try {
      const within = AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]);
      const container = await this.#deps.engine.container(id, within);
      if (!container || container.running) return;
      const words = { id, env: container.env, labels: container.labels };
      this.#known.set(id, words);
      this.#deps.onKnown(words);
    } catch {
      // its start tells it
    } finally {
      this.#asked -= 1;
    }
  }
}
