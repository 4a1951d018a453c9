import { offsetsIn } from '../../../src/core/mask.ts';
import { parseRate } from '../../../src/core/rate.ts';
import type { BlockRecord } from '../../../src/core/lease-record.ts';
import type { NodeRecord, PoolRecord } from '../../../src/core/topology-record.ts';
import { reservedOfPool } from '../../../src/core/reserve.ts';
import { blockIn, keys, nameIn, prefixes } from '../../../src/ledger/keys.ts';
import { records } from '../../../src/ledger/records.ts';
import { seededChance } from '../../../src/sim/chance.ts';
import { isHeard, type SimNode } from '../../../src/sim/nodes.ts';
import { attributesOf } from '../../../src/sim/placement.ts';
import { matchOffer } from '../../../src/sim/scheduler/match.ts';
import type { Spec } from '../../../src/sim/specs/spec.ts';
import type { Stage as WholeStage } from './stage.ts';

type Stage = Pick<WholeStage, 'sim' | 'ledger' | 'world' | 'looker'>;

/**
 * Whether one instance more could start on a node: a second opinion, worked out from the bare records
 * and the pretend Marathon's own rules, and from nothing that judges.
 */
export function fitsOn(stage: Stage, spec: Spec, node: SimNode): boolean {
  const { sim, looker } = stage;
  if (!isHeard(node) || looker.operators.has(node.name)) return false;
  const room = sim.fleet.free(node);
  const usedPorts = sim.fleet.usedPorts(node);
  const instances = sim.marathon.instances.of(spec.id);
  const offer = { spec, node, room, usedPorts, instances, masterRegion: undefined };
  if (!matchOffer(offer, seededChance(1)).ok) return false;
  return (
    spec.networks.every((network) => freeOn(stage, network, node) > owedOn(stage, network, spec)) &&
    carries(stage, spec, node)
  );
}

/** An address of each network, whoever it was promised to, and the bandwidth. */
export const hasWhatTakes = (stage: Stage, spec: Spec, node: SimNode): boolean =>
  spec.networks.every((network) => freeOn(stage, network, node) > 0) && carries(stage, spec, node);

/** Addresses that nobody was promised, of the network of which a node has most. */
export function mostFreeOn(stage: Stage, node: SimNode): number {
  const { entries } = stage.ledger.state.range({ prefix: prefixes.networks, limit: 100 });
  const free = entries.map(({ key }) => {
    const network = nameIn(prefixes.networks, key);
    return freeOn(stage, network, node) - owedOn(stage, network);
  });
  return Math.max(0, ...free);
}

/** Its link has a good deal left. */
export function isFast({ ledger }: Stage, { name }: SimNode): boolean {
  const entry = ledger.state.get(keys.node(name));
  const tally = ledger.state.get(keys.tally(name));
  if (!entry || !tally) return true;
  const node = records.node.decode(entry);
  const { netInKbit, netOutKbit } = records.tally.decode(tally);
  return (
    share(node, node.linkInKbit) - netInKbit >= FAST_KBIT &&
    share(node, node.linkOutKbit) - netOutKbit >= FAST_KBIT
  );
}
const FAST_KBIT = 1_000;

/** Addresses of a network that are promised to other apps: those may have what is free. */
function owedOn({ ledger }: Stage, network: string, spec?: Spec): number {
  const { entries } = ledger.state.range({ prefix: prefixes.reservations, limit: 1_000 });
  const owed = entries.map((entry): number => {
    const app = nameIn(prefixes.reservations, entry.key);
    const { target, demand } = records.reservation.decode(entry);
    const takes = demand.addresses.filter((one) => one.network === network).length;
    return app === spec?.id ? 0 : takes * Math.max(0, target - heldBy(ledger, app));
  });
  return owed.reduce((sum, one) => sum + one, 0);
}

function heldBy({ state }: Stage['ledger'], app: string): number {
  const { entries } = state.range({ prefix: prefixes.leases, limit: 1_000 });
  return entries.filter((entry) => records.lease.decode(entry).app === app).length;
}

/** Addresses of a network that a node could be given now. */
export function freeOn(stage: Stage, network: string, node: SimNode): number {
  const entry = stage.ledger.state.get(keys.network(network));
  if (!entry) return 0;
  return records.network.decode(entry).pools.reduce((sum, name) => {
    const pool = stage.ledger.state.get(keys.pool(name));
    return pool && reaches(records.pool.decode(pool), node) ? sum + freeIn(stage, name) : sum;
  }, 0);
}

/** Addresses of a pool that nobody holds and that do not rest. */
export function freeIn({ ledger, world }: Pick<Stage, 'ledger' | 'world'>, name: string): number {
  const pool = ledger.state.get(keys.pool(name));
  if (!pool) return 0;
  const { entries } = ledger.state.range({ prefix: prefixes.blocksOf(name), limit: 1_000 });
  const blocks = entries.filter(({ key }) => blockIn(key)).map((one) => records.block.decode(one));
  return (
    sizeOf(records.pool.decode(pool)) -
    blocks.reduce((gone, block) => gone + takenIn(block, world.now()), 0) +
    restedIn(ledger, name, world.now())
  );
}

export const reaches = ({ nodes }: PoolRecord, node: SimNode): boolean => {
  const own = attributesOf(node);
  return Object.entries(nodes.attributes ?? {}).every(([name, value]) => own[name] === value);
};

/** Of a pool in one /24. */
const sizeOf = ({ ranges }: PoolRecord): number =>
  ranges.reduce((sum, { from, to }) => sum + lastByte(to) - lastByte(from) + 1, 0);
const lastByte = (address: string): number => Number(address.split('.')[3]);

/** What nodes gave back and anybody may have. */
const restedIn = ({ state }: Stage['ledger'], pool: string, nowMs: number): number =>
  state
    .range({ prefix: prefixes.tallies, limit: 1_000 })
    .entries.flatMap((entry) => reservedOfPool(records.tally.decode(entry), pool))
    .filter(({ restsUntilMs = Infinity }) => restsUntilMs <= nowMs).length;

function takenIn({ held, cooling, quarantined }: BlockRecord, nowMs: number): number {
  const masks = Object.values(held);
  const resting = Object.values(cooling).filter((untilMs) => untilMs > nowMs).length;
  return masks.flatMap(offsetsIn).length + resting + Object.keys(quarantined).length;
}

function carries({ ledger }: Stage, { env, networks }: Spec, { name }: SimNode): boolean {
  const node = ledger.state.get(keys.node(name));
  if (!node || networks.length === 0) return true;
  const link = records.node.decode(node);
  const tally = ledger.state.get(keys.tally(name));
  const { netInKbit, netOutKbit } = tally
    ? records.tally.decode(tally)
    : { netInKbit: 0, netOutKbit: 0 };
  const asks = (rate: string | undefined): number => (rate === undefined ? 1_000 : parseRate(rate));
  return (
    netInKbit + asks(env['net_in']) <= share(link, link.linkInKbit) &&
    netOutKbit + asks(env['net_out']) <= share(link, link.linkOutKbit)
  );
}

const share = ({ headroom, overcommit }: NodeRecord, link: number): number =>
  link * headroom * overcommit;
