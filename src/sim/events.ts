import type { JsonObject } from './json.ts';

export type Listener = (type: string, event: JsonObject) => void;

/** What GET /v2/events tells; nothing is kept, so who attaches late has missed it. */
export class EventBus {
  readonly #now: () => number;
  readonly #listeners = new Set<Listener>();

  constructor(now: () => number) {
    this.#now = now;
  }

  publish(eventType: string, fields: JsonObject): void {
    const timestamp = new Date(this.#now()).toISOString();
    const event = { eventType, timestamp, ...fields };
    for (const listener of this.#listeners) listener(eventType, event);
  }

  /** Tells `listener` of every event until the answer is called. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
