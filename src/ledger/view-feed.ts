import { ALL_BITS } from '../core/mask.ts';
import { Refusal } from '../core/errors.ts';
import type { BlockRecord, TallyRecord } from '../core/lease-record.ts';
import type { HeldRecord } from '../core/held-record.ts';
import type { AppRatesRecord, InjectedRecord } from '../core/promise-record.ts';
import { Snapshot } from '../core/snapshot.ts';
import { BadRecord } from './errors.ts';
import { blockIn, keys, nameIn, prefixes } from './keys.ts';
import { type Codec, records } from './records.ts';
import type { Entry, Revision } from './store.ts';

/** What the room's records add up to. */
export interface Picture {
  readonly snapshot: Snapshot;
  readonly held: Map<string, HeldRecord>;
  readonly injected: Map<string, InjectedRecord>;
  readonly appRates: Map<string, AppRatesRecord>;
  /** Records that do not read, by key. */
  readonly faults: Map<string, BadRecord>;
  sequence: number;
  admissionRevision: Revision;
}

export const emptyPicture = (): Picture => ({
  snapshot: new Snapshot(),
  held: new Map(),
  injected: new Map(),
  appRates: new Map(),
  faults: new Map(),
  sequence: 0,
  admissionRevision: 0,
});

/** Puts one record in its place; `record` is absent when the key is gone. */
type Place<Record> = (picture: Picture, name: string, record: Record | undefined) => void;

interface Feed {
  readonly prefix: string;
  readonly feed: (picture: Picture, key: string, entry: Entry | undefined) => void;
}

/** Nobody knows what an unreadable block gave out, so it gives nothing more. */
const CLOSED_BLOCK: BlockRecord = {
  v: 1,
  held: { unreadable: ALL_BITS },
  cursor: 0,
  cooling: {},
  quarantined: {},
};

/** Nobody knows what an unreadable tally's node carries, so its link carries nothing more. */
const FULL_TALLY: TallyRecord = {
  v: 1,
  netInKbit: Number.MAX_SAFE_INTEGER,
  netOutKbit: Number.MAX_SAFE_INTEGER,
  pools: {},
  apps: {},
};

function note({ faults }: Picture, key: string, fault: BadRecord | undefined): void {
  if (fault) faults.set(key, fault);
  else faults.delete(key);
}

/** Undefined for a key that some other hand wrote. */
function legible(prefix: string, key: string): string | undefined {
  try {
    return nameIn(prefix, key);
  } catch {
    return undefined;
  }
}

function feedOf<Record>(
  prefix: string,
  codec: Codec<Record>,
  { place, unreadable }: { readonly place: Place<Record>; readonly unreadable?: Record },
): Feed {
  return {
    prefix,
    feed: (picture, key, entry) => {
      const name = legible(prefix, key);
      if (name === undefined) {
        note(picture, key, entry && new BadRecord(key, 'its name is not percent-encoded'));
        return;
      }
      try {
        place(picture, name, entry && codec.decode(entry));
        note(picture, key, undefined);
      } catch (fault) {
        if (!(fault instanceof Refusal)) throw fault;
        note(picture, key, fault instanceof BadRecord ? fault : new BadRecord(key, fault.message));
        place(picture, name, unreadable);
      }
    },
  };
}

const put = <V>(map: Map<string, V>, name: string, value: V | undefined): void => {
  if (value === undefined) map.delete(name);
  else map.set(name, value);
};

const feeds: readonly Feed[] = [
  feedOf(prefixes.networks, records.network, {
    place: ({ snapshot }, name, record) => snapshot.setNetwork(name, record),
  }),
  feedOf(prefixes.pools, records.pool, {
    place: ({ snapshot }, name, record) => snapshot.setPool(name, record),
  }),
  feedOf(prefixes.blocks, records.block, {
    place: ({ snapshot }, name, record) => {
      const at = blockIn(prefixes.blocks + name);
      if (at) snapshot.setBlock(at.pool, at.n, record);
    },
    unreadable: CLOSED_BLOCK,
  }),
  feedOf(prefixes.nodes, records.node, {
    place: ({ snapshot }, name, record) => snapshot.setNode(name, record),
  }),
  feedOf(prefixes.tallies, records.tally, {
    place: ({ snapshot }, name, record) => snapshot.setTally(name, record),
    unreadable: FULL_TALLY,
  }),
  feedOf(prefixes.reservations, records.reservation, {
    place: ({ snapshot }, name, record) => snapshot.setReservation(name, record),
  }),
  feedOf(prefixes.held, records.held, {
    place: ({ held }, name, record) => put(held, name, record),
  }),
  feedOf(prefixes.injected, records.injected, {
    place: ({ injected }, name, record) => put(injected, name, record),
  }),
  feedOf(prefixes.appRates, records.appRates, {
    place: ({ appRates }, name, record) => put(appRates, name, record),
  }),
];

const admission: Feed = feedOf(keys.admission, records.admission, {
  place: (picture, _, record) => {
    picture.sequence = record?.sequence ?? picture.sequence;
  },
});

/** One key's newest state into the picture. A record that does not read is noted and stops nothing. */
export function feed(picture: Picture, key: string, entry: Entry | undefined): void {
  if (key === keys.admission) {
    admission.feed(picture, key, entry);
    picture.admissionRevision = entry?.revision ?? 0;
    return;
  }
  feeds.find(({ prefix }) => key.startsWith(prefix))?.feed(picture, key, entry);
}
