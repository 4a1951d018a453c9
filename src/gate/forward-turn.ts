/** What has something to write once a turn of the event loop has read all there was to read. */
export interface Writes {
  write(): void;
}

/**
 * Gathers what one turn of the event loop wants to write, and writes it at the turn's end, back to back.
 *
 * A write to a reader that sleeps wakes it, at a third of what an answer costs the kernel. A reader that is
 * woken for each answer is asleep again before the next one; written together, they cost one waking. With
 * one request at a time nothing is won, and nothing waits: the end of the turn comes at once.
 */
export interface Turn {
  /** `writes` is asked to write at the end of this turn, once. */
  add(writes: Writes): void;
}

export function createTurn(): Turn {
  let waiting: Writes[] = [];
  const end = () => {
    const ending = waiting;
    waiting = [];
    for (const writes of ending) writes.write();
  };
  return {
    add(writes) {
      if (waiting.push(writes) === 1) setImmediate(end);
    },
  };
}
