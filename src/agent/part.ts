import type { Registry } from 'prom-client';
import type { AgentSettings } from '../config/agent.ts';
import type { Desk } from '../ledger/desk.ts';
import type { Store } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { Allocator } from './allocator.ts';
import type { ReadyItem, Route } from './api.ts';
import type { Engine } from './docker/engine.ts';
import type { Journal } from './journal.ts';

/** What an agent is made of; the parts beside the driver are handed in. */
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
  /** The same daemon, for questions that it may answer late: they hold up no others. */
  readonly early: Engine;
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
