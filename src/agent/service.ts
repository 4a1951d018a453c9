import { chmod, mkdir } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { dirname, join } from 'node:path';
import { Registry } from 'prom-client';
import { type Listening, listen } from '../plumbing/listen.ts';
import { type Loop, startLoop, type Turn } from '../plumbing/loop.ts';
import { undo, type UndoStep } from '../plumbing/undo.ts';
import { Allocator } from './allocator.ts';
import { agentApi, itemOf, json, type ReadyItem, type Route } from './api.ts';
import { Driver } from './docker/driver.ts';
import { type Engine, openEngine } from './docker/engine.ts';
import { ipamProtocol } from './docker/protocol.ts';
import { openJournal } from './journal.ts';
import { agentMetrics } from './metrics.ts';
import type { AgentContext, AgentDeps, AgentPart } from './part.ts';
import { PoolLinks } from './pool-links.ts';
import { presence } from './presence.ts';
import { replayTurn } from './replay.ts';
import { type RunningMark, runningMark } from './running-mark.ts';
import { openSpares, type Spares } from './spares.ts';
import { type Squatters, squattersOn } from './squatters.ts';
import type { Stock } from './stock.ts';

/** An agent at work. */
export interface Agent {
  readonly context: AgentContext;
  /** Where Docker calls. */
  readonly pluginSocket: string;
  ready(): readonly ReadyItem[];
  /** Ends: first the sockets, last the journal. Idempotent. */
  stop(): Promise<void>;
}

/** For requests under way when the agent is told to stop, ms. */
const STOP_WITHIN_MS = 4_000;
const LOOP = { backoffMs: 200, backoffCapMs: 5_000, deadlineMs: 30_000 };

/**
 * Starts the agent of one node. Docker is answered from the first moment, whatever is away.
 *
 * @throws CannotListen, JournalUnusable
 */
export async function startAgent(deps: AgentDeps): Promise<Agent> {
  const { context, spares, squatters, mark } = await opened(deps);
  const { settings, registry } = context;
  const stopping = new AbortController();
  const parts: AgentPart[] = [spares.part, ...(squatters ? [squatters.part] : [])];
  const ending = endingOf(context, parts);
  const stop = once(() => {
    stopping.abort(new Error('the agent was stopped'));
    return undo([...ending].reverse(), 30_000);
  });
  try {
    const seen = agentMetrics(registry, { ...context, stock: spares.stock });
    const pluginSocket = join(settings.pluginDirectory, `${settings.plugin}.sock`);
    const protocol = ipamProtocol({ ...context, driver: driverOf(context), seen });
    const listening = await openSocket(pluginSocket, protocol);
    ending.push(() => mark.clear(), closing(listening));
    await mark.set();
    parts.push(startOwnLoops(context));
    for (const start of deps.parts ?? []) parts.push(await start(context));
    checkWhenCompared(spares.stock, parts, stopping.signal);
    const ready = (): readonly ReadyItem[] => parts.flatMap((part) => part.ready());
    const api = agentApi(routesOf(context, parts, ready), context.log);
    ending.push(closing(await openSocket(settings.socket, api)));
    return { context, pluginSocket, ready, stop };
  } catch (fault) {
    await stop();
    throw fault;
  }
}

/** What is undone at the end, last first. */
const endingOf = (
  { journal, engine, early }: AgentContext,
  parts: readonly AgentPart[],
): UndoStep[] => [
  () => journal.close(),
  () => {
    engine.close();
    early.close();
    return Promise.resolve();
  },
  async () => {
    await Promise.all(parts.map((part) => part.stop()));
  },
];

const closing =
  (listening: Listening): UndoStep =>
  async () => {
    await listening.close(STOP_WITHIN_MS);
  };

/** Spares of the agent before are anybody's only once what runs was compared with them. */
function checkWhenCompared(stock: Stock, parts: readonly AgentPart[], signal: AbortSignal): void {
  for (const { compared } of parts)
    compared?.(signal).then(
      () => stock.checked(),
      () => undefined, // the agent ended before
    );
}

function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= act());
}

interface Opened {
  readonly context: AgentContext;
  readonly spares: Spares;
  readonly squatters: Squatters | undefined;
  readonly mark: RunningMark;
}

async function opened(deps: AgentDeps): Promise<Opened> {
  const { settings, log } = deps;
  const journal = await openJournal(settings.stateDirectory, { log });
  const mark = await runningMark(settings.stateDirectory, log);
  const engine = openEngine({ socket: settings.docker.socket });
  const early = openEngine({ socket: settings.docker.socket, detailsWithinMs: 5_000, atOnce: 64 });
  const registry = new Registry();
  const squatters = settings.probe === 'on' ? squattersFor(deps, engine, registry) : undefined;
  const spares = openSpares(
    deps,
    (address, incarnation) => allocator.held.get(address)?.incarnation === incarnation,
    squatters?.patient,
  );
  const { desk, stock } = spares;
  const probe = squatters && { probe: squatters.quick };
  const { afterKill } = mark;
  const allocator = new Allocator({ ...deps, desk, stock, journal, afterKill, ...probe });
  const context = { ...deps, desk, journal, engine, early, allocator, registry };
  return { context, spares, squatters, mark };
}

const squattersFor = (deps: AgentDeps, engine: Engine, registry: Registry): Squatters =>
  squattersOn({
    ...deps,
    registry,
    links: new PoolLinks({ engine, desk: deps.desk, plugin: deps.settings.plugin }),
  });

const driverOf = ({ settings, newName, ...context }: AgentContext): Driver =>
  new Driver({ ...context, newNonce: newName, answerWithinMs: settings.answerWithinMs });

/** Only root and the socket's group may call. */
async function openSocket(socket: string, serve: RequestListener): Promise<Listening> {
  await mkdir(dirname(socket), { recursive: true });
  const listening = await listen(serve, { socket });
  await chmod(socket, 0o660);
  return listening;
}

/** What the driver itself rests on: the leases of before, the journal, the node's sign of life. */
function startOwnLoops(context: AgentContext): AgentPart {
  const { allocator, settings, node, clock, log } = context;
  const timing = { ...LOOP, clock, log: log.with({ node }) };
  const start = (name: string, everyMs: number, turn: Turn): Loop =>
    startLoop(name, turn, { ...timing, everyMs });
  const living = presence({ ...context, ttlMs: settings.heartbeatTtlMs });
  const loops = [
    start('leases', settings.reconcileEveryMs, async (signal) => {
      if (!allocator.known) await allocator.learn(signal);
    }),
    start('journal', 1_000, replayTurn(context)),
    start('presence', settings.heartbeatTtlMs / 3, living.turn),
  ];
  return {
    ready: () => loops.map((loop) => itemOf(loop.state())),
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
      await living.stop(AbortSignal.timeout(2_000)).catch(() => undefined); // it vanishes by itself
    },
  };
}

function routesOf(
  { node, registry, allocator }: AgentContext,
  parts: readonly AgentPart[],
  ready: () => readonly ReadyItem[],
): ReadonlyMap<string, Route> {
  return new Map<string, Route>([
    [
      '/ready',
      () => {
        const items = ready();
        const all = items.every((item) => item.ready);
        return Promise.resolve(json({ node, ready: all, items }, all ? 200 : 503));
      },
    ],
    [
      '/metrics',
      async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }),
    ],
    [
      '/v1/held',
      () =>
        Promise.resolve(
          json({
            node,
            held: [...allocator.held].map(([address, holding]) => ({ address, ...holding })),
          }),
        ),
    ],
    ...parts.flatMap(({ routes }) => [...(routes ?? [])]),
  ]);
}
