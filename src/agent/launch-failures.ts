import type { FactNames } from '../core/container-facts.ts';
import { factsOf } from '../core/container-facts.ts';
import type { Failure } from '../core/failure-record.ts';
import type { FailureLog } from '../ledger/failure-log.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { Turn } from '../plumbing/loop.ts';
import type { Refused } from './launch-refusals.ts';
import type { Summary } from './docker/engine-translate.ts';
import type { Engine } from './docker/engine.ts';
import { fewAtOnce } from './few-at-once.ts';

export interface LaunchFailuresDeps {
  readonly engine: Pick<Engine, 'unstarted' | 'container'>;
  readonly failures: FailureLog;
  readonly node: string;
  readonly factNames: FactNames;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long Docker may take to write why a container did not start, ms. */
const NAMED_WITHIN_MS = 5_000;
/** Docker makes a container and asks for its address in one go; the image is there by then. */
const CREATED_BEFORE_MS = 30_000;
/** Newest containers that never started, of which Docker is asked. */
const MOST_LOOKED_AT = 100;
/** Refusals whose container is looked for at the same time; others are told without a name. */
const MOST_PENDING = 200;
/** Containers that are remembered as told. */
const MOST_TOLD = 1_000;

/**
 * Whose launch was it that got no address? Docker's request names no container. But a container that did
 * not start keeps the words of the refusal as its fault, and its environment says which app it is.
 */
export class LaunchFailures {
  readonly #deps: LaunchFailuresDeps;
  #pending: Refused[] = [];
  readonly #told = new Set<string>();

  constructor(deps: LaunchFailuresDeps) {
    this.#deps = deps;
  }

  refused(refused: Refused): void {
    this.#pending.push(refused);
    for (const late of this.#pending.splice(0, this.#pending.length - MOST_PENDING))
      this.#add(late, {});
  }

  /** Finds out whose launches failed, and writes it; what Docker has not said yet waits for the next turn. */
  readonly turn: Turn = async (signal) => {
    const { clock, failures } = this.#deps;
    // Docker has had its time once a look that began after it did not find the container
    const overdueMs = clock.now() - NAMED_WITHIN_MS;
    if (this.#pending.length > 0) await this.#name(signal);
    for (const one of this.#pending) if (one.atMs <= overdueMs) this.#add(one, {});
    this.#pending = this.#pending.filter(({ atMs }) => atMs > overdueMs);
    if (failures.pending) await failures.flush(signal);
  };

  /** Without Docker's word the failures are told all the same, of nobody. */
  async #name(signal: AbortSignal): Promise<void> {
    const { engine, log } = this.#deps;
    const unstarted = await engine.unstarted(MOST_LOOKED_AT, signal).catch((fault: unknown) => {
      signal.throwIfAborted();
      log.debug('docker does not say what did not start', { fault: String(fault) });
      return [];
    });
    const oldestMs = Math.min(...this.#pending.map(({ atMs }) => atMs)) - CREATED_BEFORE_MS;
    const fresh = unstarted.filter(
      ({ id, createdMs }) => createdMs >= oldestMs && !this.#told.has(id),
    );
    await fewAtOnce(fresh, (summary) => this.#look(summary, signal));
  }

  async #look({ id }: Summary, signal: AbortSignal): Promise<void> {
    const { engine, factNames } = this.#deps;
    const container = await engine.container(id, signal).catch(() => undefined); // it is being started
    signal.throwIfAborted();
    const fault = container?.fault;
    const at = this.#pending.findIndex(({ why }) => fault?.includes(inOneLine(why)));
    const [refused] = at < 0 ? [] : this.#pending.splice(at, 1);
    if (!refused || !container) return;
    const { app, task } = factsOf(container, factNames);
    this.#remember(id);
    this.#add(refused, {
      container: id,
      ...(app !== undefined && { app }),
      ...(task !== undefined && { task }),
    });
  }

  #remember(id: string): void {
    this.#told.add(id);
    const [oldest] = this.#told;
    if (this.#told.size > MOST_TOLD && oldest !== undefined) this.#told.delete(oldest);
  }

  #add(refused: Refused, whose: Pick<Failure, 'app' | 'task' | 'container'>): void {
    const { failures, node, log } = this.#deps;
    failures.add({ ...refused, node, ...whose });
    log.warn('a launch was refused', { network: refused.network, why: refused.why, ...whose });
  }
}

/** As docker/protocol.ts hands it to Docker. */
const inOneLine = (words: string): string => words.replace(/\s+/g, ' ');
