import type { Engine } from './docker/engine.ts';

/** The first process of a running container: its network namespace is the container's. */
export interface Process {
  readonly pid: number;
  /** What its own /sys says proves nothing. */
  readonly mayMount: boolean;
}

/** Most containers that Docker is asked about at the same time. */
const MOST_AT_ONCE = 8;

/** The processes of containers, asked for once per start. */
export class Processes {
  readonly #engine: Pick<Engine, 'container' | 'containers'>;
  readonly #known = new Map<string, Process>();

  constructor(engine: Pick<Engine, 'container' | 'containers'>) {
    this.#engine = engine;
  }

  /** A container started, or ended: what was known of it is over. */
  forget(container: string): void {
    this.#known.delete(container);
  }

  /** Events were missed: nothing is known for sure. */
  forgetAll(): void {
    this.#known.clear();
  }

  /**
   * Of those among `wanted` that run now. Only the details of running containers are asked for: Docker
   * withholds those of one that it is starting.
   *
   * @throws DockerUnreachable, DockerRefused, BadDockerAnswer: then nobody can say which of them run
   */
  async running(
    wanted: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Process>> {
    const states = await this.#engine.containers('running', signal);
    const here = states.map(({ id }) => id).filter((id) => wanted.has(id));
    const unknown = here.filter((id) => !this.#known.has(id));
    await this.#learn(unknown, signal);
    this.#forgetOthers(new Set(here));
    return new Map(here.flatMap((id) => this.#entry(id)));
  }

  /** Of one that is known to have started, without asking who else runs. @throws as `running` */
  async of(container: string, signal: AbortSignal): Promise<Process | undefined> {
    if (!this.#known.has(container)) await this.#ask(container, signal);
    return this.#known.get(container);
  }

  #entry(id: string): readonly (readonly [string, Process])[] {
    const known = this.#known.get(id);
    return known === undefined ? [] : [[id, known]];
  }

  async #learn(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const left = [...ids];
    const worker = async (): Promise<void> => {
      for (let id; (id = left.pop()) !== undefined;) await this.#ask(id, signal);
    };
    await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, ids.length) }, worker));
  }

  async #ask(id: string, signal: AbortSignal): Promise<void> {
    const container = await this.#engine.container(id, signal);
    if (!container || container.pid === 0) return;
    this.#known.set(id, { pid: container.pid, mayMount: container.mayMount });
  }

  #forgetOthers(here: ReadonlySet<string>): void {
    for (const id of this.#known.keys()) if (!here.has(id)) this.#known.delete(id);
  }
}
