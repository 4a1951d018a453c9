import { chmod, mkdir } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { dirname, join } from 'node:path';
import { Registry } from 'prom-client';
import type { AgentSettings } from '../config/agent.ts';
import type { Desk } from '../ledger/desk.ts';
import type { Store } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';
import { type Listening, listen } from '../plumbing/listen.ts';
import type { Log } from '../plumbing/log.ts';
import { type Loop, type LoopState, startLoop, type Turn } from '../plumbing/loop.ts';
import { undo, type UndoStep } from '../plumbing/undo.ts';
import { Allocator } from './allocator.ts';
import { agentApi, json, type ReadyItem, type Route } from './api.ts';
import { Driver } from './docker/driver.ts';
import { type Engine, openEngine } from './docker/engine.ts';
import { ipamProtocol } from './docker/protocol.ts';
import { type Journal, openJournal } from './journal.ts';
import { agentMetrics } from './metrics.ts';
import { PoolLinks } from './pool-links.ts';
import { presence } from './presence.ts';
import { replayTurn } from './replay.ts';
import { openSpares, type Spares } from './spares.ts';
import { type Squatters, squattersOn } from './squatters.ts';
import type { Stock } from './stock.ts';

export interface AgentDeps {
  readonly settings: AgentSettings;
  readonly node: string;
  /** Of the machine: another one after it booted again. */
  readonly bootId: string;
  readonly store: Store;
  readonly desk: Desk;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds, of any origin. */
  readonly monotonic: () => number;
  /** A name that never repeats: letters and digits. */
  readonly newName: () => string;
  /** How arping is run where addresses are probed; default the program of that name. */
  readonly arping?: readonly string[];
  /** Further parts, in the order in which they are started. */
  readonly parts?: readonly StartPart[];
}

/** What every part of an agent may use. */
export interface AgentContext extends Omit<AgentDeps, 'parts'> {
  readonly engine: Engine;
  readonly allocator: Allocator;
  readonly journal: Journal;
  readonly registry: Registry;
}

/** Something that works beside the driver and is shown in /ready. */
export interface AgentPart {
  ready(): readonly ReadyItem[];
  /** What it answers on the agent's own socket, by path. */
  readonly routes?: ReadonlyMap<string, Route>;
  stop(): Promise<void>;
  /** Resolves once what runs on the node has been adopted. */
  readonly compared?: (signal: AbortSignal) => Promise<unknown>;
}

export type StartPart = (context: AgentContext) => AgentPart | Promise<AgentPart>;

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
const LOOP = { backoffMs: 200, backoffCapMs: 5_000, deadlineMs: 10_000 };

/**
 * Starts the agent of one node. Docker is answered from the first moment, whatever is away.
 *
 * @throws CannotListen, JournalUnusable
 */
export async function startAgent(deps: AgentDeps): Promise<Agent> {
  const { context, spares, squatters } = await opened(deps);
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
    ending.push(closing(await openSocket(pluginSocket, protocol)));
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
const endingOf = ({ journal, engine }: AgentContext, parts: readonly AgentPart[]): UndoStep[] => [
  () => journal.close(),
  () => {
    engine.close();
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
}

async function opened(deps: AgentDeps): Promise<Opened> {
  const { settings, log } = deps;
  const journal = await openJournal(settings.stateDirectory, { log });
  const engine = openEngine({ socket: settings.docker.socket });
  const registry = new Registry();
  const squatters = settings.probe === 'on' ? squattersFor(deps, engine, registry) : undefined;
  const spares = openSpares(
    deps,
    (address, incarnation) => allocator.held.get(address)?.incarnation === incarnation,
    squatters?.patient,
  );
  const { desk, stock } = spares;
  const probe = squatters && { probe: squatters.quick };
  const allocator = new Allocator({ ...deps, desk, stock, journal, ...probe });
  return { context: { ...deps, desk, journal, engine, allocator, registry }, spares, squatters };
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

/** A loop's state as a line of /ready. */
export const itemOf = ({ name, ok, lastFault, turns }: LoopState): ReadyItem => ({
  ...{ name, ready: ok },
  detail: lastFault ?? `${turns} turns`,
});

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
