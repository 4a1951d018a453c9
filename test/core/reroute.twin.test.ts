import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { place } from '../../src/core/place.ts';
import { reroute } from '../../src/core/reroute.ts';
import type { Ask, NodeRoom, Room } from '../../src/core/room.ts';
import { asks, rooms } from './twins/arbitrary.ts';
import { following, type State } from './twins/placement.ts';
import { runs } from '../runs.ts';

/** Launches wherever Marathon may, knowing nothing of networks, chosen by `dice`; counts per node. */
function launch(room: Room, ask: Ask, dice: readonly number[]): ReadonlyMap<string, number> {
  const blind = { ...ask, demand: { ...ask.demand, addresses: [] } };
  let state: State = { counts: new Map(), drawn: new Map(), placed: [...ask.placed] };
  for (let i = 0; i < ask.instances; i++) {
    const choices = [...following(room, blind, state)];
    const next = choices[(dice[i] ?? 0) % Math.max(1, choices.length)];
    if (next === undefined) break;
    state = next;
  }
  return state.counts;
}

const freeOf = (room: Room, node: NodeRoom, network: string): number =>
  node.pools
    .map((name) => room.pools.get(name))
    .filter((pool) => pool?.network === network)
    .reduce((sum, pool) => sum + Math.max(0, pool?.free ?? 0), 0);

function holdsOn(room: Room, { demand, instances }: Ask, node: NodeRoom): number {
  const sum = (key: 'netInKbit' | 'netOutKbit') =>
    demand.addresses.reduce((all, address) => all + address[key], 0);
  const by = (free: number, each: number) => (each === 0 ? instances : Math.floor(free / each));
  return Math.min(
    by(node.netInKbit, sum('netInKbit')),
    by(node.netOutKbit, sum('netOutKbit')),
    ...demand.addresses.map(({ network }) => freeOf(room, node, network)),
  );
}

/** Pools of a network that all nodes reaching any of them reach alike, and those nodes. */
function ownPools(room: Room, network: string) {
  const reach = (node: NodeRoom) =>
    node.pools.filter((name) => room.pools.get(name)?.network === network);
  const classes = new Map<string, NodeRoom[]>();
  for (const node of room.nodes.values())
    classes.set(reach(node).join(), [...(classes.get(reach(node).join()) ?? []), node]);
  return [...classes].filter(
    ([key]) =>
      ![...classes.keys()].some(
        (other) => other !== key && other.split(',').some((pool) => key.split(',').includes(pool)),
      ),
  );
}

const dice = fc.array(fc.nat(1000), { minLength: 6, maxLength: 6 });

/** What was met on the way: a property that never meets its case proves nothing. */
const met = { injected: 0, nothing: 0, gaveUp: 0 };

describe('reroute against a Marathon that knows nothing of networks', () => {
  it('leaves room for all, and Marathon nowhere to go wrong', () => {
    fc.assert(
      fc.property(rooms, asks, dice, (room, ask, rolls) => {
        if (ask.demand.addresses.length === 0 || !place(room, ask).fits) return;
        const steering = reroute(room, ask, { maxLength: 60 });
        if (steering.do === 'give-up') {
          met.gaveUp += 1;
          return;
        }
        const added = steering.do === 'inject' ? steering.constraints : [];
        met[steering.do === 'inject' ? 'injected' : 'nothing'] += 1;
        const steered = { ...ask, constraints: [...ask.constraints, ...added] };
        assert.ok(place(room, steered).fits, 'no room is left');
        const counts = launch(room, steered, rolls);
        for (const node of room.nodes.values())
          assert.ok(
            (counts.get(node.name) ?? 0) <= Math.max(0, holdsOn(room, ask, node)),
            node.name,
          );
        if (steering.do === 'inject' && steering.guards === 'nodes') return;
        for (const { network } of ask.demand.addresses)
          for (const [pools, nodes] of ownPools(room, network)) {
            const used = nodes.reduce((sum, { name }) => sum + (counts.get(name) ?? 0), 0);
            const free = nodes[0] ? freeOf(room, nodes[0], network) : 0;
            assert.ok(used <= free, `${used} on pools ${pools} with ${free} free`);
          }
      }),
      { numRuns: runs(3000) },
    );
    assert.ok(met.injected > runs(20) && met.nothing > runs(50), JSON.stringify(met));
    console.log(`reroute: ${JSON.stringify(met)}`);
  });
});
