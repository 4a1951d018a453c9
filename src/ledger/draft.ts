import type { Entry, Revision } from './store.ts';

/** Revision of an entry that is written by the commit being put together. */
const PENDING: Revision = -1;

/**
 * A write of a record, and the entry that it leaves behind. It is spelled when somebody looks at its value,
 * which need not happen: where several decisions share a commit, the next one may write the key again.
 */
export class Draft implements Entry {
  readonly put: string;
  readonly revision = PENDING;
  readonly created = PENDING;
  readonly #spell: () => string;
  #value: string | undefined;

  constructor(put: string, spell: () => string) {
    this.put = put;
    this.#spell = spell;
  }

  get key(): string {
    return this.put;
  }

  get value(): string {
    this.#value ??= this.#spell();
    return this.#value;
  }
}
