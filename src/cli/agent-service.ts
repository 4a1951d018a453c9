import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { failuresPart } from '../agent/failures-part.ts';
import { attributesPart } from '../agent/attributes.ts';
import { reconcilePart } from '../agent/reconcile-part.ts';
import type { StartPart } from '../agent/part.ts';
import { type Agent, startAgent } from '../agent/service.ts';
import { shapingPart } from '../agent/shaping.ts';
import type { AgentAttributesSettings } from '../config/agent-attributes.ts';
import type { AgentSettings } from '../config/agent.ts';
import type { Settings } from '../config/settings.ts';
import { factName, type FactNames } from '../core/container-facts.ts';
import type { Desk } from '../ledger/desk.ts';
import { REPEATS_MS } from '../agent/repeats.ts';
import { openDesk } from '../ledger/open-desk.ts';
import type { Store } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { nodeAttributes } from './seen-attributes.ts';

export interface AgentServiceDeps {
  readonly settings: Settings;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** Wires the agent of this machine to its ledger. @throws as startAgent */
export async function startAgentService(deps: AgentServiceDeps): Promise<Agent> {
  const { settings, store, clock } = deps;
  const node = nodeNameOf(settings.agent);
  const log = deps.log.with({ node });
  warnOfShortRest(settings.agent, log);
  const { attributes, parts } = await nodeAttributes(settings, { clock, log });
  const desk = deskOf(settings.agent, { store, clock, log, ...(attributes && { attributes }) });
  const agent = await startAgent({
    settings: settings.agent,
    node,
    bootId: readFileSync(BOOT_ID, 'utf8').trim(),
    ...{ store, desk, clock, log },
    monotonic: () => performance.now(),
    newName: () => randomBytes(12).toString('hex'),
    parts: [...partsOf(settings), ...parts],
  });
  return {
    ...agent,
    stop: async () => {
      await agent.stop();
      await desk.close();
    },
  };
}

function warnOfShortRest({ coolDownMs, pressedCoolDownMs }: AgentSettings, log: Log): void {
  if (Math.min(coolDownMs, pressedCoolDownMs) >= REPEATS_MS) return;
  log.warn('addresses may be given again while Docker still repeats their release', {
    ...{ coolDownMs, pressedCoolDownMs, atLeastMs: REPEATS_MS },
  });
}

/** The names under which the gate reads an app's rates are those that its containers have. */
const factNamesOf = ({ gate, agent }: Settings): FactNames => ({
  rates: gate.rateNames,
  app: agent.appFrom.map(factName),
  task: agent.taskFrom.map(factName),
});

const partsOf = (settings: Settings): readonly StartPart[] => [
  reconcilePart({ factNames: factNamesOf(settings) }),
  failuresPart({ factNames: factNamesOf(settings) }),
  ...(settings.agent.shape.enabled ? [shapingOf(settings.agent)] : []),
  ...attributesParts(settings.agent.attributes),
];

const shapingOf = ({ shape: { netns } }: AgentSettings): StartPart =>
  shapingPart(netns === undefined ? {} : { netns });

const attributesParts = ({ file, ...rest }: AgentAttributesSettings): readonly StartPart[] =>
  file === undefined ? [] : [attributesPart({ ...rest, file })];

/** The node's dealings with the ledger, as the settings want them. */
export const deskOf = (
  settings: AgentSettings,
  deps: {
    readonly store: Store;
    readonly clock: Clock;
    readonly log: Log;
    readonly attributes?: () => Readonly<Record<string, string>>;
  },
): Desk =>
  openDesk(deps.store, {
    node: nodeNameOf(settings),
    clock: deps.clock,
    log: deps.log,
    ...(deps.attributes && { attributes: deps.attributes }),
    coolDownMs: settings.coolDownMs,
    pressedCoolDownMs: settings.pressedCoolDownMs,
  });

export const nodeNameOf = ({ node }: AgentSettings): string => node ?? hostname().toLowerCase();
