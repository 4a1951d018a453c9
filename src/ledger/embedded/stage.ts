import { HoldingLost } from '../errors.ts';
import { keyOf } from '../limits.ts';
import type { Guard, Outcome, Revision } from '../store.ts';
import type { Move, Step } from './history.ts';
import type { State } from './state.ts';
import type { Slot } from './tree.ts';

/** A commit as the writer takes it: holdings are known by their ids. */
export interface Asked {
  readonly guards: readonly Guard[];
  readonly writes: readonly (
    | { readonly put: string; readonly value: string; readonly holding?: { readonly id: string } }
    | { readonly drop: string }
  )[];
}

/** Names an operation of a client, so that asking again gives the first answer. */
export interface Operation {
  readonly session: string;
  readonly slot: number;
  readonly sequence: number;
}

/**
 * The commits of one batch, evaluated in order, each on top of those before it. Nothing is visible
 * to readers until the batch is on disk.
 */
export class Stage {
  readonly steps: Step[] = [];
  /** Keys to write, with what they end up as. */
  readonly touched = new Map<string, Slot | undefined>();
  readonly holdings = new Set<string>();
  readonly marks: Operation[] = [];
  revision: Revision;
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
    this.revision = state.revision;
  }

  /** @throws HoldingLost */
  commit(asked: Asked): Outcome {
    if (!asked.guards.every(({ key, revision }) => this.#revisionOf(key) === revision))
      return { won: false, revision: this.revision };
    for (const write of asked.writes)
      if ('put' in write && write.holding && !this.#state.holdings.has(write.holding.id))
        throw new HoldingLost(write.holding.id);
    if (asked.writes.length > 0) this.#write(asked.writes);
    return { won: true, revision: this.revision };
  }

  /** As `commit`; an operation seen before is not carried out again. @throws HoldingLost */
  commitOnce(asked: Asked, operation: Operation): Outcome {
    const session = this.#state.holdings.get(operation.session);
    if (session === undefined) throw new HoldingLost(operation.session);
    const seen = session.marks.get(operation.slot);
    if (seen !== undefined && seen.sequence >= operation.sequence)
      return { won: seen.won && seen.sequence === operation.sequence, revision: seen.revision };
    const outcome = this.commit(asked);
    session.marks.set(operation.slot, { sequence: operation.sequence, ...outcome });
    if (outcome.won) this.marks.push(operation);
    return outcome;
  }

  openHolding(id: string, ttlMs: number): void {
    this.#state.holdings.set(id, { ttlMs, keys: new Set(), marks: new Map() });
    this.holdings.add(id);
  }

  /** Drops the holding and its keys, in one revision. @returns false when it had ended before */
  endHolding(id: string): boolean {
    const held = this.#state.holdings.get(id);
    if (held === undefined) return false;
    this.#state.holdings.delete(id);
    this.holdings.add(id);
    for (const slot of held.marks.keys()) this.marks.push({ session: id, slot, sequence: 0 });
    if (held.keys.size > 0) this.#write([...held.keys].map((drop) => ({ drop })));
    return true;
  }

  #slot(key: string): Slot | undefined {
    return this.touched.has(key) ? this.touched.get(key) : this.#state.slot(key);
  }

  #revisionOf(key: string): Revision {
    return this.#slot(key)?.entry.revision ?? 0;
  }

  #write(writes: Asked['writes']): void {
    this.revision += 1;
    const moves: Move[] = [];
    for (const write of writes) {
      const key = keyOf(write);
      const before = this.#slot(key);
      const after = 'put' in write ? this.#slotFor(write, before) : undefined;
      if (before === undefined && after === undefined) continue;
      this.#bind(key, before, after);
      this.touched.set(key, after);
      moves.push({ key, ...(before && { before }), ...(after && { after }) });
    }
    this.steps.push({ revision: this.revision, moves });
  }

  #slotFor(
    { put, value, holding }: Extract<Asked['writes'][number], { put: string }>,
    before: Slot | undefined,
  ): Slot {
    const created = before?.entry.created ?? this.revision;
    const entry = Object.freeze({ key: put, value, revision: this.revision, created });
    return holding ? { entry, holding: holding.id } : { entry };
  }

  #bind(key: string, before: Slot | undefined, after: Slot | undefined): void {
    if (before?.holding === after?.holding) return;
    if (before?.holding !== undefined) this.#state.holdings.get(before.holding)?.keys.delete(key);
    if (after?.holding !== undefined) this.#state.holdings.get(after.holding)?.keys.add(key);
  }
}
