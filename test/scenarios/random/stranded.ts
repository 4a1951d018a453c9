import { keys, nameIn, prefixes } from '../../../src/ledger/keys.ts';
import { records } from '../../../src/ledger/records.ts';
import { isHeard } from '../../../src/sim/nodes.ts';
import { freeIn, reaches } from './room.ts';
import { never, type Stage } from './stage.ts';

/** Addresses that nobody holds: on average over time, and of those the ones that no node is offered with. */
export interface Stranding {
  readonly free: number;
  readonly stranded: number;
}

/** How often is looked, ms. */
const EVERY_MS = 5_000;

/** Looks at a stage until its world ends. `now()` gives the averages so far. */
export function watchStranded(stage: Stage): { readonly now: () => Stranding } {
  let [looks, free, stranded] = [0, 0, 0];
  const look = async (): Promise<void> => {
    for (;;) {
      await stage.clock.sleep(EVERY_MS, never);
      looks += 1;
      for (const [pool, count] of freeByPool(stage)) {
        free += count;
        if (isShut(stage, pool)) stranded += count;
      }
    }
  };
  look().catch((fault: unknown) => stage.world.fail(fault));
  const share = (sum: number): number => sum / Math.max(1, looks);
  return { now: () => ({ free: share(free), stranded: share(stranded) }) };
}

function freeByPool({ ledger, world }: Stage): readonly (readonly [pool: string, free: number])[] {
  const { entries } = ledger.state.range({ prefix: prefixes.pools, limit: 100 });
  return entries
    .map(({ key }) => nameIn(prefixes.pools, key))
    .map((pool) => [pool, freeIn({ ledger, world }, pool)] as const);
}

/** Every node that reaches it and is up is out of offers, one of them at least by the fence. */
function isShut({ ledger, sim, looker }: Stage, pool: string): boolean {
  const entry = ledger.state.get(keys.pool(pool));
  if (!entry) return false;
  const record = records.pool.decode(entry);
  const near = sim.fleet.nodes.filter((node) => isHeard(node) && reaches(record, node));
  return (
    near.every(({ deactivated }) => deactivated) && near.some(({ name }) => looker.fenced.has(name))
  );
}
