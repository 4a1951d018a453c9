import { BadRate, parseRate } from './rate.ts';

/** Variables that hold a container's limits, towards it and from it. */
export interface RateNames {
  readonly in: string;
  readonly out: string;
}

export interface RateFault {
  readonly name: string;
  /** Without the value: it may be a secret that somebody put in the wrong variable. */
  readonly says: string;
}

/** What somebody asks for, kbit/s; a direction that was not spoken of is absent. */
export interface Rates {
  readonly netInKbit?: number;
  readonly netOutKbit?: number;
}

/** What a container's environment asks for; what it does not ask for, or not usably, is absent. */
export interface ContainerRates extends Rates {
  readonly faults: readonly RateFault[];
}

interface Said {
  readonly netInKbit?: number | undefined;
  readonly netOutKbit?: number | undefined;
}

/**
 * What a limit is to be by all who may speak of it, in the order in which they are heard: the container's
 * environment, the labels of its app's networks, the labels of its Docker network. Of each direction the first
 * one counts; where nobody speaks, the network's default stands.
 */
export function firstHeard(speakers: readonly (Said | undefined)[]): Rates {
  const netInKbit = speakers.find((one) => one?.netInKbit !== undefined)?.netInKbit;
  const netOutKbit = speakers.find((one) => one?.netOutKbit !== undefined)?.netOutKbit;
  return {
    ...(netInKbit !== undefined && { netInKbit }),
    ...(netOutKbit !== undefined && { netOutKbit }),
  };
}

/** 1 Tbit/s: more than any node's link, and few enough that the limits of a node can be added up. */
const MOST_KBIT = 1_000_000_000;

/**
 * The limits in a container's environment, or in the labels of its network. Whoever starts a container
 * writes it, so it is hostile: what is not plainly a rate is a fault and counts as not said. Nothing here
 * means "unlimited".
 */
export function ratesOf(env: ReadonlyMap<string, string>, names: RateNames): ContainerRates {
  const netIn = rateOf(names.in, env.get(names.in));
  const netOut = rateOf(names.out, env.get(names.out));
  return {
    ...(netIn.kbit === undefined ? {} : { netInKbit: netIn.kbit }),
    ...(netOut.kbit === undefined ? {} : { netOutKbit: netOut.kbit }),
    faults: [netIn, netOut].flatMap(({ fault }) => (fault ? [fault] : [])),
  };
}

interface Rate {
  readonly kbit?: number;
  readonly fault?: RateFault;
}

function rateOf(name: string, value: string | undefined): Rate {
  if (value === undefined) return {};
  try {
    const kbit = parseRate(value);
    return kbit > MOST_KBIT ? faulty(name, 'it is over 1 Tbit/s') : { kbit };
  } catch (fault) {
    if (fault instanceof BadRate) return faulty(name, reasonOf(fault, value));
    throw fault;
  }
}

const faulty = (name: string, says: string): Rate => ({ fault: { name, says } });

/** Reasons may quote a unit, which is part of the value. */
const reasonOf = ({ fault }: BadRate, value: string): string =>
  fault.includes('"') ? `tc(8) knows no such unit (${value.length} characters)` : fault;
