import { Refusal } from './errors.ts';

const SHAPE = /^(\d*)(?:\.(\d*))?([a-z]*)$/i;
const LONGEST_TEXT = 64;

/** A rate that no link could be given. Nothing is guessed: a typo must not become a limit. */
export class BadRate extends Refusal {
  readonly code = 'bad-rate';
  readonly remedy = 'write a rate such as 200mbit, 25mbps (bytes) or 10240, which is kbit/s';
  constructor(
    readonly rate: string,
    readonly fault: string,
  ) {
    super(`"${rate}" is not a usable rate: ${fault}`);
  }
}

/**
 * Bits per second in one of each unit. A bare number is kbit/s, as wondershaper reads it; tc itself
 * would take it for bit/s.
 */
const BITS_IN = new Map<string, bigint>([
  ['', 1000n],
  ['bit', 1n],
  ['bps', 8n],
  ...['k', 'm', 'g', 't'].flatMap((prefix, step): [string, bigint][] => {
    const [decimal, binary] = [1000n ** BigInt(step + 1), 1024n ** BigInt(step + 1)];
    return [
      [`${prefix}bit`, decimal],
      [`${prefix}ibit`, binary],
      [`${prefix}bps`, decimal * 8n],
      [`${prefix}ibps`, binary * 8n],
    ];
  }),
]);

/**
 * A rate in kbit/s, fractions rounded up.
 *
 * @param rate  a bare number of kbit/s, or text with a unit of tc(8) in any case: bit, kbit, Kibit,
 *              ... tbit, Tibit, and bps, kbps, KiBps, ... for bytes
 * @returns     a whole number, 1 to 2^53 - 1
 * @throws      BadRate for zero, signs, exponents, hex, unknown units and anything too large
 * @see         tc(8), "PARAMETERS", RATES: units are compared without regard to case
 */
export function parseRate(rate: string | number): number {
  return typeof rate === 'number' ? wholeKbit(rate) : kbitOf(rate);
}

function wholeKbit(rate: number): number {
  const kbit = Math.ceil(rate);
  if (!(kbit > 0)) throw new BadRate(String(rate), 'it must be more than zero');
  if (!Number.isSafeInteger(kbit)) throw new BadRate(String(rate), 'it is over 2^53 kbit/s');
  return kbit;
}

function kbitOf(text: string): number {
  if (text.length > LONGEST_TEXT) {
    throw new BadRate(`${text.slice(0, LONGEST_TEXT)}...`, `it has ${text.length} characters`);
  }
  const [, whole = '', fraction = '', unit = ''] = SHAPE.exec(text) ?? [];
  if (whole + fraction === '') throw new BadRate(text, 'it is not a plain decimal number');
  const bitsInUnit = BITS_IN.get(unit.toLowerCase());
  if (bitsInUnit === undefined) throw new BadRate(text, `tc(8) knows no unit "${unit}"`);
  // Whole-number arithmetic: in doubles 1.1gbit would round up to 1100001 kbit.
  const parts = 1000n * 10n ** BigInt(fraction.length);
  const kbit = (BigInt(whole + fraction) * bitsInUnit + parts - 1n) / parts;
  if (kbit === 0n) throw new BadRate(text, 'it must be more than zero');
  if (kbit > BigInt(Number.MAX_SAFE_INTEGER)) throw new BadRate(text, 'it is over 2^53 kbit/s');
  return Number(kbit);
}

const UNITS = ['kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'] as const;

/** A rate for people: "200 Mbit/s", "1.5 Gbit/s"; cut, not rounded, after three decimals. */
export function formatRate(kbit: number): string {
  const size = Math.abs(kbit);
  const step = size >= 1e9 ? 3 : size >= 1e6 ? 2 : size >= 1e3 ? 1 : 0;
  return `${Math.trunc((kbit * 1000) / 1000 ** step) / 1000} ${UNITS[step]}`;
}
