import { Refusal } from '../core/errors.ts';

export type JsonFault =
  | 'empty'
  | 'encoding'
  | 'syntax'
  | 'trailing'
  | 'duplicate-key'
  | 'too-deep'
  | 'too-many'
  | 'surrogate'
  | 'number';

/** A body that is not one JSON value in the strict sense; nothing of it may be believed. */
export class BadJson extends Refusal {
  readonly code = 'bad-json';
  readonly remedy = 'send one JSON value in UTF-8, each key once';
  /** @param at  bytes before the fault */
  constructor(
    readonly fault: JsonFault,
    readonly at: number,
    why: string,
  ) {
    super(`the body is not usable JSON at byte ${at}: ${why}`);
  }
}

/** A turn took longer than it may. */
export class TurnTooLong extends Refusal {
  readonly code = 'turn-too-long';
  readonly remedy = 'see which system the loop was waiting for';
  constructor(loop: string, withinMs: number) {
    super(`a turn of "${loop}" did not end within ${withinMs} ms`);
  }
}

/** A port or socket could not be listened on. */
export class CannotListen extends Refusal {
  readonly code = 'cannot-listen';
  readonly remedy = 'choose another address, or end what holds this one';
  constructor(where: string, options?: ErrorOptions) {
    super(`cannot listen on ${where}`, options);
  }
}
