import { parseTrees, type ShownTree } from '../../core/shape-classes.ts';
import { UnreadableKernel } from '../../core/shape-errors.ts';
import { parseHook, parseSortings } from '../../core/shape-filters.ts';
import { parseLinks } from '../../core/shape-links.ts';
import { parseQdiscs, type Qdisc, TREE_HANDLE } from '../../core/shape-qdiscs.ts';
import { type Links, readPlan, seenFrom } from '../../core/shape-read.ts';
import type { Seen } from '../../core/shape-seen.ts';
import { HOOKS } from '../../core/shape.ts';
import { failedLines, inNamespace, runOnce } from './tool.ts';

export interface Look {
  readonly links: Links;
  readonly seen: Seen;
}

export interface Where {
  /** These interfaces; absent: all. */
  readonly only?: ReadonlySet<string>;
  /** As they were read a moment ago. */
  readonly links?: Links;
}

/** What the kernel of one network namespace shows. Each look starts programs that end with it. */
export class Reader {
  readonly #netns: string | undefined;

  constructor(netns?: string) {
    this.#netns = netns;
  }

  /** @throws ToolFailed, UnreadableKernel */
  async look(signal: AbortSignal, { only, links: known }: Where = {}): Promise<Look> {
    const [links, qdiscs] = await Promise.all([known ?? this.links(signal), this.qdiscs(signal)]);
    const plan = readPlan(links, qdiscs, only);
    const [trees, hooks] = await Promise.all([
      this.#trees(plan.trees, signal),
      this.#hooks(plan.hooks, signal),
    ]);
    const classes = new Map([...trees].map(([name, tree]) => [name, tree.classes]));
    const sorted = new Map(
      plan.sorted.flatMap((name) => {
        const tree = trees.get(name);
        return tree ? [[name, parseSortings(tree.filters)] as const] : [];
      }),
    );
    return { links, seen: seenFrom({ links, qdiscs, classes, hooks, sorted }, only) };
  }

  async links(signal: AbortSignal): Promise<Links> {
    const argv = inNamespace(this.#netns, ['ip', '-j', '-d', 'link', 'show']);
    return parseLinks((await runOnce(argv, '', signal)).stdout);
  }

  /** All of them, with counters: one dump. */
  async qdiscs(signal: AbortSignal): Promise<readonly Qdisc[]> {
    const argv = inNamespace(this.#netns, ['tc', '-j', '-s', '-d', '-r', 'qdisc', 'show']);
    return parseQdiscs((await runOnce(argv, '', signal)).stdout);
  }

  /** Never `qdisc show` in here: the kernel answers it with the qdiscs of all interfaces. */
  async #trees(
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ShownTree>> {
    if (names.length === 0) return new Map();
    const lines = names.flatMap((name) => [
      `class show dev ${name}`,
      `filter show dev ${name} parent ${TREE_HANDLE}`,
    ]);
    const argv = inNamespace(this.#netns, ['tc', '-j', '-d', '-force', '-batch', '-']);
    const { stdout, stderr } = await runOnce(argv, `${lines.join('\n')}\n`, signal);
    const failed = failedLines(stderr);
    return parseTrees(
      stdout,
      names.filter((_, at) => !failed.has(2 * at + 2)),
    );
  }

  async #hooks(names: readonly string[], signal: AbortSignal): Promise<Hooks> {
    const asked = names.flatMap((name) => HOOKS.map((hook) => ({ name, hook })));
    const answers = await this.#filters(
      asked.map(({ name, hook }) => `filter show dev ${name} ${hook}`),
      signal,
    );
    const found = new Map(
      asked.map(({ name, hook }, at) => [`${name} ${hook}`, answers[at]] as const),
    );
    return new Map(
      names.flatMap((name) => {
        const [ingress, egress] = HOOKS.map((hook) => found.get(`${name} ${hook}`));
        return ingress === undefined || egress === undefined
          ? []
          : [
              [
                name,
                { ingress: parseHook(ingress, 'ingress'), egress: parseHook(egress, 'egress') },
              ],
            ];
      }),
    );
  }

  /** One line of JSON for each command that did not fail. */
  async #filters(
    commands: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly (string | undefined)[]> {
    if (commands.length === 0) return [];
    const argv = inNamespace(this.#netns, ['tc', '-j', '-force', '-batch', '-']);
    const { stdout, stderr } = await runOnce(argv, `${commands.join('\n')}\n`, signal);
    const failed = failedLines(stderr);
    const lines = stdout.split('\n').filter((line) => line.trim() !== '');
    const answered = commands.filter((_, at) => !failed.has(at + 1)).length;
    if (lines.length !== answered)
      throw new UnreadableKernel(
        'tc -j filter show',
        `${answered} commands have ${lines.length} answers`,
      );
    const next = lines.values();
    return commands.map((_, at) =>
      failed.has(at + 1) ? undefined : (next.next().value as string),
    );
  }
}

type Hooks = Parameters<typeof seenFrom>[0]['hooks'];
