import { Counter, Gauge, type Registry } from 'prom-client';
import type { Direction, Usage } from '../core/shape-usage.ts';
import type { Clock } from '../plumbing/clock.ts';
import { type Answer, json, type Route } from './api.ts';
import type { WantedLimit } from './limits.ts';
import type { Shaper } from './shape/shaper.ts';

/** Who uses what, as far as the node's limits are known. */
export interface UsageSource {
  readonly shaper: Pick<Shaper, 'usage'>;
  limitOf(address: string): WantedLimit | undefined;
}

/** One line of the stream per second. */
const STREAM_EVERY_MS = 1_000;

/** `/v1/containers`: usage of each address now; `/v1/containers/stream`: the same as SSE, each second. */
export const usageRoutes = (
  { clock }: { readonly clock: Clock },
  source: UsageSource,
): readonly (readonly [string, Route])[] => [
  ['/v1/containers', async (signal) => json({ containers: await usageNow(source, signal) })],
  ['/v1/containers/stream', () => Promise.resolve(streamed(clock, source))],
];

const streamed = (clock: Clock, source: UsageSource): Answer => ({
  ...{ status: 200, type: 'text/event-stream' },
  body: (signal) => eventsOf(clock, source, signal),
});

/** Server-sent events (WHATWG HTML, 9.2): an event `usage` with the list as data. */
async function* eventsOf(
  clock: Clock,
  source: UsageSource,
  signal: AbortSignal,
): AsyncGenerator<string> {
  while (!signal.aborted) {
    const containers = await usageNow(source, signal);
    yield `event: usage\ndata: ${JSON.stringify({ containers })}\n\n`;
    await clock.sleep(STREAM_EVERY_MS, signal).catch(() => undefined);
  }
}

const usageNow = async (source: UsageSource, signal: AbortSignal): Promise<readonly unknown[]> =>
  (await source.shaper.usage(signal)).map((usage) => {
    const { container, forced } = source.limitOf(usage.address) ?? {};
    return { container, ...usage, ...(forced && { forced }) };
  });

type Way = 'in' | 'out';
const sides = ({ netIn, netOut }: Usage): readonly (readonly [Way, Direction])[] => [
  ['in', netIn],
  ['out', netOut],
];

const FIGURES: readonly {
  readonly name: string;
  readonly help: string;
  readonly counts: boolean;
  readonly value: (direction: Direction) => number;
}[] = [
  {
    name: 'corral_agent_container_bytes_total',
    help: 'bytes that passed the limit',
    counts: true,
    value: ({ bytes }) => bytes,
  },
  {
    name: 'corral_agent_container_packets_total',
    help: 'packets that passed the limit',
    counts: true,
    value: ({ packets }) => packets,
  },
  {
    name: 'corral_agent_container_drops_total',
    help: 'packets that the limit dropped',
    counts: true,
    value: ({ drops }) => drops,
  },
  {
    name: 'corral_agent_container_backlog_bytes',
    help: 'bytes that wait at the limit',
    counts: false,
    value: ({ backlogBytes }) => backlogBytes,
  },
  {
    name: 'corral_agent_container_rate_bits_per_second',
    help: 'rate between the last two looks',
    counts: false,
    value: ({ rateKbit }) => rateKbit * 1_000,
  },
  {
    name: 'corral_agent_container_limit_bits_per_second',
    help: 'the limit in force',
    counts: false,
    value: ({ limitKbit }) => limitKbit * 1_000,
  },
];

/** How many limits of the node were forced past its link. */
export function forcedMetric(registry: Registry, wanted: () => readonly WantedLimit[]): void {
  new Gauge({
    name: 'corral_agent_forced_limits',
    help: "limits in force that were forced past the node's link",
    registers: [registry],
    collect() {
      this.set(wanted().filter(({ forced }) => forced).length);
    },
  });
}

/** Longest that a scrape waits for the kernel, ms. */
const SCRAPE_WITHIN_MS = 2_000;

/** Usage by address and direction, read from the kernel when it is scraped; all figures share one look. */
export function usageMetrics(registry: Registry, source: UsageSource): void {
  for (const { name, help, counts, value } of FIGURES) {
    const options = { name, help, labelNames: ['address', 'direction'], registers: [registry] };
    const fill = async (tell: (labels: Record<string, string>, to: number) => void) => {
      const usages = await source.shaper
        .usage(AbortSignal.timeout(SCRAPE_WITHIN_MS))
        .catch(() => []); // the loop's state says why
      for (const usage of usages)
        for (const [direction, figures] of sides(usage))
          tell({ address: usage.address, direction }, value(figures));
    };
    if (counts)
      new Counter({
        ...options,
        async collect() {
          this.reset();
          await fill((labels, to) => this.inc(labels, to));
        },
      });
    else
      new Gauge({
        ...options,
        async collect() {
          this.reset();
          await fill((labels, to) => this.set(labels, to));
        },
      });
  }
}
