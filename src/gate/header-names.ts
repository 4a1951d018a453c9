/** A set of header names, in whatever case they are asked about. */
export class HeaderNames {
  private readonly names: ReadonlySet<string>;
  /** A bit for each length there is, modulo 32: most names of a message are told apart by it, unfolded. */
  private readonly lengths: number;

  /** @param names  lower-case */
  constructor(names: readonly string[]) {
    this.names = new Set(names);
    this.lengths = names.reduce((bits, { length }) => bits | (1 << length), 0);
  }

  has(name: string): boolean {
    return ((this.lengths >>> name.length) & 1) === 1 && this.names.has(name.toLowerCase());
  }
}
