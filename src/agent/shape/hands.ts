import { commandOf, type Tool } from '../../core/shape-lines.ts';
import type { ShapeStep } from '../../core/shape-step.ts';
import type { Links } from '../../core/shape-read.ts';
import { inNamespace } from './tool.ts';
import { Worker } from './worker.ts';

/** A step that the kernel refused, or that was left out because an earlier one on its way was. */
export interface Refused {
  readonly step: ShapeStep;
  readonly line: string;
  readonly says: string;
}

interface Run {
  readonly tool: Tool;
  readonly steps: ShapeStep[];
}

/** Carries steps out, in order, by two programs that stay up. */
export class Hands {
  readonly #workers: Readonly<Record<Tool, Worker>>;
  /** What tc believes to be the index of a name; `undefined` when it was made a moment ago. */
  readonly #believed = new Map<string, number | undefined>();

  /** @param netns  path of a network namespace; absent: our own */
  constructor(netns?: string) {
    this.#workers = {
      tc: new Worker({
        argv: inNamespace(netns, ['tc', '-force', '-batch', '-']),
        fence: (nobody) => `qdisc show dev ${nobody}`,
      }),
      ip: new Worker({
        argv: inNamespace(netns, ['ip', '-force', '-batch', '-']),
        fence: (nobody) => `link show dev ${nobody}`,
      }),
    };
  }

  /**
   * @param links  the interfaces that the steps were computed from
   * @throws ToolFailed when a program failed; then nothing is known of the rest
   */
  async carryOut(
    steps: readonly ShapeStep[],
    links: Links,
    signal: AbortSignal,
  ): Promise<readonly Refused[]> {
    const refused: Refused[] = [];
    this.#checkBeliefs(steps, links);
    try {
      for (const run of runsOf(steps)) {
        const lost = new Set(refused.map(({ step }) => step.link));
        const open = run.steps.filter((step) => !rests(step, lost));
        refused.push(
          ...run.steps.filter((step) => rests(step, lost)).map(leftOut),
          ...(await this.#run(run.tool, open, signal)),
        );
      }
    } finally {
      if (refused.length > 0) this.#forget();
    }
    return refused;
  }

  /** The programs end when what was asked is done. */
  async close(): Promise<void> {
    await Promise.all([this.#workers.tc.close(), this.#workers.ip.close()]);
  }

  async #run(
    tool: Tool,
    steps: readonly ShapeStep[],
    signal: AbortSignal,
  ): Promise<readonly Refused[]> {
    const commands = steps.flatMap((step) => commandOf(step).lines.map((line) => ({ step, line })));
    const failed = await this.#workers[tool].run(
      commands.map(({ line }) => line),
      signal,
    );
    return [...failed].flatMap(([at, says]) => {
      const command = commands[at];
      return command ? [{ ...command, says }] : [];
    });
  }

  /** tc looks a name up once in its life. */
  #checkBeliefs(steps: readonly ShapeStep[], links: Links): void {
    const made = new Set(steps.filter((step) => step.do === 'make-ifb').map(({ link }) => link));
    const names = new Set(
      steps.flatMap((step) => ('to' in step ? [step.link, step.to] : step.link)),
    );
    const stale = [...names].some((name) => {
      if (!this.#believed.has(name)) return false;
      const believed = this.#believed.get(name);
      return made.has(name) || (believed !== undefined && believed !== links.get(name)?.index);
    });
    if (stale) this.#forget();
    for (const name of names)
      this.#believed.set(name, made.has(name) ? undefined : links.get(name)?.index);
  }

  #forget(): void {
    this.#workers.tc.forget();
    this.#believed.clear();
  }
}

const rests = (step: ShapeStep, lost: ReadonlySet<string>): boolean =>
  lost.has(step.link) || ('to' in step && lost.has(step.to));

const leftOut = (step: ShapeStep): Refused => ({
  step,
  line: commandOf(step).lines[0] ?? '',
  says: 'left out, an earlier step failed',
});

/** Neighbouring steps of one tool go in one batch. */
function runsOf(steps: readonly ShapeStep[]): readonly Run[] {
  const runs: Run[] = [];
  for (const step of steps) {
    const { tool } = commandOf(step);
    const last = runs.at(-1);
    if (last?.tool === tool) last.steps.push(step);
    else runs.push({ tool, steps: [step] });
  }
  return runs;
}
