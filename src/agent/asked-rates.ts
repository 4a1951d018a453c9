import {
  type ContainerRates,
  firstHeard,
  type RateFault,
  type RateNames,
  type Rates,
  ratesOf,
} from '../core/container-rates.ts';
import { appRates } from '../ledger/app-rates.ts';
import { BadRecord } from '../ledger/errors.ts';
import type { Read } from '../ledger/store.ts';

/** Where a lease is, and of whose container. */
export interface Asking {
  readonly container: string;
  /** Canonical id; absent when the container does not say. */
  readonly app?: string | undefined;
  /** The ledger's name of the network; absent when the Docker network names none. */
  readonly network?: string | undefined;
  /** Of the Docker network. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface AskedRatesDeps {
  readonly store: Pick<Read, 'get'>;
  readonly names: RateNames;
  /** What is said in a way that cannot be used; it counts as not said. */
  readonly onOdd?: ((container: string, odd: readonly RateFault[]) => void) | undefined;
}

/**
 * What a container's limit is to be by all who may speak of it: its own environment, then the labels of
 * its app's networks as the gate admitted them (Docker never gets them, so the ledger tells), then the
 * labels of the Docker network. Where nobody speaks, the network's default stands.
 *
 * @param own  what its environment asks for
 * @throws     LedgerUnreachable: nobody knows what was admitted
 */
export async function askedRates(
  deps: AskedRatesDeps,
  own: Rates,
  asking: Asking,
  signal: AbortSignal,
): Promise<Rates> {
  if (own.netInKbit !== undefined && own.netOutKbit !== undefined) return firstHeard([own]);
  const admitted = await admittedRates(deps, asking, signal);
  const labelled = ratesOf(new Map(Object.entries(asking.labels)), deps.names);
  const faults = [...admitted.faults, ...labelled.faults];
  if (faults.length > 0) deps.onOdd?.(asking.container, faults);
  return firstHeard([own, admitted, labelled]);
}

/** What a container has said of itself up to now. */
export interface SaidSoFar extends Rates {
  readonly container: string;
  readonly app?: string;
  /** Absent: it has not started, and its start tells all of this again. */
  readonly startedMs?: number;
}

export interface RatesSoFarDeps extends AskedRatesDeps {
  /** The same before its start, which is not the last word. */
  readonly onEarlyOdd: (container: string, odd: readonly RateFault[]) => void;
}

/**
 * As askedRates, as far as it can be known by now: for a container that has neither started nor said which
 * app it is of nobody else can speak yet.
 */
export async function ratesSoFar(
  { onEarlyOdd, ...deps }: RatesSoFarDeps,
  says: SaidSoFar,
  { network, labels }: Pick<Asking, 'network' | 'labels'>,
  signal: AbortSignal,
): Promise<Rates> {
  const { container, app, startedMs } = says;
  if (app === undefined && startedMs === undefined) return {};
  const onOdd = startedMs === undefined ? onEarlyOdd : deps.onOdd;
  return askedRates({ ...deps, onOdd }, says, { container, app, network, labels }, signal);
}

const NOTHING: ContainerRates = { faults: [] };

async function admittedRates(
  { store, names }: AskedRatesDeps,
  { app, network }: Asking,
  signal: AbortSignal,
): Promise<ContainerRates> {
  if (app === undefined || network === undefined) return NOTHING;
  try {
    const record = await appRates.get(store, app, signal);
    if (!record || !Object.hasOwn(record.networks, network)) return NOTHING;
    return ratesOf(spelled(record.networks[network] ?? {}, names), names);
  } catch (fault) {
    if (!(fault instanceof BadRecord)) throw fault;
    return { faults: [{ name: fault.key, says: fault.fault }] };
  }
}

/** As an environment would say it: anyone may write the ledger, and what is no rate there is none here. */
function spelled({ netInKbit, netOutKbit }: Rates, names: RateNames): ReadonlyMap<string, string> {
  const both = [
    [names.in, netInKbit],
    [names.out, netOutKbit],
  ] as const;
  return new Map(
    both.flatMap(([name, kbit]) => (kbit === undefined ? [] : [[name, String(kbit)]])),
  );
}
