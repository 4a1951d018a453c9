import { nameIn, prefixes } from '../../src/ledger/keys.ts';
import type { LeaseOptions } from '../../src/ledger/lease-options.ts';
import { openDesk } from '../../src/ledger/open-desk.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { takeAddress } from '../../src/ledger/leases.ts';
import { listAll } from '../../src/ledger/listing.ts';
import { records } from '../../src/ledger/records.ts';
import type { Released } from '../../src/ledger/release.ts';
import { releaseAddress } from '../../src/ledger/release.ts';
import type { Dealer, OpenDealer } from './desk-play.ts';

const found = (released: Released): Awaited<ReturnType<Dealer['release']>> =>
  released.released ? 'it' : released.why === 'absent' ? 'not it' : { other: released.incarnation };

/** Each deal a commit of its own, straight on the store. */
export const plainDealer: OpenDealer = ({ ledger, life, node, coolDownMs }) => {
  const store = ledger.client(life);
  const options = (signal: AbortSignal): LeaseOptions => ({
    clock: ledger.world.clockOf(life),
    chance: () => ledger.world.chance.next(),
    signal,
    coolDownMs,
    pressedCoolDownMs: Math.min(coolDownMs, 1_000),
  });
  return {
    take: (incarnation, signal) =>
      takeAddress(store, { node, network: 'prod', incarnation }, options(signal)),
    release: async (address, incarnation, signal) =>
      found(await releaseAddress(store, { node, address, incarnation }, options(signal))),
    leases: async (signal) => {
      const { entries } = await listAll(store, prefixes.leasesOf(node), { signal });
      return records.lease
        .decodeAll(entries)
        .good.map(({ key, record }) => [nameIn(prefixes.leasesOf(node), key), record.incarnation]);
    },
  };
};

/** One desk for each life of a node, which lets requests share commits. */
export const deskDealer: OpenDealer = ({ ledger, life, node, coolDownMs }) => {
  const desk = openDesk(ledger.client(life), {
    node,
    clock: ledger.world.clockOf(life),
    log: silentLog,
    chance: () => ledger.world.chance.next(),
    coolDownMs,
    pressedCoolDownMs: Math.min(coolDownMs, 1_000),
  });
  return {
    take: (incarnation, signal) =>
      desk.take({ network: 'prod', incarnation, by: 'docker' }, signal),
    release: async (address, incarnation, signal) =>
      found(await desk.release(address, incarnation, signal)),
    leases: async (signal) =>
      (await desk.leases(signal)).map(({ address, lease }) => [address, lease.incarnation]),
  };
};
