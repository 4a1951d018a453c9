import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type HostLink, type LinkNews, parseLinkNews } from '../../core/shape-links.ts';
import type { Links } from '../../core/shape-read.ts';
import type { Clock } from '../../plumbing/clock.ts';
import type { Log } from '../../plumbing/log.ts';
import { isDockersPort } from './host-interface.ts';
import { inNamespace } from './tool.ts';

/** Ports of bridges that came or went since all interfaces were listed. */
export class Ports {
  readonly #came = new Map<number, HostLink>();
  readonly #went = new Set<number>();

  /** @returns whether it is a port that was not known */
  hear({ gone, link }: LinkNews): boolean {
    const { index } = link;
    if (gone) {
      this.#came.delete(index);
      this.#went.add(index);
      return false;
    }
    if (!isDockersPort(link) || this.#went.has(index)) return false;
    const isNew = !this.#came.has(index);
    this.#came.set(index, { ...link, kind: 'veth' });
    return isNew;
  }

  /** The interfaces as they were listed, brought up to date. */
  over(links: Links): Links {
    if (this.#came.size + this.#went.size === 0) return links;
    const now = new Map([...links].filter(([, { index }]) => !this.#went.has(index)));
    for (const link of this.#came.values()) if (!now.has(link.name)) now.set(link.name, link);
    return now;
  }

  /** All were listed. What that list has, or never had, need not be remembered. */
  listed(links: Links): void {
    const there = new Set([...links.values()].map(({ index }) => index));
    for (const index of there) this.#came.delete(index);
    for (const index of this.#went) if (!there.has(index)) this.#went.delete(index);
  }
}

interface Deps {
  readonly clock: Clock;
  readonly log: Log;
  readonly netns?: string | undefined;
}

const BACKOFF = { ms: 100, capMs: 10_000 };

/**
 * What becomes of interfaces, from an `ip monitor` that stays up: a port is told of within milliseconds
 * after it was made, 100 ms and more before a process of its container can send. One that ends is
 * started again, with pauses that double; what is missed meanwhile the looks find.
 */
export async function* linkNews(deps: Deps, signal: AbortSignal): AsyncGenerator<LinkNews> {
  for (let failed = 0; !signal.aborted; failed += 1) {
    for await (const news of oneMonitor(deps, signal)) {
      failed = 0;
      yield news;
    }
    const pauseMs = Math.min(BACKOFF.capMs, BACKOFF.ms * 2 ** Math.min(failed, 10));
    await deps.clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}

async function* oneMonitor({ log, netns }: Deps, signal: AbortSignal): AsyncGenerator<LinkNews> {
  const [program, ...words] = inNamespace(netns, ['ip', '-o', 'monitor', 'link']);
  const monitor = spawn(program, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(monitor, 'close').catch((fault: unknown) => fault);
  const end = (): void => void monitor.kill('SIGKILL');
  signal.addEventListener('abort', end, { once: true });
  try {
    for await (const line of createInterface({ input: monitor.stdout })) {
      const news = parseLinkNews(line);
      if (news) yield news;
    }
    const why = await ended;
    if (!signal.aborted)
      log.warn('interfaces are not watched for the moment', { why: String(why) });
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}
