/** Every answer that is not what was asked for. */
export interface ErrorShape {
  readonly error: {
    /** For machines: stable, listed in src/REFUSALS.md. */
    readonly code: string;
    readonly message: string;
    /** What to try next. */
    readonly remedy: string;
  };
}
