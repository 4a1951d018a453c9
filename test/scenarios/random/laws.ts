import { checkLedger } from '../../../src/ledger/check.ts';
import { prefixes } from '../../../src/ledger/keys.ts';
import type { Spec } from '../../../src/sim/specs/spec.ts';
import { readNow } from '../../soak/invariants.ts';
import { FULL, type Mode } from './modes.ts';
import { MOST_FAILURES } from './looker.ts';
import { fitsOn } from './room.ts';
import type { Scenario } from './script.ts';
import { never, type Stage } from './stage.ts';

/** Promises that are broken at the end of a scenario, in words. */
export async function breaches(
  stage: Stage,
  _scenario: Scenario,
  mode: Mode,
): Promise<readonly string[]> {
  const always = [...(await ledgerSound(stage)), ...nothingLost(stage), ...stage.looker.breaches];
  return mode === FULL ? [...always, ...noLoop(stage), ...allRun(stage)] : always;
}

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

function noLoop({ looker: { episodes } }: Stage): string[] {
  return episodes
    .filter(({ failedMs }) => failedMs.length > MOST_FAILURES)
    .map(({ app, failedMs }) => `${app} is in a loop: ${failedMs.length} launches failed`);
}

/** What is admitted runs, as far as there is room for it. */
function allRun(stage: Stage): string[] {
  return missing(stage).flatMap(({ spec, count }) => {
    const node = stage.sim.fleet.nodes.find((one) => fitsOn(stage, spec, one));
    return node ? [`${count} of ${spec.id} do not run, and ${node.name} has room for one`] : [];
  });
}

/** Instances that are wanted and do not run, by app. */
export const missing = ({
  sim,
  looker,
}: Stage): { readonly spec: Spec; readonly count: number }[] =>
  [...sim.marathon.root.specs.values()]
    .map((spec) => ({ spec, count: looker.wanted(spec.id) - looker.running(spec.id) }))
    .filter(({ count }) => count > 0);
