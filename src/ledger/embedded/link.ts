import type { Clock } from '../../plumbing/clock.ts';
import type { Log } from '../../plumbing/log.ts';
import { unlessAborted, within } from '../abort.ts';
import { LedgerClosed } from '../errors.ts';
import { PROTOCOL } from './frames.ts';
import { Dropped, Wire } from './wire.ts';

export interface LinkDeps {
  readonly clock: Clock;
  readonly log: Log;
}

const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 500;
const HELLO_WITHIN_MS = 2_000;

/** The connection of the moment, and the session with the server, which outlasts it. */
export class Link {
  /** Under which our commits leave their marks; a new one when the server forgot the last. */
  session = '';
  readonly #path: string;
  readonly #deps: LinkDeps;
  readonly #closing = new AbortController();
  #current: Wire | undefined;
  #connected = new Gate<Wire>();

  constructor(path: string, deps: LinkDeps) {
    this.#path = path;
    this.#deps = deps;
    this.#run().catch(() => undefined);
  }

  /** The connection, once there is one. */
  wire(signal: AbortSignal): Promise<Wire> {
    return unlessAborted(this.#connected.opened, signal);
  }

  /** The server forgot our session: starts over with it. */
  startOver(): void {
    this.session = '';
    this.#current?.destroy();
  }

  async close(): Promise<void> {
    this.#closing.abort(new LedgerClosed());
    // Its marks are of no more use; the server need not keep them for a minute.
    if (this.session !== '') this.#current?.tell({ do: 'release', holding: this.session });
    this.#current?.end();
    await this.#current?.closed;
  }

  async #run(): Promise<never> {
    const { clock, log } = this.#deps;
    const { signal } = this.#closing;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
      const wire = new Wire(this.#path);
      this.#current = wire;
      if (await this.#greet(wire, signal)) {
        pauseMs = FIRST_PAUSE_MS;
        this.#connected.open(wire);
        await this.#serve(wire);
        this.#connected = new Gate();
        if (!signal.aborted) log.warn('connection to the ledger lost', { socket: this.#path });
      }
      wire.destroy();
      await clock.sleep(pauseMs, signal);
    }
  }

  async #greet(wire: Wire, signal: AbortSignal): Promise<boolean> {
    const session = this.session === '' ? {} : { session: this.session };
    const late = () => new Dropped('no greeting');
    const limit = { clock: this.#deps.clock, ms: HELLO_WITHIN_MS, late };
    try {
      const answer = await within(
        limit,
        () => wire.request({ do: 'hello', version: PROTOCOL, ...session }),
        signal,
      );
      if (!('ok' in answer)) return false;
      this.session = (answer.ok as { session: string }).session;
      return true;
    } catch {
      return false;
    }
  }

  /** The session is a holding like any other, and must be kept. */
  async #serve(wire: Wire): Promise<void> {
    const over = new AbortController();
    const keep = async () => {
      for (;;) {
        await this.#deps.clock.sleep(SESSION_KEEP_MS, over.signal);
        const answer = await wire.request({ do: 'keep', holding: this.session });
        if ('ok' in answer && answer.ok === false) this.startOver();
      }
    };
    keep().catch(() => undefined);
    await wire.watchOver(this.#deps.clock);
    over.abort();
  }
}

/** The server ends a session after a minute of silence. */
const SESSION_KEEP_MS = 15_000;

class Gate<T> {
  open: (value: T) => void = () => undefined;
  readonly opened = new Promise<T>((resolve) => {
    this.open = resolve;
  });
}
