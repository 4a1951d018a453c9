import { isAxiosError } from 'axios';
import { BadMesosAnswer, MesosUnreachable } from '../errors.ts';
import type { Masters } from './leader.ts';

/** What matters of an answer on the way to the leader. */
export interface Reply {
  readonly status: number;
  readonly location: string | undefined;
}

/** Asks one master. Faults of the way are thrown. */
export type Ask<Found extends Reply> = (master: URL, signal: AbortSignal) => Promise<Found>;

/** Redirects followed for one call: leadership may move while we ask, not for ever. */
const MOST_HOPS = 4;

/** A master that does not lead, or cannot: the answer is not the leader's. */
export const isPassedOn = (status: number): boolean => status === 307 || status >= 500;

/**
 * The answer of the leading master, wherever it is. One master after the other is asked; where one sends
 * us to another, that one is.
 *
 * @throws MesosUnreachable, BadMesosAnswer; the signal's reason
 */
export function askLeader<Found extends Reply>(
  { masters, what }: { readonly masters: Masters; readonly what: string },
  ask: Ask<Found>,
  signal: AbortSignal,
): Promise<Found> {
  return new Search(masters, what, ask).run(signal);
}

/** One call's way from master to master. */
class Search<Found extends Reply> {
  readonly #masters: Masters;
  readonly #what: string;
  readonly #ask: Ask<Found>;
  readonly #tried: string[] = [];
  #cause: unknown;

  constructor(masters: Masters, what: string, ask: Ask<Found>) {
    this.#masters = masters;
    this.#what = what;
    this.#ask = ask;
  }

  async run(signal: AbortSignal): Promise<Found> {
    for (const master of this.#masters.inOrder()) {
      const reply = await this.#follow(master, signal);
      if (reply) return reply;
    }
    throw new MesosUnreachable(this.#what, this.#tried, { cause: this.#cause });
  }

  /** From `master` to where it sends us. Undefined when that ends without an answer. */
  async #follow(master: URL, signal: AbortSignal): Promise<Found | undefined> {
    let at: URL | undefined = master;
    for (let hop = 0; at && hop < MOST_HOPS; hop++) {
      const reply = await this.#once(at, signal);
      if (reply && !isPassedOn(reply.status)) {
        this.#masters.leads(at);
        return reply;
      }
      this.#masters.failed(at);
      at = reply?.status === 307 ? this.#masters.named(at, reply.location) : undefined;
    }
    return undefined;
  }

  async #once(at: URL, signal: AbortSignal): Promise<Found | undefined> {
    try {
      const reply = await this.#ask(at, signal);
      this.#tried.push(`${at.host} (${reply.status})`);
      return reply;
    } catch (fault: unknown) {
      signal.throwIfAborted();
      if (fault instanceof BadMesosAnswer) throw fault;
      this.#tried.push(`${at.host} (${isAxiosError(fault) ? (fault.code ?? 'failed') : 'failed'})`);
      this.#cause = fault;
      return undefined;
    }
  }
}
