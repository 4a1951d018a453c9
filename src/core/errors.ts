/**
 * Root of every error raised on purpose; anything else that escapes is a bug and stays loud.
 * `message` is a lower-case sentence with the thing, the number and no full stop.
 */
export abstract class Refusal extends Error {
  /** For machines: stable, listed in the manual. */
  abstract readonly code: string;
  /** For people: what to try next. */
  abstract readonly remedy: string;

  override get name(): string {
    return this.constructor.name;
  }
}
