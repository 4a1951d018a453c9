/** A time zone, as far as due times need it. */
export interface Zone {
  readonly name: string;
  /** How far local time is ahead of UTC at an instant, ms. */
  offsetMs(atMs: number): number;
}

/** @throws RangeError when this machine knows no zone of that name */
export function zoneOf(name: string): Zone {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: name, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  return {
    name,
    offsetMs: (atMs) => {
      const whole = Math.floor(atMs / 1_000) * 1_000;
      const parts: Record<string, number> = {};
      for (const { type, value } of format.formatToParts(whole)) parts[type] = Number(value);
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
      return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
    },
  };
}

const DAY_MS = 86_400_000;
const SECOND_MS = 1_000;

/** What a local time is: the instants that show it, two when clocks were put back. */
export interface LocalInstants {
  readonly at: readonly number[];
  /** When it never showed, the instant at which clocks were put forward past it. */
  readonly gapEndMs?: number;
}

/**
 * The instants at which clocks of a zone show a local time.
 *
 * @param localMs  the local time, as ms since the epoch were it UTC
 */
export function instantsAt(zone: Zone, localMs: number): LocalInstants {
  const [before, after] = [zone.offsetMs(localMs - DAY_MS), zone.offsetMs(localMs + DAY_MS)];
  const at = [...new Set([before, after])]
    .map((offset) => localMs - offset)
    .filter((instant) => instant + zone.offsetMs(instant) === localMs)
    .sort((one, other) => one - other);
  return at.length > 0 ? { at } : { at, gapEndMs: changeAfter(zone, localMs, before) };
}

/** The first second with another offset than `before`, within a day of a local time that never showed. */
function changeAfter(zone: Zone, localMs: number, before: number): number {
  let [low, high] = [localMs - before - DAY_MS, localMs - before + DAY_MS];
  while (high - low > SECOND_MS) {
    const middle = Math.floor((low + high) / 2 / SECOND_MS) * SECOND_MS;
    if (zone.offsetMs(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}
