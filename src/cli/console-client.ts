import { Refusal } from '../core/errors.ts';

/** The console port did not answer. */
export class ConsoleUnreachable extends Refusal {
  readonly code = 'console-unreachable';
  readonly remedy = 'start it with "corral up", or name it with --console <url>';
  constructor(
    readonly url: string,
    options?: ErrorOptions,
  ) {
    super(`no console answers at ${url}`, options);
  }
}

/** The console answered with a refusal of its own, passed on as it is. */
export class ConsoleRefused extends Refusal {
  readonly code = 'console-refused';
  constructor(
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

export interface ConsoleCall {
  /** Base URL of the console port. */
  readonly url: string;
  readonly path: string;
  /** Sent as JSON with POST; without it the call is a GET. */
  readonly body?: string;
  readonly signal: AbortSignal;
}

const WITHIN_MS = 30_000;

/**
 * One call to the console's JSON API.
 *
 * @throws ConsoleUnreachable, ConsoleRefused; the signal's reason
 */
export async function askConsole({ url, path, body, signal }: ConsoleCall): Promise<unknown> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]);
  const init =
    body === undefined
      ? { signal: within }
      : { method: 'POST', body, headers: { 'Content-Type': 'application/json' }, signal: within };
  const answer = await fetch(new URL(path, url), init).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new ConsoleUnreachable(url, { cause });
  });
  const json: unknown = await answer.json().catch((): unknown => undefined);
  if (answer.ok) return json;
  throw refusalIn(json, answer.status);
}

function refusalIn(json: unknown, status: number): ConsoleRefused {
  const error = (json as { error?: { message?: unknown; remedy?: unknown } } | undefined)?.error;
  const message = typeof error?.message === 'string' ? error.message : `the console says ${status}`;
  const remedy = typeof error?.remedy === 'string' ? error.remedy : 'see the log of "corral up"';
  return new ConsoleRefused(message, remedy);
}
