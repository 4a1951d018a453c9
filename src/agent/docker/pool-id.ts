import { type Cidr, formatCidr, formatRange, parseCidr, parseRange } from '../../core/address.ts';

/**
 * What Docker keeps of a network's subnet and quotes in every later call. It says all that the driver
 * must know, so that after any restart a pool id alone is enough. The nonce tells apart two that mean
 * the same subnet: Docker asks for a live one's again when somebody tries to make a second network on
 * it, and gives that up by its id.
 */
export interface PoolId {
  readonly network: string;
  readonly pool: string;
  readonly cidr: Cidr;
  /** Docker's --ip-range, both ends included. */
  readonly within?: { readonly from: string; readonly to: string };
  readonly nonce: string;
}

const VERSION = 'corral1';
const WHOLE = 'whole';
const LONGEST = 1_024;

/** `corral1 network pool cidr range nonce`, divided by spaces, which none of them has. */
export const writePoolId = ({ network, pool, cidr, within, nonce }: PoolId): string =>
  [
    ...[VERSION, network, pool, formatCidr(cidr)],
    ...[within === undefined ? WHOLE : `${within.from}-${within.to}`, nonce],
  ].join(' ');

const FORM = /^corral1 ([a-z0-9][a-z0-9_.-]*) ([a-z0-9][a-z0-9_.-]*) (\S+) (\S+) ([a-z0-9]{1,32})$/;

/** Undefined when it is none of ours. */
export function readPoolId(text: string): PoolId | undefined {
  const words = text.length > LONGEST ? null : FORM.exec(text);
  if (words === null) return undefined;
  const [, network = '', pool = '', cidr = '', span = '', nonce = ''] = words;
  try {
    const within = span === WHOLE ? {} : { within: spanIn(span) };
    return { network, pool, cidr: parseCidr(cidr), ...within, nonce };
  } catch {
    return undefined; // the form of ours, but no subnet or no range
  }
}

/** @throws BadAddress, BadRange */
function spanIn(text: string): { from: string; to: string } {
  const [from = '', to = from] = text.split('-');
  formatRange(parseRange({ from, to }));
  return { from, to };
}
