import { Refusal } from './errors.ts';
import { formatRate } from './rate.ts';

export type Way = 'net_in' | 'net_out';

/** A limit that tc could not carry. */
export class BadLimit extends Refusal {
  readonly code = 'bad-limit';
  readonly remedy: string;
  constructor(
    readonly way: Way,
    readonly kbit: number,
    bounds: { readonly leastKbit: number; readonly mostKbit: number },
  ) {
    super(`${way} cannot be ${Number.isFinite(kbit) ? formatRate(kbit) : String(kbit)}`);
    this.remedy = `set it to whole kbit/s from ${formatRate(bounds.leastKbit)} to ${formatRate(bounds.mostKbit)}`;
  }
}

/** One direction in which a raised limit does not fit, kbit/s. */
export interface Overrun {
  readonly way: Way;
  readonly fromKbit: number;
  readonly toKbit: number;
  /** All limits of the node with this one raised. */
  readonly sumKbit: number;
  /** Promised to admitted apps on the node and not held yet. */
  readonly promisedKbit: number;
  readonly linkKbit: number;
  /** Link × headroom × overcommit. */
  readonly capacityKbit: number;
}

/** Where a limit is, for messages. */
export interface LimitPlace {
  readonly node: string;
  readonly address: string;
  readonly headroom: number;
  readonly overcommit: number;
}

const rate = (kbit: number): string => (kbit === 0 ? '0' : formatRate(kbit));

function said({ headroom, overcommit }: LimitPlace, over: Overrun): string {
  const promised =
    over.promisedKbit > 0 ? `, with ${rate(over.promisedKbit)} more promised to admitted apps` : '';
  const takes = `${rate(over.capacityKbit)} (${rate(over.linkKbit)} × headroom ${headroom} × overcommit ${overcommit})`;
  return `${over.way} from ${rate(over.fromKbit)} to ${rate(over.toKbit)} would make them ${rate(over.sumKbit)}${promised}, and the link takes ${takes}`;
}

/** The highest that would fit; no lower than what there is. */
const roomFor = ({ sumKbit, toKbit, fromKbit, promisedKbit, capacityKbit }: Overrun): number =>
  Math.max(fromKbit, capacityKbit - promisedKbit - (sumKbit - toKbit));

/** A raised limit would make the node's limits pass what its link takes. */
export class LimitPastLink extends Refusal {
  readonly code = 'limit-past-link';
  readonly remedy: string;
  constructor(
    readonly place: LimitPlace,
    readonly overruns: readonly Overrun[],
  ) {
    const parts = overruns.map((over) => said(place, over)).join('; ');
    super(
      `the limits on node "${place.node}" would not fit its link, raising ${place.address}: ${parts}`,
    );
    const most = overruns.map((over) => `${over.way} to at most ${rate(roomFor(over))}`);
    this.remedy = `set ${most.join(' and ')}, lower other limits, raise the link or its overcommit (corral node set), or insist with --force`;
  }
}
