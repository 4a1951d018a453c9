import type { AddressSource } from './addresses.ts';
import { Agenda } from './agenda.ts';
import { type Chance, seededChance } from './chance.ts';
import { EventBus } from './events.ts';
import { Failures } from './failures.ts';
import { Fleet } from './fleet.ts';
import { type NodeOptions, createNode } from './nodes.ts';
import { Offers } from './offers.ts';
import { Master } from './mesos/master.ts';
import { DEFAULT_TRAITS, type MesosTraits } from './mesos/traits.ts';
import { Marathon } from './scheduler/marathon.ts';
import { DEFAULT_TIMING, type Timing } from './timing.ts';
import type { SimClock } from './virtual-clock.ts';

export interface WorldOptions {
  readonly clock: SimClock;
  /** Equal seeds give equal runs on a virtual clock. */
  readonly seed: number;
  readonly nodes: readonly NodeOptions[];
  readonly addresses: AddressSource;
  readonly timing?: Partial<Timing>;
  /** `--default_network_name`. */
  readonly defaultNetwork?: string;
  /** Region of the Mesos master. */
  readonly masterRegion?: string;
  /** Version, credentials and flags of the Mesos masters; 1.11 that asks nobody unless given. */
  readonly mesosTraits?: Partial<MesosTraits>;
  /** Told of what escaped from a planned task or an address source; the world goes on. */
  readonly onFault?: (fault: unknown) => void;
}

/** The whole state of the pretend cluster. */
export interface World {
  readonly options: WorldOptions;
  readonly clock: SimClock;
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly timing: Timing;
  /** Id of the Mesos master; prefixes agents, offers and the framework. */
  readonly masterId: string;
  readonly frameworkId: string;
  readonly startedMs: number;
  readonly fleet: Fleet;
  readonly offers: Offers;
  readonly master: Master;
  readonly events: EventBus;
  readonly marathon: Marathon;
  /** Launches that failed because no address was given. */
  readonly failures: Failures;
}

/** A cluster at rest; nothing happens before its agenda runs. */
export const createWorld = (options: WorldOptions): World => {
  const { clock, nodes, addresses } = options;
  const chance = seededChance(options.seed);
  const agenda = new Agenda(clock, options.onFault ?? (() => undefined));
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const masterId = chance.uuid();
  const made = nodes.map((node, index) => createNode(node, index, masterId, clock.now()));
  const fleet = new Fleet({ agenda, chance, addresses, timing, nodes: made });
  const offers = new Offers({ agenda, chance, fleet, timing, master: masterId });
  const traits = { ...DEFAULT_TRAITS, ...options.mesosTraits };
  const master = new Master({ agenda, chance, fleet, offers, timing, id: masterId, traits });
  const events = new EventBus(() => clock.now());
  const names = { defaultNetwork: options.defaultNetwork, masterRegion: options.masterRegion };
  const marathon = new Marathon({ agenda, chance, fleet, offers, events, timing, names });
  const failures = new Failures(() => clock.now());
  fleet.watch({ refused: (container) => failures.record(container.order.spec.id) });
  agenda.every(timing.allocationMs, () =>
    offers.allocate((offer) => marathon.launcher.answer(offer)),
  );
  const frameworkId = `${masterId}-0000`;
  const base = { options, clock, agenda, chance, timing, masterId, frameworkId };
  return { ...base, startedMs: clock.now(), fleet, offers, master, events, marathon, failures };
};
