import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { ToolFailed } from './errors.ts';
import { failedLines } from './tool.ts';
import { OneByOne } from './one-by-one.ts';

/** No interface of this name exists: asking for it fails, and so says that all before it is done. */
const NOBODY = 'corral-nobody';
/** For a batch of any length: the kernel needs 0.1 ms a line, but 20 ms to take an ifb down. */
const PATIENCE_MS = 20_000;
const PATIENCE_PER_LINE_MS = 50;

interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** Lines written so far; tc counts them too. */
  written: number;
  stderr: string;
  /** Called at each piece of stderr, and at the end of the process. */
  heard: () => void;
  ended?: string;
}

export interface WorkerOptions {
  /** Program with `-force -batch -`. */
  readonly argv: readonly [string, ...string[]];
  /** A command that names an interface that does not exist, as this program spells it. */
  readonly fence: (nobody: string) => string;
}

/**
 * A tc or ip that stays up and takes lines: 0.1 ms for a change instead of 3 ms for a process.
 *
 * 1. One batch at a time. It is done when the fence behind it has failed: stdout says nothing of
 *    changes, and stderr names every line that failed by its number.
 * 2. A line that the program cannot parse ends the program, with -force too. Then nothing is known of
 *    the batch: the caller looks at the kernel again, the next batch gets a new process.
 * 3. The program remembers the index of each name for as long as it lives: `forget` when an interface
 *    was made anew under its old name.
 */
export class Worker {
  readonly #options: WorkerOptions;
  #running: Running | undefined;
  readonly #batches = new OneByOne();

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** Process id of the program, while it is up. */
  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  /**
   * @returns for each line that the kernel refused, counted from 0, its words
   * @throws ToolFailed
   */
  run(lines: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<number, string>> {
    return this.#batches.run(() => this.#batch(lines, signal));
  }

  /** The next batch starts a new program. */
  forget(): void {
    this.#running?.child.stdin.end();
    this.#running = undefined;
  }

  /** Ends the program once what was asked is done. */
  async close(): Promise<void> {
    await this.#batches.idle();
    this.forget();
  }

  async #batch(
    lines: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, string>> {
    signal.throwIfAborted();
    if (lines.length === 0) return new Map();
    const running = (this.#running ??= this.#start());
    const first = running.written + 1;
    running.written += lines.length + 1;
    running.stderr = '';
    const { child } = running;
    child.stdin.write(`${[...lines, this.#options.fence(NOBODY)].join('\n')}\n`);
    try {
      await this.#heardOf(running, lines.length, signal);
    } catch (fault: unknown) {
      child.kill('SIGKILL');
      if (this.#running === running) this.#running = undefined;
      throw fault;
    }
    const fence = running.written;
    return new Map(
      [...failedLines(running.stderr)].flatMap(([at, says]): [number, string][] =>
        at >= first && at < fence ? [[at - first, says]] : [],
      ),
    );
  }

  /** @throws ToolFailed when the program ends first, or the time is up */
  #heardOf(running: Running, lines: number, signal: AbortSignal): Promise<void> {
    const command = this.#options.argv.join(' ');
    const withinMs = PATIENCE_MS + lines * PATIENCE_PER_LINE_MS;
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
    const end = `Command failed -:${running.written}\n`;
    return new Promise((resolve, reject) => {
      const late = (): void => {
        reject(new ToolFailed(command, 'was not done in time', { cause: bounded.reason }));
      };
      bounded.addEventListener('abort', late, { once: true });
      running.heard = () => {
        if (running.stderr.endsWith(end)) resolve();
        else if (running.ended !== undefined)
          reject(new ToolFailed(command, `${running.ended}: ${running.stderr.trim().slice(-500)}`));
        else return;
        bounded.removeEventListener('abort', late);
      };
      running.heard();
    });
  }

  #start(): Running {
    const [program, ...words] = this.#options.argv;
    const child = spawn(program, words);
    const running: Running = { child, written: 0, stderr: '', heard: () => undefined };
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      running.stderr += text;
      running.heard();
    });
    child.stdout.resume();
    child.stdin.on('error', () => undefined); // told by its end
    const over = (why: string): void => {
      running.ended ??= why;
      if (this.#running === running) this.#running = undefined;
      running.heard();
    };
    child.on('error', ({ message }) => {
      over(`did not run: ${message}`);
    });
    child.on('close', (code, killed) => {
      over(`ended with ${killed ?? String(code)}`);
    });
    return running;
  }
}
