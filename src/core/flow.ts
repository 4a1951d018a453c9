/**
 * Maximum flow by Dinic's algorithm: shortest augmenting paths, a whole level at a time. Vertices and
 * arcs are numbered from 0; capacities are whole numbers or Infinity.
 */
export class Flow {
  readonly #head: number[] = [];
  /** Arc 2i is a caller's, 2i+1 its reverse. */
  readonly #to: number[] = [];
  readonly #left: number[] = [];
  readonly #next: number[] = [];
  #level: Int32Array = new Int32Array(0);
  #at: number[] = [];

  vertex(): number {
    this.#head.push(-1);
    return this.#head.length - 1;
  }

  /** @returns the arc's number, for flowOn, raise and undo */
  arc(from: number, to: number, capacity: number): number {
    this.#half(from, to, capacity);
    this.#half(to, from, 0);
    return this.#to.length - 2;
  }

  #half(from: number, to: number, capacity: number): void {
    this.#to.push(to);
    this.#left.push(capacity);
    this.#next.push(at(this.#head, from));
    this.#head[from] = this.#to.length - 1;
  }

  flowOn(arc: number): number {
    return at(this.#left, arc + 1);
  }

  /** Makes room on an arc (or takes unused room away when negative). */
  raise(arc: number, by: number): void {
    this.#left[arc] = at(this.#left, arc) + by;
  }

  /** Takes flow off an arc; the caller undoes a whole path so that nothing is lost on the way. */
  undo(arc: number, by: number): void {
    this.#left[arc] = at(this.#left, arc) + by;
    this.#left[arc ^ 1] = at(this.#left, arc ^ 1) - by;
  }

  /** Sends up to `limit` more units; returns how many arrived. */
  send(source: number, sink: number, limit: number): number {
    let sent = 0;
    while (sent < limit) {
      this.#level = this.#layers(source);
      if (at(this.#level, sink) < 0) break;
      this.#at = [...this.#head];
      let pushed = 0;
      do {
        pushed = this.#push(source, sink, limit - sent);
        sent += pushed;
      } while (pushed > 0 && sent < limit);
    }
    return sent;
  }

  /** After a `send` that fell short: for every vertex, whether it is on the source's side of the bottleneck. */
  reached(source: number): readonly boolean[] {
    return Array.from(this.#layers(source), (level) => level >= 0);
  }

  /** Distance of every vertex from the source over arcs that have room; -1 when out of reach. */
  #layers(source: number): Int32Array {
    const level = new Int32Array(this.#head.length).fill(-1);
    const queue = [source];
    level[source] = 0;
    for (const from of queue) {
      for (let arc = at(this.#head, from); arc >= 0; arc = at(this.#next, arc)) {
        const to = at(this.#to, arc);
        if (at(this.#left, arc) <= 0 || at(level, to) >= 0) continue;
        level[to] = at(level, from) + 1;
        queue.push(to);
      }
    }
    return level;
  }

  #push(from: number, sink: number, limit: number): number {
    if (from === sink) return limit;
    for (let arc = at(this.#at, from); arc >= 0; arc = at(this.#next, arc)) {
      this.#at[from] = arc;
      const to = at(this.#to, arc);
      const left = at(this.#left, arc);
      if (left <= 0 || at(this.#level, to) !== at(this.#level, from) + 1) continue;
      const pushed = this.#push(to, sink, Math.min(limit, left));
      if (pushed === 0) continue;
      this.undo(arc ^ 1, pushed);
      return pushed;
    }
    this.#at[from] = -1;
    return 0;
  }
}

/** Indices here come from the class itself, so an element is always there. */
const at = (list: ArrayLike<number>, index: number): number => list[index] as number;
