/** Enough decimals to hold any double above 2^-38 exactly; what is smaller rounds to nothing anyway. */
const EXACT = 100;
/** From here on a double has no fraction, and Java prints its shortest digits padded by zeros. */
const WHOLE = 2 ** 53;

/**
 * A number as Marathon writes a scalar attribute: at most three decimals, ties to even judged on the
 * exact binary value, no exponent, "-0" for what rounds to zero from below (Java's DecimalFormat
 * "0.###"). JavaScript's toFixed(3) is wrong on ties: it turns 0.0625 into 0.063, Java into 0.062.
 *
 * @param value  finite
 */
export function scalarText(value: number): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const size = Math.abs(value);
  if (size >= WHOLE) return sign + padded(String(size));
  const [whole = '0', decimals = ''] = size.toFixed(EXACT).split('.');
  const thousandths = halfEven(BigInt(whole + decimals.slice(0, 3)), decimals.slice(3));
  const digits = thousandths.toString().padStart(4, '0');
  const fraction = digits.slice(-3).replace(/0+$/, '');
  return sign + digits.slice(0, -3) + (fraction === '' ? '' : `.${fraction}`);
}

function halfEven(kept: bigint, dropped: string): bigint {
  const half = '5'.padEnd(dropped.length, '0');
  if (dropped < half) return kept;
  if (dropped > half) return kept + 1n;
  return kept + (kept % 2n);
}

function padded(shortest: string): string {
  const [mantissa = '', exponent = '0'] = shortest.split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return (whole + fraction).padEnd(whole.length + Number(exponent), '0');
}
