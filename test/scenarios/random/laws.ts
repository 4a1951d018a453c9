import { DETOUR_MS, STUBBORN } from '../../../src/core/fence-detour.ts';
import { checkLedger } from '../../../src/ledger/check.ts';
import { prefixes } from '../../../src/ledger/keys.ts';
import { isHeard, type SimNode } from '../../../src/sim/nodes.ts';
import type { Spec } from '../../../src/sim/specs/spec.ts';
import { readNow } from '../../soak/invariants.ts';
import { FULL, type Mode } from './modes.ts';
import { MOST_FAILURES } from './looker.ts';
import { fitsOn, freeOn, hasWhatTakes, isFast, mostFreeOn } from './room.ts';
import type { Scenario } from './script.ts';
import { never, type Stage } from './stage.ts';

/** Promises that are broken at the end of a scenario, in words. */
export async function breaches(
  stage: Stage,
  scenario: Scenario,
  mode: Mode,
): Promise<readonly string[]> {
  return [
    ...(await ledgerSound(stage)),
    ...nothingLost(stage),
    ...stage.looker.breaches,
    ...(mode.includes('fence') ? fenceSound(stage) : []),
    ...(mode === FULL && !scenario.faults ? noLoop(stage) : []),
    ...(mode === FULL ? await allRun(stage) : []),
  ];
}

/** No node is fenced that has room, and none without is offered, unless something waits that it has room for. */
function fenceSound(stage: Stage): string[] {
  const { sim, settings, looker } = stage;
  const { margin } = settings.fence;
  return sim.fleet.nodes.flatMap((node) => {
    if (!isHeard(node) || looker.operators.has(node.name)) return [];
    const free = mostFreeOn(stage, node);
    if (node.deactivated && free >= margin && isFast(stage, node) && !isKeptFrom(stage, node))
      return [`${node.name} is out of offers, and has ${free} addresses`];
    return !node.deactivated && free === 0 && !isWaitedFor(stage, node)
      ? [`${node.name} is offered, and has no address left`]
      : [];
  });
}

/**
 * It has not what a launch takes that waits, has failed again and again, finds room nowhere, and may not be
 * stopped: nodes are kept from such a one (core/fence-detour.ts).
 */
const isKeptFrom = (stage: Stage, node: SimNode): boolean =>
  stage.sim.marathon.launcher
    .waiting()
    .some(
      ({ spec }) =>
        stage.looker.failuresOf(spec.id) >= STUBBORN &&
        !hasWhatTakes(stage, spec, node) &&
        stage.sim.fleet.nodes.every((one) => !fitsOn(stage, spec, one)),
    );

/** By a launch that needs no address, or for which one was promised. */
const isWaitedFor = (stage: Stage, node: SimNode): boolean =>
  stage.sim.marathon.launcher
    .waiting()
    .some(({ spec }) => spec.networks.every((network) => freeOn(stage, network, node) > 0));

async function ledgerSound({ ledger }: Stage): Promise<string[]> {
  const { findings } = await checkLedger(readNow(ledger), never);
  return findings.map(({ key, says }) => `ledger: ${key}: ${says}`);
}

/** Every lease is a container's. */
function nothingLost({ ledger, sim }: Stage): string[] {
  const { entries } = ledger.state.range({ prefix: prefixes.leases, limit: 1_000 });
  const held = [...sim.fleet.containers.values()].flatMap(({ addresses, holding }) =>
    holding ? addresses : [],
  );
  return entries.length === held.length
    ? []
    : [`${entries.length} leases, and ${held.length} addresses in use`];
}

/** An app that was held and grew in vain so often is left to an operator: the default of `brake.cycles`. */
const MOST_CYCLES = 2;

function noLoop({ looker: { episodes } }: Stage): string[] {
  return episodes.flatMap(({ app, failedMs, unseenMs, before }) => [
    ...(failedMs.length - unseenMs.length > MOST_FAILURES
      ? [`${app} is in a loop: ${failedMs.length} launches failed`]
      : []),
    ...(before > MOST_CYCLES ? [`${app} was held ${before} times in vain`] : []),
  ]);
}

/**
 * From the moment that there is room until the launch begins at the latest, ms: a node where the app's launch
 * failed opens after a minute, the fence looks every five seconds, and Marathon asks for offers every five.
 */
const BEGINS_WITHIN_MS = DETOUR_MS + 15_000;

/**
 * What is admitted runs, as far as there is room for it; so does what needs no address of anybody. Room that
 * came a moment ago (an address has rested, a back-off ended) is no breach yet: whoever might start is looked
 * at once more, and must have been launched by then, or have no room again.
 */
async function allRun(stage: Stage): Promise<string[]> {
  const before = new Map(idle(stage).map(({ id }) => [id, stage.looker.launchesOf(id)]));
  if (before.size === 0) return [];
  await stage.clock.sleep(BEGINS_WITHIN_MS, never);
  return idle(stage)
    .filter(({ id }) => stage.looker.launchesOf(id) === before.get(id))
    .map(({ id, count, node }) => `${count} of ${id} do not run, and ${node} has room for one`);
}

/** What might start, and where. */
const idle = (
  stage: Stage,
): readonly { readonly id: string; readonly count: number; readonly node: string }[] =>
  missing(stage).flatMap(({ spec, count }) => {
    if (!isWaiting(stage, spec)) return [];
    const node = stage.sim.fleet.nodes.find((one) => fitsOn(stage, spec, one));
    return node ? [{ id: spec.id, count, node: node.name }] : [];
  });

/**
 * Marathon would launch it now, or it is held and may grow. A rolling upgrade that has no slack and began before
 * its instances were up waits for itself, room or no room, and lets nobody scale the app meanwhile.
 */
const isWaiting = ({ sim, looker }: Stage, { id, instances }: Spec): boolean =>
  (looker.wanted(id) > instances && !isReplaced(sim, id)) ||
  sim.marathon.launcher
    .waiting()
    .some(({ spec }) => spec.id === id && sim.marathon.launcher.mayStart(spec));

const isReplaced = ({ marathon }: Stage['sim'], app: string): boolean =>
  marathon.deployments
    .of(app)
    .some(({ steps }) => steps.flat().some(({ kind }) => kind === 'RestartApplication'));

/** Instances that are wanted and do not run, by app. */
export const missing = ({
  sim,
  looker,
}: Stage): { readonly spec: Spec; readonly count: number }[] =>
  [...sim.marathon.root.specs.values()]
    .map((spec) => ({ spec, count: looker.wanted(spec.id) - looker.running(spec.id) }))
    .filter(({ count }) => count > 0);
