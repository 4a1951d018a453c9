/** Keys are ordered as the bytes of their UTF-8, in every backend. */

export const byUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * `key` spelled so that comparing UTF-16 units, as strings do, gives the order of the UTF-8 bytes:
 * surrogates, which stand for the highest characters, move above the units E000..FFFF.
 */
export function ordered(key: string): string {
  if (!/[\ud800-\uffff]/.test(key)) return key;
  return key.replace(/[\ud800-\uffff]/g, (unit) => {
    const code = unit.charCodeAt(0);
    return String.fromCharCode(code < 0xe000 ? code + 0x2000 : code - 0x800);
  });
}

export const byBytes = (a: string, b: string): number => byUnits(ordered(a), ordered(b));
