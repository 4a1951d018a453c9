import type { Sim } from '../sim/sim.ts';
import { playLine, type Stage } from '../sim/script.ts';

/** One scene: what a person types, and what there is to see in it. */
interface Scene {
  readonly line: string;
  readonly says: string;
}

/** Launches on two racks with eight addresses each, and CPU for hundreds of instances. */
const SCENES: readonly Scene[] = [
  {
    says: 'three instances, a third of the addresses of rack r1',
    line: 'deploy shop/web instances=3 net=prod net_out=100mbit constraint=rack:LIKE:r1',
  },
  { says: 'the pull takes a few seconds', line: 'advance 8s' },
  {
    says: 'five more on rack r1: after this it has CPU left, but no address',
    line: 'deploy shop/cart instances=5 net=prod constraint=rack:LIKE:r1',
  },
  { says: '', line: 'advance 8s' },
  {
    says: 'one more on rack r1 can never start there',
    line: 'deploy shop/search instances=1 net=prod constraint=rack:LIKE:r1',
  },
  {
    says: 'anywhere will do: Marathon would try rack r1 as well',
    line: 'deploy mail instances=4 net=prod',
  },
  { says: '', line: 'advance 8s' },
  {
    says: 'six are wanted where four addresses are left',
    line: 'deploy reports instances=6 net=prod',
  },
  { says: 'half a minute passes', line: 'advance 30s' },
];

export interface DemoDeps {
  readonly sim: Sim;
  /** Where the launches go: the gate, or Marathon itself. */
  readonly marathonUrl: string;
  readonly mesosUrl: string;
  readonly pass: (ms: number) => Promise<void>;
  readonly out: (text: string) => void;
}

/** Plays the launches and tells what came of each. @returns launches that failed */
export async function playDemo(deps: DemoDeps): Promise<number> {
  const { sim, out } = deps;
  const stage: Stage = {
    marathonUrl: deps.marathonUrl,
    mesosUrl: deps.mesosUrl,
    world: sim.world,
    pass: deps.pass,
  };
  for (const { line, says } of SCENES) {
    if (says !== '') out(`\n# ${says}`);
    if (!line.startsWith('advance')) out(`> ${line}`);
    for (const told of await playLine(stage, line)) out(`  ${told}`);
  }
  return sim.launchFailures().total;
}

/** The count that the demo is about. */
export function failuresTold({ sim }: Pick<DemoDeps, 'sim'>): string {
  const { total, minutes } = sim.launchFailures();
  return `launches that failed for lack of an address: ${total} (by minute: ${minutes.join(' ')})`;
}
