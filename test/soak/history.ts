/**
 * What was asked of an allocator of addresses and what it answered, with times of one clock in any unit.
 * `answered` is absent when the outcome is unknown: it may have happened at any moment after `asked`, the
 * far future included, or never. A holder names whoever holds an address; asking again under the same
 * name is the same wish.
 */
export type Deal = Take | Release;

interface Timed {
  readonly holder: string;
  readonly asked: number;
  readonly answered?: number;
}

/** A wish for an address, any or a certain one. Refusals are not written down: they change nothing. */
export interface Take extends Timed {
  readonly does: 'take';
  /** The one that was given; the one that was asked for, if a certain one was; else absent. */
  readonly address?: string;
}

export interface Release extends Timed {
  readonly does: 'release';
  readonly address: string;
  /** Who had it. `not it`: the releaser had not. Absent: nobody said, as Docker is told nothing. */
  readonly found?: 'it' | 'not it' | { readonly other: string };
}

/** Puts deals down while they are made. */
export class Recorder {
  readonly deals: Deal[] = [];
  constructor(readonly now: () => number) {}

  /** Written down at once as of unknown outcome; `answer` says how it went. */
  begin<D extends Deal>(deal: Omit<D, 'asked'>): (known?: Partial<D>) => void {
    const at = this.deals.push({ ...deal, asked: this.now() } as unknown as D) - 1;
    return (known) => {
      this.deals[at] = { ...this.deals[at]!, ...known, answered: this.now() } as Deal;
    };
  }

  /** It changed nothing for certain: as if it had not been asked. */
  forget(deal: (one: Deal) => boolean): void {
    const at = this.deals.findLastIndex(deal);
    if (at >= 0) this.deals.splice(at, 1);
  }
}
